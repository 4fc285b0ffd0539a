"""`check_prompt_initializer` passes good initializers and names what is wrong with bad ones."""

from __future__ import annotations

import numpy as np
import pytest

from spotfw.plugins.builtin.initializers import spotfw_prompt_initializers
from spotfw.testing import check_prompt_initializer
from spotfw.testing.initializers import SUITE, outcomes

BUILT_IN = {part.name: part for part in spotfw_prompt_initializers()}
IN_PROCESS = tuple(name for name in SUITE.promises if name != "other_process")


class Noise:
    """Sound."""

    name = "noise"

    def __call__(self, context, rng):
        shape = (context.length, context.embeddings.shape[1])
        return rng.standard_normal(shape).astype(np.float32)


class Double(Noise):
    def __call__(self, context, rng):
        return super().__call__(context, rng).astype(np.float64)


class Listed(Noise):
    def __call__(self, context, rng):
        return super().__call__(context, rng).tolist()


class Short(Noise):
    def __call__(self, context, rng):
        return super().__call__(context, rng)[:4]


class NaN(Noise):
    def __call__(self, context, rng):
        return super().__call__(context, rng) * np.float32("nan")


class OwnSource(Noise):
    def __call__(self, context, rng):
        shape = (context.length, context.embeddings.shape[1])
        return np.random.standard_normal(shape).astype(np.float32)


class View(Noise):
    def __call__(self, context, rng):
        return context.embeddings[: context.length]


class OneALabel(Noise):
    """Gives a token more than asked where there are many labels."""

    def __call__(self, context, rng):
        count = max(context.length, len(context.labels))
        return rng.standard_normal((count, context.embeddings.shape[1])).astype(np.float32)


class Local(Noise):
    def __init__(self):
        self.function = lambda x: x


def test_built_in_initializers_conform():
    check_prompt_initializer(BUILT_IN["sampled_vocab"])
    check_prompt_initializer(BUILT_IN["text"], argument="good film")
    results = outcomes(BUILT_IN["class_label"], only=IN_PROCESS)
    assert {o.status for o in results} == {"passed"}


def test_a_sound_initializer_has_no_failed_check():
    assert {o.status for o in outcomes(Noise(), only=IN_PROCESS)} == {"passed"}


@pytest.mark.parametrize(
    ("part", "check", "said"),
    [
        (Double(), "shape", "expected float32, got float64"),
        (Listed(), "shape", "expected a NumPy array, got list"),
        (Short(), "shape", "of shape [5, 8], got [4, 8]"),
        (NaN(), "shape", "got NaN or infinity"),
        (OwnSource(), "determinism", "draw from the `rng` given"),
        (View(), "own_memory", "got a view of the model's embeddings"),
        (OneALabel(), "labels", "of shape [5, 8], got [9, 8]"),
        (Local(), "other_process", "to be picklable"),
        (BUILT_IN["text"], "shape", "WrongUse"),
    ],
)
def test_what_is_wrong_is_said(part, check, said):
    (outcome,) = outcomes(part, only=(check,))
    assert outcome.status == "failed"
    assert said in outcome.said


def test_a_part_may_state_its_own_argument():
    class Text(Noise):
        example_argument = "two words"

        def __call__(self, context, rng):
            assert context.argument == "two words"
            return super().__call__(context, rng)

    assert {o.status for o in outcomes(Text(), only=IN_PROCESS)} == {"passed"}
