"""Tokenised examples and the order they are seen in."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

from spotfw_torch import Examples  # noqa: E402
from spotfw_torch.chunks import runs  # noqa: E402
from spotfw_torch.examples import padded_length, shuffled  # noqa: E402


def test_an_epoch_visits_every_example_once():
    order = shuffled(10, 4, seed=3)
    seen = np.concatenate([order(step) for step in range(5)])
    assert sorted(seen[:10]) == list(range(10)) == sorted(seen[10:])
    assert list(seen[:10]) != list(seen[10:])


def test_the_order_depends_on_seed_and_step_alone():
    forwards, backwards = shuffled(7, 3, seed=1), shuffled(7, 3, seed=1)
    there = [list(forwards(step)) for step in range(6)]
    back = [list(backwards(step)) for step in reversed(range(6))]
    assert there == back[::-1]
    assert there != [list(shuffled(7, 3, seed=2)(step)) for step in range(6)]


def test_a_batch_larger_than_the_data_runs_over_epochs():
    assert sorted(shuffled(3, 7, seed=0)(0)[:6]) == [0, 0, 1, 1, 2, 2]


def test_examples_are_padded_behind():
    examples = Examples.of([[5, 1], [7, 8, 9, 1]], [np.array([3, 1]), (1,)])
    assert examples.inputs.tolist() == [[5, 1, 0, 0], [7, 8, 9, 1]]
    assert examples.targets.tolist() == [[3, 1], [1, 0]]
    assert examples.input_lengths.tolist() == [2, 4] and len(examples) == 2


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [([], []), ([[1]], []), ([[]], [[1]]), ([[1.5]], [[1]]), ([[[1]]], [[1]])],
    ids=["none", "not as many", "empty", "no ids", "no row"],
)
def test_what_is_no_example_is_refused(inputs, targets):
    with pytest.raises(ValueError):
        Examples.of(inputs, targets)


def test_lengths_are_rounded_up():
    assert [padded_length(n, 16) for n in (0, 1, 16, 17)] == [16, 16, 16, 32]


@pytest.mark.parametrize("positions", [1, 100, 10_000])
def test_runs_cover_every_pair_within_their_bound(positions):
    lengths = np.array([3, 30, 17, 5, 60, 2])
    seen = np.zeros((4, 6), int)
    for part, chosen, length in runs(4, 10, lengths, positions):
        assert length >= lengths[chosen].max()
        rows = (part.stop - part.start) * len(chosen)
        assert rows == 1 or rows * (10 + length) <= positions
        seen[part, chosen] += 1
    assert (seen == 1).all()
