"""`check_backend` passes good backends and names what is wrong with bad ones.

The good one and its spoilt copies are a stand-in in NumPy: a prompt takes a random step that
depends on the seed, the step and the prompt.
"""

from __future__ import annotations

import os

import attrs
import numpy as np
import pytest

from spotfw.contracts import Evaluation, FrozenModel, InitContext, TuneProgress, TuningState
from spotfw.errors import SpotError
from spotfw.plugins.builtin.backends import MeshBackend
from spotfw.testing import check_backend
from spotfw.testing.backend_promises import SUITE
from spotfw.testing.backends import outcomes
from spotfw.testing.initializers import WordVocabulary

IN_PROCESS = tuple(name for name in SUITE.promises if name != "other_process")


class StandIn(FrozenModel):
    name, fingerprint, width = "stand-in", "0f", 4

    def __init__(self):
        self.weight = 1.0

    def init_context(self, length, labels=(), argument=None):
        return InitContext(
            length=length, embeddings=np.ones((64, 4), np.float32), vocabulary=WordVocabulary(),
            pieces=60, labels=tuple(labels), argument=argument, fingerprint=self.fingerprint,
        )  # fmt: skip

    def tune(self, requests):
        for index, request in enumerate(requests):
            state, settings = request.start, request.settings
            if state.prompt.shape[1] != self.width:
                error = SpotError("The prompt is of another model.")
                yield TuneProgress(request=index, step=0, loss=0.0, error=error)
                continue
            while state.step < settings.steps:
                state = self.step(state, settings.seed)
                kept = state if state.step % settings.checkpoint_every == 0 else None
                yield TuneProgress(request=index, step=state.step, loss=1.0, state=kept)

    def step(self, state, seed):
        drawn = np.random.default_rng([seed, state.step]).standard_normal(state.prompt.shape)
        momentum = 0.5 * state.slots.get("m", 0) + drawn
        prompt = (state.prompt + momentum).astype(np.float32)
        slots = {"m": momentum.astype(np.float32)}
        return TuningState(step=state.step + 1, prompt=prompt, slots=slots)

    def evaluate(self, prompts, task, split, settings):
        evaluations = []
        for prompt in prompts:
            value = 10 * self.weight + (0 if prompt is None else float(np.abs(prompt).mean()))
            metrics = {"accuracy": value, "f1": value / 2}
            evaluations.append(Evaluation(metrics=metrics, score=value * 0.75, examples=4))
        return evaluations

    def predict(self, prompt, lines, settings):
        return [f"{line} {self.weight}" for line in lines]


@attrs.frozen
class Engine:
    """A backend that opens `model`; of its own fingerprint each time, if it is to."""

    model: type[StandIn] = StandIn
    forgives: bool = False
    name = "engine"

    def open(self, model, **options):
        if not os.path.isdir(model) and not self.forgives:
            raise SpotError("There is no such model.")
        return self.model()


class Weightless(StandIn):
    parameters = 0.5


class Growing(StandIn):
    opened = 1

    def __init__(self):
        super().__init__()
        Growing.opened += 1
        self.parameters = 4 * Growing.opened


class NewFingerprint(StandIn):
    opened = 0

    def __init__(self):
        super().__init__()
        NewFingerprint.opened += 1
        self.fingerprint = str(NewFingerprint.opened)


class NoLabels(StandIn):
    def init_context(self, length, labels=(), argument=None):
        return super().init_context(length, (), argument)


class Idle(StandIn):
    def step(self, state, seed):
        return attrs.evolve(state, step=state.step + 1)


class LastOnly(StandIn):
    def tune(self, requests):
        for progress in super().tune(requests):
            yield progress if progress.step == 2 else attrs.evolve(progress, state=None)


class Drawing(StandIn):
    def step(self, state, seed):
        return super().step(state, np.random.randint(1000))


class Raising(StandIn):
    def tune(self, requests):
        for progress in super().tune(requests):
            if progress.error:
                raise progress.error
            yield progress


class Seedless(StandIn):
    def step(self, state, seed):
        return super().step(state, 0)


class Forgetful(StandIn):
    """Keeps the optimizer's array to itself."""

    def tune(self, requests):
        for index, request in enumerate(requests):
            self.momentum = np.float32(0)
            for progress in super().tune([request]):
                yield attrs.evolve(progress, request=index)

    def step(self, state, seed):
        made = super().step(attrs.evolve(state, slots={"m": self.momentum}), seed)
        self.momentum = made.slots["m"]
        return attrs.evolve(made, slots={})


class FirstIndex(StandIn):
    def tune(self, requests):
        for progress in super().tune(requests):
            yield attrs.evolve(progress, request=0)


class OwnScore(StandIn):
    def evaluate(self, *arguments):
        return [attrs.evolve(e, score=50.0) for e in super().evaluate(*arguments)]


class OneAtLeast(StandIn):
    def evaluate(self, prompts, *rest):
        return super().evaluate(prompts or [None], *rest)


class Joined(StandIn):
    def predict(self, prompt, lines, settings):
        return [f"{line} {len(lines)}" for line in lines]


class Thawed(StandIn):
    def step(self, state, seed):
        self.weight += 0.1
        return super().step(state, seed)


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def checked(folder, spotfw_tiny_tasks):
    def call(backend, *only):
        return outcomes(backend, model=folder, task=spotfw_tiny_tasks[0], only=only)

    return call


def test_a_sound_backend_has_no_failed_check(checked):
    results = checked(Engine(), *IN_PROCESS)
    others = {o.check: o.status for o in results if o.status != "passed"}
    # They are optional.
    assert others == dict.fromkeys(("losses", "loss_gradients", "weights"), "skipped")


@pytest.mark.parametrize(
    ("backend", "check", "said"),
    [
        (Engine(NewFingerprint), "opened_model", "one fingerprint each time"),
        (Engine(Weightless), "opened_model", "whole number, or None"),
        (Engine(Growing), "opened_model", "as many weights each time, got 8 and then 12"),
        (Engine(forgives=True), "absent_model", "expected a SpotError"),
        (Engine(NoLabels), "init_context", "('good', 'bad')"),
        (Engine(Idle), "tuning", "to move the prompt"),
        (Engine(LastOnly), "tuning", "after steps [1, 2] of 2, got [2]"),
        (Engine(Drawing), "determinism", "must depend on (seed, step) alone"),
        (Engine(Seedless), "determinism", "another seed to give another prompt"),
        (Engine(Forgetful), "resuming", "must stand in TuningState"),
        (Engine(FirstIndex), "several_requests", "under indices [0, 1], got [0]"),
        (Engine(Raising), "failing", "reported with its error, and takes no other"),
        (Engine(OwnScore), "evaluation", "the mean of the metrics"),
        (Engine(OneAtLeast), "evaluation", "no evaluation for no prompt"),
        (Engine(Joined), "prediction", "line by line too"),
        (Engine(Thawed), "frozen_weights", "answer as before tuning"),
    ],
)
def test_what_is_wrong_is_said(checked, backend, check, said):
    (outcome,) = checked(backend, check)
    assert outcome.status == "failed"
    assert said in outcome.said


def test_a_model_that_cannot_be_opened(spotfw_tiny_tasks, tmp_path):
    with pytest.raises(AssertionError, match=r"opening: .*There is no such model.*model="):
        check_backend(Engine(), model=tmp_path / "none", task=spotfw_tiny_tasks[0])


def test_another_process_asks_for_the_name(folder, spotfw_tiny_tasks):
    options = {"model": folder, "task": spotfw_tiny_tasks[0], "only": ("other_process",)}
    local = Engine()
    object.__setattr__(local, "model", lambda: StandIn())
    (outcome,) = outcomes(local, **options)
    assert "to be picklable" in outcome.said


@pytest.mark.slow
def test_the_built_in_backend_conforms(spotfw_tiny_model):
    check_backend(MeshBackend(), model=spotfw_tiny_model, threads=1, cohort=2)
