"""Ways to spend steps on a target, replayed on a study's runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import attrs
import numpy as np
import pandas as pd

from benchmarks.retrieval_studies import STEP, Course
from spotfw.config import TuningSettings
from spotfw.contracts import Race, Start, StartFromPrompt, StartFromScratch
from spotfw.prompts import SoftPrompt
from spotfw.recipe.racing import run_race
from spotfw.recipe.rounds import Rounds, carry_out
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.tuned import TunedPrompt
from spotfw_strategies import NoiseRacingTopK

#: Updates of a target's tuning to its end, and of a batch's examples.
STEPS, BATCH = 200, 16
#: Where validation scores are known, and races may halve.
CHECKPOINTS = (24, 48, 104, 152)
#: Forward passes of an example that a step takes for each of its batch's.
PASSES = 3 * BATCH


@attrs.frozen
class Paid:
    """What a policy reached, and the steps that it paid; ranking in steps of as many passes."""

    score: float
    steps: float


Policy = Callable[[Course, str, int], Paid]


def asking(signal: str) -> Callable[[int, int], float]:
    """What ranking by a signal costs, in steps, from the number of sources and of labels."""
    cost = 0.0
    passes = 0.0
    if "average tokens" in signal or "per token" in signal:
        cost += STEP  # the target's own embedding
    if "zero-step" in signal or "label-centred" in signal:
        passes += 256
    if "gradient" in signal:
        passes += 3 * 256
    each = 0.0
    if "10 steps" in signal:
        passes += 256
        each += 10
    return lambda sources, labels: cost + sources * (each + passes * labels / PASSES)


def top(signal: str, k: int) -> Policy:
    """Tunes from the first k to the end; the best by validation."""

    def policy(course: Course, target: str, seed: int) -> Paid:
        order = _order(course, signal, target, seed)
        spent = asking(signal)(len(order), _labels(signal))
        return _best(course.of(target, seed).loc[order[:k]], spent + k * STEPS)

    return policy


def race(signal: str, k: int, rungs: Sequence[int]) -> Policy:
    """Successive halving of the first k at steps where all are compared by validation."""

    def policy(course: Course, target: str, seed: int) -> Paid:
        order = _order(course, signal, target, seed)
        spent = asking(signal)(len(order), _labels(signal))
        runs, field, before = course.of(target, seed), order[:k], 0
        for step in rungs:
            spent += len(field) * (step - before)
            before = step
            scores = {name: _until(runs.loc[name, "by_step"], step) for name in field}
            kept = sorted(field, key=lambda name: -scores[name])[: (len(field) + 1) // 2]
            field = [name for name in field if name in kept]
        return _best(runs.loc[field], spent + len(field) * (STEPS - before))

    return policy


def noise_race(signal: str, k: int, budget: int | None = None) -> Policy:
    """A race of the first k that ends one when the leader's gap exceeds the noise of the scores.

    The race is spotfw's own, looking at each checkpoint. The study's rows do not say which examples
    a run got right, so that runs count as independent, which ends fewer than pairs would.
    """
    race = Race(
        candidates=[StartFromScratch()],
        rungs=[step / STEPS for step in CHECKPOINTS],
        budget=budget,
        confidence=NoiseRacingTopK().confidence,
    )
    settings = TuningSettings(steps=STEPS, checkpoint_every=8, embedding_step=STEP)

    def policy(course: Course, target: str, seed: int) -> Paid:
        order = _order(course, signal, target, seed)
        runs = course.of(target, seed)
        count = course.examples.get(target, 0)
        histories = {name: _tuned(runs.loc[name, "by_step"], count) for name in order[:k]}

        def tune(field: Sequence[Start], steps: int | None) -> Rounds[list[TunedPrompt]]:
            yield ()
            return [histories[start.id] for start in field if isinstance(start, StartFromPrompt)]

        field = tuple(StartFromPrompt(name) for name in histories)
        plan = run_race(attrs.evolve(race, candidates=field), settings, tune)
        finish = carry_out(plan, lambda tunings: ())
        won = finish.runners[0].start
        assert isinstance(won, StartFromPrompt)
        asked = asking(signal)(len(order), _labels(signal))
        return Paid(float(runs.loc[won.id, "score"]), asked + finish.spent)

    return policy


def _tuned(by_step: Mapping[int, float], examples: int) -> TunedPrompt:
    """A run that is known by its scores."""
    history = [
        Scored(step=step, loss=0.0, score=score, metrics={}, examples=examples)
        for step, score in sorted(by_step.items())
    ]
    return TunedPrompt(best=_NONE, embedding=_NONE, final=_NONE, history=tuple(history), folder="")


_NONE = SoftPrompt(np.zeros((1, 1), np.float32))


def everything(course: Course, target: str, seed: int) -> Paid:
    """Tunes from each source to the end."""
    runs = course.of(target, seed)
    return _best(runs, len(runs) * STEPS)


def from_scratch(kind: str, times: int, course: Course, target: str, seed: int) -> Paid:
    """Tunes from scratch, once or for more steps."""
    rows = course.scratch
    rows = rows[(rows.kind == kind) & (rows.task == target) & (rows.seed == seed)]
    if kind == "longer":
        rows = rows[rows.k == times]
    return Paid(float(rows.score.iloc[0]), times * STEPS)


def restarts(course: Course, target: str, seed: int) -> Paid:
    """Tunes from scratch by each of three seeds."""
    rows = course.scratch
    rows = rows[(rows.kind == "scratch") & (rows.task == target)]
    return _best(rows, len(rows) * STEPS)


def by_chance(course: Course, target: str, seed: int) -> Paid:
    """Tunes from any source: the mean over all."""
    return Paid(float(course.of(target, seed).score.mean()), STEPS)


def _order(course: Course, signal: str, target: str, seed: int) -> list[str]:
    """Sources by a signal, the most promising first; by average tokens where it has none."""
    values = course.signals[signal](target, seed).dropna()
    if not len(values):
        values = course.signals["average tokens"](target, seed).dropna()
    runs = course.of(target, seed).index
    order = values.sort_values(ascending=False, kind="stable").index
    return [str(name) for name in order if name in runs]


def _labels(signal: str) -> int:
    """Labels that a label-centred loss asks about, about; the encoder is counted for each."""
    return 3 if "label-centred" in signal else 1


def _best(rows: pd.DataFrame, steps: float) -> Paid:
    """The run that the validation scores choose, the first of equals."""
    return Paid(float(rows.score.iloc[int(rows.selected.to_numpy().argmax())]), float(steps))


def _until(by_step: Mapping[int, float], step: int) -> float:
    return max(score for at, score in by_step.items() if at <= step)


#: What halving a field of 8 takes, beside the ranking.
_HALVING = 496
_RACES = {4: (48, 104), 8: (24, 48, 104), 21: CHECKPOINTS}
_SIGNALS = (
    "average tokens",
    "per token",
    "zero-step loss",
    "label-centred loss",
    "loss after 10 steps",
    "average tokens + zero-step loss",
    "per token + zero-step loss",
    "past transfers, average tokens",
    "past transfers, per token",
)

POLICIES: dict[str, Policy] = {
    "from scratch": functools.partial(from_scratch, "scratch", 1),
    "from scratch, twice the steps": functools.partial(from_scratch, "longer", 2),
    "from scratch, best of three seeds": restarts,
    "a source by chance": by_chance,
    **{f"best of top {k}, {name}": top(name, k) for name in _SIGNALS for k in (1, 3)},
    **{
        f"race of {k}, {name}": race(name, k, rungs)
        for name in ("average tokens", "per token", "per token + zero-step loss")
        for k, rungs in _RACES.items()
    },
    **{
        f"noise race of {k}, {name}": noise_race(name, k)
        for name in ("average tokens", "per token")
        for k in _RACES
    },
    **{
        f"noise race of 8 in {_HALVING:,} steps, {name}": noise_race(name, 8, _HALVING)
        for name in ("average tokens", "per token")
    },
    "best of all sources (oracle)": everything,
}
