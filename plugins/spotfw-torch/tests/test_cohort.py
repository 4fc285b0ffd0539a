"""A member ends as it would have ended alone, whoever is beside it."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

import spotfw_torch  # noqa: E402
from spotfw_torch import Cohort, Examples, Member  # noqa: E402

LENGTH, BATCH = 5, 4


@pytest.fixture(scope="module")
def members(model, prompts, texts):
    """Four members alike in shape only; two of them share their data."""
    sets = [
        Examples.of(texts(seed, 30, longest), texts(seed + 50, 30, 4))
        for seed, longest in ((1, 14), (2, 45), (3, 30))
    ]
    starts = prompts(4, LENGTH, model.width, seed=9)
    return [
        Member(
            name=f"member {i}",
            prompt=starts[i],
            examples=sets[i % 3],
            seed=10 + i,
            batch_size=BATCH,
            rate=(0.3, 0.1, 0.03, 0.3)[i],
            weight_decay=(1e-5, 0.0, 1e-2, 1e-5)[i],
            scale_weight_decay=i == 3,
        )
        for i in range(4)
    ]


def _near(value, expected, share=1e-5):
    """Within this share of the arrays' size.

    Adafactor divides by the gradient's own running size, so where an element is close to 0
    it carries float32's rounding, which depends on padding, into the prompt.
    """
    assert np.linalg.norm(value - expected) <= share * np.linalg.norm(expected)


def _same(tuned, expected):
    _near(tuned.prompt, expected.prompt)
    _near(tuned.moment, expected.moment, 5e-5)  # a sum of squares
    np.testing.assert_allclose(tuned.losses, expected.losses, atol=2e-5, rtol=0)
    assert tuned.step == expected.step


def test_weight_decay_is_scaled_by_the_rate_where_a_member_says_so(members):
    plain, scaled = (attrs.evolve(members[0], scale_weight_decay=s) for s in (False, True))
    assert (plain.decay, scaled.decay) == pytest.approx((1e-5, 0.3 * 1e-5))


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_together_as_alone(model, members, dropout):
    given = [attrs.evolve(member, dropout=dropout) for member in members]
    together = spotfw_torch.tune(model, given, 4, checkpoints=(2,))
    for member, tuned in zip(given, together, strict=True):
        (alone,) = spotfw_torch.tune(model, [member], 4, checkpoints=(2,))
        _same(tuned, alone)
        _near(tuned.checkpoints[2], alone.checkpoints[2])
        assert tuned.name == member.name
        assert not np.allclose(tuned.prompt, member.prompt, atol=1e-3)


def test_dropout_changes_the_losses_and_its_seed_does(model, members):
    plain, dropped, other = (
        spotfw_torch.tune(model, [attrs.evolve(members[0], **changes)], 1)[0].losses[0]
        for changes in (
            {},
            {"dropout": 0.1},
            {"dropout": 0.1, "seed": 99, "order": members[0].batches()},
        )
    )
    assert len({float(plain), float(dropped), float(other)}) == 3


def test_members_with_and_without_dropout_together(model, members):
    mixed = [attrs.evolve(members[0], dropout=0.2), members[3]]
    for member, tuned in zip(mixed, spotfw_torch.tune(model, mixed, 4), strict=True):
        _same(tuned, spotfw_torch.tune(model, [member], 4)[0])


def test_in_slices_and_small_cohorts_as_in_one(model, members):
    whole = spotfw_torch.tune(model, members, 6)
    for sizes in ({"members_at_once": 3}, {"cohort_size": 2}, {"cohort_size": 1}):
        for expected, tuned in zip(
            whole, spotfw_torch.tune(model, members, 6, **sizes), strict=True
        ):
            _same(tuned, expected)


def test_a_member_continues_from_its_state(model, members):
    given = [attrs.evolve(member, dropout=0.1) for member in members]
    whole = spotfw_torch.tune(model, given, 7)
    half = spotfw_torch.tune(model, given, 3)
    rest = [
        attrs.evolve(member, prompt=state.prompt, moment=state.moment, step=state.step)
        for member, state in zip(given, half, strict=True)
    ]
    for expected, tuned in zip(whole, spotfw_torch.tune(model, rest, 7), strict=True):
        _near(tuned.prompt, expected.prompt)
        np.testing.assert_allclose(tuned.losses, expected.losses[3:], atol=2e-5, rtol=0)


def test_joining_and_leaving_between_steps(model, members):
    first, second, third, _ = members
    cohort = Cohort(model, LENGTH, BATCH)
    cohort.join(first)
    cohort.join(second)
    for _ in range(3):
        cohort.step()
    cohort.report()
    left = cohort.leave(first.name)
    cohort.join(third)
    for _ in range(2):
        cohort.step()
    reports = {report.name: report for report in cohort.report()}
    assert reports[second.name].step == 5 and reports[third.name].step == 2
    ends = {first.name: left, **cohort.states()}
    for member, steps in ((first, 3), (second, 5), (third, 2)):
        (alone,) = spotfw_torch.tune(model, [member], steps)
        _near(ends[member.name].prompt, alone.prompt)


def test_a_member_that_diverges_leaves_alone_and_says_so(model, members):
    wild = attrs.evolve(members[1], name="wild", rate=1e38)
    given = [members[0], wild, members[2]]
    tuned = spotfw_torch.tune(model, given, 6, checkpoints=(1, 2))
    assert tuned[1].diverged_at is not None
    assert tuned[1].step == tuned[1].diverged_at - 1 == len(tuned[1].losses)
    assert np.isfinite(tuned[1].prompt).all() and np.isfinite(tuned[1].moment).all()
    for sound, member in ((tuned[0], members[0]), (tuned[2], members[2])):
        assert sound.diverged_at is None
        _same(sound, spotfw_torch.tune(model, [member], 6)[0])


def test_a_prompt_that_is_no_number_leaves_at_once(model, members):
    broken = attrs.evolve(members[0], name="broken", prompt=members[0].prompt * np.nan)
    cohort = Cohort(model, LENGTH, BATCH)
    cohort.join(broken)
    cohort.join(members[1])
    cohort.step()
    reports = cohort.report()
    assert [report.diverged_at for report in reports] == [1, None]
    assert [member.name for member in cohort.members] == [members[1].name]


def test_tokens_and_losses_are_reported(model, members):
    cohort = Cohort(model, LENGTH, BATCH)
    cohort.join(members[0])
    for _ in range(2):
        cohort.step()
    (report,) = cohort.report()
    order, data = members[0].batches(), members[0].examples
    chosen = np.concatenate([order(0), order(1)])
    assert report.tokens == data.input_lengths[chosen].sum() + data.target_lengths[chosen].sum()
    assert report.losses.shape == (2,)
    at_start = spotfw_torch.Examples.of(
        [data.inputs[i, : data.input_lengths[i]] for i in order(0)],
        [data.targets[i, : data.target_lengths[i]] for i in order(0)],
    )
    start = spotfw_torch.mean_loss(model, members[0].prompt[None], at_start)
    assert report.losses[0] == pytest.approx(start[0], abs=1e-5)


def test_a_tuning_learns_its_examples(model, members, texts):
    few = Examples.of(texts(1, BATCH, 10), texts(2, BATCH, 3))
    (tuned,) = spotfw_torch.tune(model, [attrs.evolve(members[0], examples=few)], 60)
    assert tuned.losses[-5:].mean() < 0.7 * tuned.losses[0]


def test_what_does_not_fit_is_refused(model, members):
    cohort = Cohort(model, LENGTH, BATCH)
    cohort.join(members[0])
    with pytest.raises(ValueError, match="already"):
        cohort.join(members[0])
    with pytest.raises(ValueError, match="does not fit"):
        cohort.join(attrs.evolve(members[1], prompt=members[1].prompt[:2]))
    with pytest.raises(ValueError, match="batch"):
        cohort.join(attrs.evolve(members[1], batch_size=2))
    with pytest.raises(ValueError, match="same name"):
        spotfw_torch.tune(model, [members[0], members[0]], 1)
    cohort.step()
    with pytest.raises(RuntimeError, match="report"):
        cohort.leave(members[0].name)
