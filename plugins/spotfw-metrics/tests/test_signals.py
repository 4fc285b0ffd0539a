"""Signals of a target's examples: closed forms, on models whose losses are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import TargetContext, TargetSignal, TuneProgress, TuningState
from spotfw.errors import SpotError, WrongUse
from spotfw.tasks import Example, Task
from spotfw.testing import NumpyModel, check_similarity_metric
from spotfw_metrics import (
    FirstStepsLossDrop,
    GradientAlignment,
    LabelCentredLoss,
    ZeroStepLoss,
)

SIGNALS = [ZeroStepLoss, LabelCentredLoss, GradientAlignment, FirstStepsLossDrop]


class Given:
    """A model that says what it is given: losses by (prompt's first number, example's words)."""

    name = "given"
    width = 2

    def losses(self, prompts: Sequence[Any], examples: Sequence[Example], settings: Any) -> Any:
        return np.array(
            [[p[0, 0] * float(e.inputs) + len(e.targets) for e in examples] for p in prompts]
        )

    def loss_gradients(
        self, prompts: Sequence[Any], examples: Sequence[Example], settings: Any
    ) -> Any:
        angles = [float(e.inputs) for e in examples]
        one = [np.mean(np.cos(angles)), np.mean(np.sin(angles))]
        return np.array([[one] for p in prompts], np.float32) * [[[p[0, 0]]] for p in prompts]

    def tune(self, requests: Sequence[Any]) -> Any:
        for index, request in enumerate(requests):
            prompt = request.start.prompt / 2  # whatever the steps
            state = TuningState(step=request.settings.steps, prompt=prompt)
            yield TuneProgress(request=index, step=state.step, loss=1.0, state=state)


def _none(split: str) -> list[Example]:
    return []


def context(pairs: Sequence[tuple[str, str]], labels: Sequence[str] = ()) -> TargetContext:
    return TargetContext(
        model=Given(),
        task=Task(
            name="t", family="f", type="classification", labels=tuple(labels), examples=_none
        ),
        examples=[Example(inputs=i, targets=t) for i, t in pairs],
        settings=TuningSettings(batch_size=4),
    )


def prompts(*values: float) -> list[Any]:
    return [np.array([[value, 0.0]], np.float32) for value in values]


def test_zero_step_loss_is_the_mean() -> None:
    bound = ZeroStepLoss().with_target(context([("1", "a"), ("3", "bbb")]))
    np.testing.assert_allclose(bound.signals(prompts(2, 0.5)), [-(2 * 2 + 2), -(0.5 * 2 + 2)])


def test_label_centred_loss_is_a_softmax_over_labels() -> None:
    # Losses of the labels a, bb, ccc are x + 1, x + 2, x + 3 whatever x: the prompt's own way of
    # liking all of them drops out.
    labels = ("a", "bb", "ccc")
    bound = LabelCentredLoss().with_target(context([("1", "a"), ("7", "ccc")], labels))
    total = np.log(sum(np.exp(-n) for n in (1, 2, 3)))
    expected = np.mean([-1 - total, -3 - total])
    np.testing.assert_allclose(bound.signals(prompts(2, 500)), [expected, expected])


def test_label_centred_loss_needs_labels() -> None:
    for labels, why in (((), "has none"), (("x",), "writes 'a', which is none")):
        with pytest.raises(SpotError, match=why):
            LabelCentredLoss().with_target(context([("1", "a")], labels)).signals(prompts(1))


def test_gradient_alignment_is_the_cosine_of_two_halves() -> None:
    pairs = [("0", "a"), ("1", "a"), ("0", "a"), ("1", "a")]  # halves of angle 0 and of 1
    bound = GradientAlignment().with_target(context(pairs))
    np.testing.assert_allclose(
        bound.signals(prompts(3, -5, 0)), [np.cos(1), np.cos(1), 0], atol=1e-6
    )
    with pytest.raises(SpotError, match="needs 2 examples"):
        GradientAlignment().with_target(context(pairs[:1])).signals(prompts(3))


def test_first_steps_loss_drop_is_before_less_after() -> None:
    bound = FirstStepsLossDrop(steps=7).with_target(context([("2", "a"), ("4", "a")]))
    np.testing.assert_allclose(bound.signals(prompts(2, -2)), [(2 - 1) * 3, -(2 - 1) * 3])


def test_costs_in_forward_passes() -> None:
    two = context([("1", "a"), ("2", "a")], ("a", "b", "c"))
    costs = {cls().name: cls().passes(two) for cls in SIGNALS}
    assert costs == {
        "zero_step_loss": 2,
        "label_centred_loss": 6,
        "gradient_alignment": 6,
        "first_steps_loss_drop": 2 * 2 + 3 * 10 * 4,
    }


@pytest.mark.parametrize("cls", SIGNALS)
def test_a_signal_without_a_target(cls: type[TargetSignal]) -> None:
    with pytest.raises(SpotError, match="no target is given"):
        cls().signals(prompts(1))


@pytest.mark.parametrize("cls", SIGNALS)
def test_settings_make_sense(cls: type[TargetSignal]) -> None:
    assert cls(examples=3).examples == 3
    with pytest.raises(WrongUse, match="examples"):
        cls(examples=0)


def test_a_source_that_knows_the_target_is_more_promising(spotfw_tiny_tasks: Any) -> None:
    """On the model in NumPy: a prompt tuned on the target, less of it, and none of it."""
    model = NumpyModel()
    task = spotfw_tiny_tasks[0]
    settings = TuningSettings(
        steps=60, batch_size=16, prompt_length=4, checkpoint_every=20, max_input_length=32
    )
    start = TuningState(step=0, prompt=np.zeros((4, model.width), np.float32))
    from spotfw.contracts import TuneRequest

    requests = [TuneRequest(task=task, settings=settings, start=start)]
    states = [p.state for p in model.tune(requests) if p.state is not None]
    given = [start.prompt, states[0].prompt, states[-1].prompt]
    examples = [e for _, e in zip(range(64), task.examples("train"), strict=False)]
    asked = TargetContext(model=model, task=task, examples=examples, settings=settings)
    for cls in (ZeroStepLoss, LabelCentredLoss):
        signals = cls().with_target(asked).signals(given)
        assert signals[0] < signals[1] < signals[2]
    drops = FirstStepsLossDrop().with_target(asked).signals(given)
    assert drops[0] > drops[2]


@pytest.mark.parametrize("cls", SIGNALS)
def test_they_keep_the_contract(cls: type[TargetSignal], spotfw_tiny_tasks: Any) -> None:
    check_similarity_metric(cls(), model=NumpyModel(), task=spotfw_tiny_tasks[0])
    assert attrs.has(cls)
