"""The conformance suite of similarity metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.contracts import Array, FrozenModel, SimilarityMetric, SourceTasks, TargetSignal
from spotfw.errors import SpotError
from spotfw.tasks import Task
from spotfw.testing.metric_targets import bound
from spotfw.testing.processes import ask_elsewhere, here
from spotfw.testing.suites import Outcome, Skip, Suite, check_name, expect, name_of

Floats = npt.NDArray[np.floating[Any]]

#: Relative difference that rounding may make.
_ROUNDING = 1e-5


@attrs.frozen(kw_only=True)
class MetricSubject:
    """A metric and the prompts it is tried on, all read-only float32 [length, width].

    Attributes:
      metric: ready to compare, bound to a model, or a target, where it needs one.
      plain: as its plugin gives it.
    """

    metric: SimilarityMetric
    plain: SimilarityMetric
    length: int
    width: int
    seed: int

    def prompts(self, count: int = 5) -> list[Array]:
        """Prompts whose tokens lie around one direction each."""
        rng = np.random.default_rng(self.seed)
        middles = rng.standard_normal((count, 1, self.width)) * 3
        tokens = rng.standard_normal((count, self.length, self.width))
        return [_frozen(p) for p in middles + tokens]

    def odd_prompts(self) -> dict[str, Array]:
        """Unusual prompts that a metric must accept."""
        first, *_ = self.prompts()
        return {
            "zeros": _frozen(np.zeros_like(first)),
            "equal tokens": _frozen(np.broadcast_to(first[:1], first.shape)),
            "its opposite": _frozen(-first),
            "values in the thousands": _frozen(first * 1e4),
            "values near zero": _frozen(first * 1e-6),
        }


def check_similarity_metric(
    metric: SimilarityMetric,
    *,
    length: int = 6,
    width: int = 8,
    seed: int = 0,
    model: FrozenModel | None = None,
    task: Task | None = None,
) -> None:
    """Checks a metric against the contract of `spotfw.contracts.SimilarityMetric`.

    What it promises by its attributes `symmetric` and `range` is checked as well. A metric whose
    similarities depend on the whole library (because it subtracts the library's mean, say) must
    state ``pointwise = False``.

    Args:
      metric: the metric.
      length, width: of the prompts to try; with a model, the width is the model's.
      seed: of the prompts.
      model: for a metric that needs one (fixture ``spotfw_opened_model``).
      task: for a `TargetSignal`, whose training examples it looks at; it needs a model too.

    Raises:
      AssertionError: a promise is not kept; a sentence for each.
    """
    __tracebackhide__ = True
    results = outcomes(metric, length=length, width=width, seed=seed, model=model, task=task)
    SUITE.demand(name_of(metric), results)


def outcomes(
    metric: Any,
    *,
    length: int = 6,
    width: int = 8,
    seed: int = 0,
    model: FrozenModel | None = None,
    task: Task | None = None,
    only: tuple[str, ...] = (),
) -> list[Outcome]:
    """As `check_similarity_metric`, but returns the outcomes instead of raising."""
    subject = MetricSubject(
        metric=metric if model is None else bound(metric, model, task),
        plain=metric,
        length=length,
        width=width if model is None else model.width,
        seed=seed,
    )
    return SUITE.outcomes(subject, only)


SUITE: Suite[MetricSubject] = Suite("similarity metric")


@SUITE.check
def name(s: MetricSubject) -> None:
    """Has a name, a text without spaces or colons."""
    check_name(s.metric)


@SUITE.check
def features(s: MetricSubject) -> None:
    """Features of read-only float32 prompts are finite numbers, of one shape for one length."""
    for count in (s.length, 1):
        shapes = set()
        for prompt in s.prompts():
            kept = s.metric.features(prompt[:count])
            _finite(kept, f"features of a prompt {[count, s.width]}")
            shapes.add(np.shape(kept))
        expect(
            len(shapes) == 1,
            f"expected features of one shape for prompts of one shape, got {sorted(shapes)}.",
        )


@SUITE.check
def signals(s: MetricSubject) -> None:
    """A signal gives one number for each of N prompts, those it gives for each alone."""
    if not isinstance(s.metric, TargetSignal):
        raise Skip("the metric compares prompts.")
    expect(
        type(s.metric.examples) is int and s.metric.examples >= 1,
        f"expected examples to be a whole number of 1 or more, got {s.metric.examples!r}.",
    )
    prompts = s.prompts()
    together = np.asarray(s.metric.signals(prompts))
    _finite(together, "signals")
    alone = [s.metric.signals([prompt])[0] for prompt in prompts]
    _same(together, alone, "expected the signals of prompts together to be those of each alone")


@SUITE.check
def source_tasks(s: MetricSubject) -> None:
    """Given the prompts' tasks, a metric that looks at them keeps their order, and stays itself."""
    if not isinstance(s.metric, SourceTasks):
        raise Skip("the metric does not look at the prompts' tasks.")
    (query, stack), tasks = _stacked(s), ["a", "b", None, "a", "c"]
    before = s.metric.compare(query, stack)
    try:
        known = s.metric.with_sources(tasks, "t").compare(query, stack)
    except SpotError as error:
        raise Skip(f"it looks at what is not here: {error}") from error
    expect(np.shape(known) == (len(tasks),), f"expected {len(tasks)} similarities, got {known!r}.")
    _finite(known, "similarities with prompts of known tasks")
    turned = s.metric.with_sources(tasks[::-1], "t").compare(query, stack[::-1])[::-1]
    _same(known, turned, "expected similarities to follow the order of tasks and prompts")
    _same(before, s.metric.compare(query, stack), "expected with_sources to change no metric")


@SUITE.check
def shapes(s: MetricSubject) -> None:
    """Compared with N prompts, a query gets N similarities, for N of 0, 1 and 5."""
    query, stack = _stacked(s)
    for count in (5, 1, 0):
        similarities = s.metric.compare(query, stack[:count])
        expect(
            np.shape(similarities) == (count,),
            f"expected compare to give an array of shape [{count}] for {count} prompts, got "
            f"{list(np.shape(similarities))}.",
        )
        _finite(similarities, f"similarities with {count} prompts")


@SUITE.check
def odd_prompts(s: MetricSubject) -> None:
    """Similarities with prompts of zeros, equal tokens, large and small values are finite."""
    first, *_ = s.prompts()
    odd = s.odd_prompts()
    for what, prompt in odd.items():
        for query, other in ((first, prompt), (prompt, first), (prompt, prompt)):
            _finite(_similarity(s, query, other), f"the similarity with a prompt of {what}")


@SUITE.check
def number(s: MetricSubject) -> None:
    """Called with two prompts it gives one Python float."""
    first, second, *_ = s.prompts()
    similarity = s.metric(first, second)
    expect(
        isinstance(similarity, float),
        f"expected metric(a, b) to be a float, got {type(similarity).__name__}",
    )


@SUITE.check
def determinism(s: MetricSubject) -> None:
    """The same prompts give the same similarities, whatever the global random state."""
    np_state = np.random.get_state()
    try:
        similarities = []
        for seed in (1, 2):
            np.random.seed(seed)
            similarities.append(_all(s))
    finally:
        np.random.set_state(np_state)
    _same(similarities[0], similarities[1], "expected the same similarities from the same prompts")


@SUITE.check
def order(s: MetricSubject) -> None:
    """The order of the prompts compared with does not change their similarities."""
    query, stack = _stacked(s)
    turned = np.asarray(s.metric.compare(query, stack[::-1]))[::-1]
    _same(
        s.metric.compare(query, stack), turned, "expected similarities to follow the prompts' order"
    )


@SUITE.check
def pointwise(s: MetricSubject) -> None:
    """A similarity depends on the two prompts alone, unless the metric says pointwise = False."""
    if not s.metric.pointwise:
        raise Skip("the metric states pointwise = False.")
    query, stack = _stacked(s)
    alone = [s.metric.compare(query, stack[i : i + 1])[0] for i in range(len(stack))]
    _same(
        s.metric.compare(query, stack),
        alone,
        "expected the similarity of two prompts not to depend on which others are compared "
        "(state pointwise = False if it is meant to)",
    )


@SUITE.check
def direction(s: MetricSubject) -> None:
    """Higher means more alike: a prompt is at least as like itself as the average other."""
    if isinstance(s.metric, TargetSignal):
        raise Skip("the metric looks at no query.")
    _, stack = _stacked(s)
    for place, query in enumerate(stack):
        similarities = np.asarray(s.metric.compare(query, stack))
        itself, mean = float(similarities[place]), float(np.delete(similarities, place).mean())
        expect(
            itself >= mean - _ROUNDING * max(1.0, abs(mean)),
            f"expected a prompt to be more like itself than like unrelated ones, got {itself:.4g} "
            f"with itself and {mean:.4g} with others; turn a distance's sign round.",
        )


@SUITE.check
def symmetry(s: MetricSubject) -> None:
    """A metric that states symmetric = True gives the same for (a, b) and (b, a)."""
    if not s.metric.symmetric:
        raise Skip("the metric does not state symmetric = True.")
    for a in s.prompts(3):
        for b in (*s.prompts(3), *s.odd_prompts().values()):
            there, back = _similarity(s, a, b), _similarity(s, b, a)
            expect(
                np.isclose(there, back, rtol=_ROUNDING, atol=_ROUNDING),
                f"expected the same both ways, as symmetric = True states, got {there:.6g} and "
                f"{back:.6g}.",
            )


@SUITE.check
def stated_range(s: MetricSubject) -> None:
    """A metric that states range = (low, high) gives nothing outside."""
    stated: Any = s.metric.range
    if stated is None:
        raise Skip("the metric states no range.")
    expect(
        isinstance(stated, tuple) and len(stated) == 2 and stated[0] < stated[1],
        f"expected range to be a pair (low, high) of numbers, got {stated!r}.",
    )
    low, high = stated
    prompts = [*s.prompts(), *s.odd_prompts().values()]
    similarities = [_similarity(s, a, b) for a in prompts for b in prompts]
    worst = max(similarities, key=lambda value: max(low - value, value - high))
    expect(
        low - _ROUNDING <= worst <= high + _ROUNDING,
        f"expected similarities within [{low}, {high}], as range states, got {worst:.6g}.",
    )


@SUITE.check
def other_process(s: MetricSubject) -> None:
    """Pickled to another process, it gives the same similarities there."""
    if s.metric is not s.plain:  # the model stays here
        there = ask_elsewhere(name_of, s.plain, name_of(s.plain))
        expect(there == s.plain.name, f"expected the name {s.plain.name!r} there, got {there!r}.")
        return
    _same(
        here(_similarities, s),
        ask_elsewhere(_similarities, s, name_of(s.metric)),
        "expected the same similarities in another process",
    )


def _similarities(s: MetricSubject) -> list[float]:
    return [float(value) for value in _all(s)]


def _all(s: MetricSubject) -> Floats:
    query, stack = _stacked(s)
    return np.asarray(s.metric.compare(query, stack))


def _stacked(s: MetricSubject) -> tuple[Floats, Floats]:
    query, *others = (s.metric.features(p) for p in s.prompts(6))
    return query, np.stack(others)


def _similarity(s: MetricSubject, a: Array, b: Array) -> float:
    keep: Callable[[Array], Floats] = s.metric.features
    return float(s.metric.compare(keep(a), keep(b)[None])[0])


def _finite(values: Any, what: str) -> None:
    array = np.asarray(values)
    expect(
        array.dtype.kind == "f" and np.isfinite(array).all(),
        f"expected {what} to be finite floats, got {array!r:.120}.",
    )


def _same(first: Any, second: Any, sentence: str) -> None:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    same = a.shape == b.shape and np.allclose(a, b, rtol=_ROUNDING, atol=_ROUNDING)
    expect(same, f"{sentence}, got {np.round(a, 6).tolist()} and {np.round(b, 6).tolist()}.")


def _frozen(values: Any) -> Array:
    array = np.array(values, np.float32)
    array.flags.writeable = False
    return array
