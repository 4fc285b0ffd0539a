"""`check_similarity_metric` passes good metrics and names what is wrong with bad ones."""

from __future__ import annotations

import itertools
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from spotfw.contracts import SimilarityMetric
from spotfw.errors import SpotError
from spotfw.plugins.builtin.metrics import AverageTokenCosine, PerTokenCosine
from spotfw.testing import check_similarity_metric
from spotfw.testing.metrics import SUITE, outcomes


class Mean(SimilarityMetric):
    """Sound: minus the squared distance of the mean tokens."""

    name = "mean"
    symmetric = True
    range = (-np.inf, 0.0)

    def features(self, prompt):
        return prompt.mean(axis=0)

    def compare(self, query, stack):
        return -np.square(stack - query).sum(axis=1)


class Distance(Mean):
    def compare(self, query, stack):
        return -super().compare(query, stack)


class Lopsided(Mean):
    def compare(self, query, stack):
        return super().compare(query, stack) + stack[:, 0]


class OutOfRange(Mean):
    range = (-1.0, 0.0)


class OddRange(Mean):
    range = "0 to 1"


class Mutating(Mean):
    def features(self, prompt):
        prompt -= prompt.mean(axis=0)
        return prompt.sum(axis=0)


class Random(Mean):
    def compare(self, query, stack):
        return super().compare(query, stack) + np.random.normal(size=len(stack))


class Matrix(Mean):
    def compare(self, query, stack):
        return super().compare(query, stack)[:, None]


class FailsOnNone(Mean):
    def compare(self, query, stack):
        return super().compare(query, stack) + 0 * stack.max()


class DividesByZero(Mean):
    def compare(self, query, stack):
        with np.errstate(all="ignore"):
            return stack @ query / (np.linalg.norm(query) * np.linalg.norm(stack, axis=1))


class Raises(Mean):
    def features(self, prompt):
        raise KeyError("no luck")


class Centred(Mean):
    def compare(self, query, stack):
        middle = stack.mean(axis=0) if len(stack) else 0
        return (stack - middle) @ (query - middle)


class StatesIt(Centred):
    pointwise = False
    symmetric = False
    range = None


class First(Mean):
    """Gives the similarities in another order than the prompts'."""

    def compare(self, query, stack):
        return np.sort(super().compare(query, stack))


class Whole(Mean):
    def __call__(self, a, b):
        return np.float32(1)


class Named(Mean):
    name = "two words"


class Unpicklable(Mean):
    def __init__(self):
        self.lock = threading.Lock()


class Drifting(Mean):
    """Counts its calls, so the same prompts never give the same."""

    calls = itertools.count()

    def features(self, prompt):
        return super().features(prompt) * next(self.calls)


class ByTask(Mean):
    """Sound: as `Mean`, and the prompts of the task a one higher."""

    worth = 0.0

    def compare(self, query, stack):
        return super().compare(query, stack) + self.worth

    def with_sources(self, sources, target):
        known = ByTask()
        known.worth = np.array([float(task == "a") for task in sources])
        return known


class OtherOrder(ByTask):
    def with_sources(self, sources, target):
        known = super().with_sources(sources, target)
        known.worth = np.sort(known.worth)
        return known


class ChangesItself(ByTask):
    def with_sources(self, sources, target):
        self.worth = 1.0
        return super().with_sources(sources, target)


class NothingThere(ByTask):
    def with_sources(self, sources, target):
        raise SpotError("No rows are named.")


def test_a_metric_of_tasks_without_what_it_looks_at_is_tried_as_far_as_it_goes():
    (outcome,) = outcomes(NothingThere(), only=("source_tasks",))
    assert (outcome.status, "No rows are named" in outcome.said) == ("skipped", True)


@pytest.mark.parametrize("metric", [AverageTokenCosine(), PerTokenCosine()])
def test_built_in_metrics_conform(metric):
    check_similarity_metric(metric)


IN_PROCESS = tuple(name for name in SUITE.promises if name != "other_process")


@pytest.mark.parametrize("metric", [Mean(), StatesIt(), ByTask()])
def test_a_sound_metric_has_no_failed_check(metric):
    assert not [o for o in outcomes(metric, only=IN_PROCESS) if o.status == "failed"]


@pytest.mark.parametrize(
    ("metric", "check", "said"),
    [
        (Distance(), "direction", "turn a distance's sign round"),
        (Lopsided(), "symmetry", "expected the same both ways"),
        (OutOfRange(), "stated_range", "expected similarities within [-1.0, 0.0]"),
        (OddRange(), "stated_range", "a pair (low, high)"),
        (Mutating(), "features", "read-only"),
        (Random(), "determinism", "expected the same similarities"),
        (Drifting(), "determinism", "expected the same similarities"),
        (Matrix(), "shapes", "of shape [5] for 5 prompts, got [5, 1]"),
        (FailsOnNone(), "shapes", "N of 0, 1 and 5; but it raised ValueError"),
        (DividesByZero(), "odd_prompts", "a prompt of zeros to be finite"),
        (Raises(), "features", "KeyError: 'no luck'"),
        (Centred(), "pointwise", "state pointwise = False"),
        (First(), "order", "follow the prompts' order"),
        (OtherOrder(), "source_tasks", "follow the order of tasks and prompts"),
        (ChangesItself(), "source_tasks", "with_sources to change no metric"),
        (Whole(), "number", "to be a float, got float32"),
        (Named(), "name", "without spaces or colons"),
        (Unpicklable(), "other_process", "to be picklable"),
    ],
)
def test_what_is_wrong_is_said(metric, check, said):
    (outcome,) = outcomes(metric, only=(check,))
    assert outcome.status == "failed"
    assert said in outcome.said
    assert "\n" not in outcome.said


MODULE = """
import numpy as np
from spotfw.contracts import SimilarityMetric

class {name}(SimilarityMetric):
    name = "{name}"
    def features(self, prompt):
        return prompt.mean(axis=0) * {factor}
"""


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a class into a module that other processes can import too."""

    def call(name: str, factor: str) -> SimilarityMetric:
        (tmp_path / f"module_{name}.py").write_text(MODULE.format(name=name, factor=factor))
        monkeypatch.syspath_prepend(tmp_path)
        module = __import__(f"module_{name}")
        return getattr(module, name)()

    return call


def test_another_process_tells_what_hangs_on_this_one(imported):
    (fine,) = outcomes(imported("Fine", "2"), only=("other_process",))
    assert fine.status == "passed"
    # Texts hash differently in each process.
    (hashed,) = outcomes(imported("Hashed", "(hash('a') % 1000)"), only=("other_process",))
    assert hashed.said.startswith("expected the same similarities in another process")


def test_a_class_that_cannot_be_imported_elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "only_here", sys.modules[__name__])
    monkeypatch.setattr(Mean, "__module__", "only_here")
    (outcome,) = outcomes(Mean(), only=("other_process",))
    assert "in a module that other processes can import" in outcome.said


def test_no_third_process_is_started(monkeypatch):
    monkeypatch.setenv("SPOTFW_TESTING_ELSEWHERE", "1")
    (outcome,) = outcomes(AverageTokenCosine(), only=("other_process",))
    assert "call it in a function" in outcome.said


class NeedsModel(Mean):
    model = None
    range = None

    def with_model(self, model):
        bound = NeedsModel()
        bound.model = model
        return bound

    def features(self, prompt):
        return super().features(prompt) * self.model.width


class Model:
    width = 5


def test_a_metric_that_needs_a_model_gets_it():
    results = outcomes(NeedsModel(), model=Model(), only=IN_PROCESS)
    assert not [o for o in results if o.status == "failed"]
    with pytest.raises(AssertionError, match="'mean' does not conform"):
        check_similarity_metric(NeedsModel())
