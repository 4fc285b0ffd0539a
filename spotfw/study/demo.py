"""The whole of SPoT on a small scale: what ``spotfw demo`` runs.

Prompts are learned on source tasks and kept in a library, unless the model comes with one; each
target is tuned from scratch, its early checkpoint ranks the sources, and each strategy's choice
is tuned for as many steps again (paper 3). Everything lies in run folders, so a demo that was
stopped goes on where it was.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spotfw.contracts import DemoPlan
from spotfw.contracts.jobs import Executor, ReportProgress, Work, WorkerStart
from spotfw.prompts import SoftPrompt
from spotfw.recipe.beside_scratch import then_beside
from spotfw.recipe.candidates import TransferResult
from spotfw.recipe.rounds import Rounds, all_of, one_round
from spotfw.recipe.session import SCRATCH, Session
from spotfw.recipe.tuning import Observer
from spotfw.study.work.jobs import StepReporter, do_all
from spotfw.tasks import Task

#: Strategies shown where a plan names none: name, k (None: all sources), column title.
STRATEGIES = (
    ("best_of_top_k", 1, "best of top-1"),
    ("best_of_top_k", 3, "best of top-3"),
    ("top_k_weighted_average", 3, "weighted average, k=3"),
    ("top_k_multitask_mixture", 2, "mixture, k=2"),
    ("oracle", None, "oracle"),
)

#: A source's name, family and validation score.
Source = tuple[str, str, float]

#: The strategy that stands for transfer: it tunes the target once, as from scratch does.
TRANSFER = "best of top-1"


@attrs.frozen(kw_only=True)
class Row:
    """One target under one seed: the score of each way to tune it, and the ranking."""

    target: str
    family: str
    seed: int
    scores: dict[str, float]
    ranking: tuple[tuple[str, str, float], ...]
    """(source, its family, similarity), best first."""


@attrs.frozen(kw_only=True)
class DemoResult:
    """What came of a demo.

    Attributes:
      rows: one for each target and seed.
      sources: (name, family, validation score) of each source.
      seconds: wall-clock time of this process's part.
    """

    rows: tuple[Row, ...]
    sources: tuple[Source, ...]
    seconds: float

    @property
    def gain(self) -> float:
        """Points over from scratch at equal steps, mean over targets and seeds."""
        return float(np.mean([r.scores[TRANSFER] - r.scores["from scratch"] for r in self.rows]))

    @property
    def same_family_first(self) -> float:
        """Share of (target, seed) that rank their family first, of those with a source of it."""
        families = {family for r in self.rows for _, family, _ in r.ranking}
        asked = [r for r in self.rows if r.family in families]
        return float(np.mean([r.ranking[0][1] == r.family for r in asked])) if asked else 0.0


def planned_steps(plan: DemoPlan, session: Session, seeds: Sequence[int]) -> int:
    """Updates that a demo takes in all, for its progress bar."""
    source = session.settings(**plan.source).steps
    target = session.settings(**plan.target).steps
    # From scratch, from each prompt tried, and from each average and mixture.
    shown = plan.strategies or STRATEGIES
    joint = [name for name, _, _ in shown if name not in ("best_of_top_k", "oracle")]
    alone = max((k or len(plan.sources) for name, k, _ in shown if name not in joint), default=0)
    each = target * (1 + alone + len(joint))
    if "top_k_multitask_mixture" in joint:
        each += session.settings(**{**plan.source, **plan.mixture}).steps
    return len(plan.sources) * source + len(plan.targets) * len(seeds) * each


def run_demo(
    session: Session,
    plan: DemoPlan,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    metric: str = "per_token_cosine",
    observer: Observer | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> DemoResult:
    """Runs a plan.

    Args:
      session: with a library, empty or left by the same demo.
      plan: sources, targets and settings.
      seeds: of the target tunings.
      metric: how sources are ranked.
      observer: called with each tuning's progress.
      notify: called with a line on what begins.
    """
    began = time.monotonic()
    for name in plan.sources:
        notify(f"source {name}")
    sources = tune_sources(session, plan, plan.sources, observer)
    targets = [(name, seed) for name in plan.targets for seed in seeds]
    for name, seed in targets:
        notify(f"target {name}, seed {seed}")
    rows = tune_targets(session, plan, targets, metric, observer)
    return DemoResult(rows=tuple(rows), sources=tuple(sources), seconds=time.monotonic() - began)


def tune_sources(
    session: Session, plan: DemoPlan, names: Sequence[str], observer: Observer | None = None
) -> list[Source]:
    """Learns sources' prompts side by side and adds them to the library."""

    def learned(name: str) -> Rounds[Source]:
        tuning = session.tuning(name, observer=observer, **plan.source)
        (tuned,) = yield from one_round([tuning])
        session.add(tuned)
        return name, session.task(name).family, tuned.score

    return session.carry_out(all_of([learned(name) for name in names]))


def tune_targets(
    session: Session,
    plan: DemoPlan,
    targets: Sequence[tuple[str, int]],
    metric: str,
    observer: Observer | None = None,
) -> list[Row]:
    """Tunes targets, each under a seed, side by side, once the library is filled.

    Each is tuned from scratch; its early checkpoint ranks the sources, and beside the rest of that
    tuning go those from what every strategy chooses.
    """

    def row(name: str, seed: int) -> Rounds[Row]:
        target = session.task(name)
        assert isinstance(target, Task)
        settings: dict[str, Any] = dict(plan.target) | {"seed": seed}
        shown = plan.strategies or STRATEGIES

        def transfers(embedding: SoftPrompt) -> list[Rounds[TransferResult]]:
            return [
                session.transfer_rounds(
                    target,
                    strategy,
                    k or len(plan.sources),
                    metric,
                    embedding=embedding,
                    mixture={**plan.source, **plan.mixture},
                    observer=observer,
                    **settings,
                )
                for strategy, k, _ in shown
            ]

        tuning = session.tuning(target, init=SCRATCH, observer=observer, **settings)
        scratch, results = yield from then_beside(tuning, transfers)
        of_strategies = zip(shown, results, strict=True)
        return Row(
            target=name,
            family=target.family,
            seed=seed,
            scores={"from scratch": scratch.score}
            | {title: result.score for (_, _, title), result in of_strategies},
            ranking=tuple(
                (r.task or "", r.family or "", r.similarity) for r in results[-1].ranking
            ),
        )

    return session.carry_out(all_of([row(name, seed) for name, seed in targets]))


def run_on_workers(
    opening: Mapping[str, Any],
    plan: DemoPlan,
    *,
    seeds: Sequence[int],
    metric: str,
    executor: Executor,
    cohort: int = 1,
    progress: Callable[[int, str], None] = lambda steps, what: None,
) -> DemoResult:
    """Runs a plan like `run_demo`, sources first, on an executor's workers.

    Args:
      opening: keyword arguments of each worker's `Session`, plain values; a library is among
        them if the plan has sources.
      plan: sources, targets and settings.
      seeds: of the target tunings.
      metric: how sources are ranked.
      executor: whose workers.
      cohort: how many targets or sources a worker is given at once, at most; see
        `spotfw.plugins.models.cohort_of`.
      progress: called now and then with all steps done and the task worked on.

    Raises:
      SpotError: a tuning failed; what was finished stays in the run folders.
    """
    began, done = time.monotonic(), 0

    def report(steps: int, what: str) -> None:
        nonlocal done
        done += steps
        progress(done, what)

    targets = [(name, seed) for name in plan.targets for seed in seeds]
    arguments = {"opening": dict(opening), "plan": attrs.asdict(plan), "metric": metric}
    start = WorkerStart(f"{__name__}:start_worker", arguments)
    pool = executor.open(start, jobs=max(len(plan.sources), len(targets)))
    with contextlib.closing(pool):
        # As many at once as the engine gladly tunes, and none so many that a worker is idle.
        jobs = [{"sources": names} for names in _shared(plan.sources, cohort, pool.idle)]
        learned = [source for sources in do_all(pool, jobs, report) for source in sources]
        jobs = [{"targets": pairs} for pairs in _shared(targets, cohort, pool.idle)]
        rows = [row for rows in do_all(pool, jobs, report) for row in rows]
    return DemoResult(
        rows=tuple(_row(values) for values in rows),
        sources=tuple((name, family, score) for name, family, score in learned),
        seconds=time.monotonic() - began,
    )


def start_worker(opening: Mapping[str, Any], plan: Mapping[str, Any], metric: str) -> Work:
    """What does a demo's jobs: dicts with ``sources``, names, or ``targets``, (name, seed) each."""
    session = Session(**{"threads": 1, **opening}, progress=False)
    lists = {key: tuple(plan[key]) for key in ("sources", "targets")}
    lists["strategies"] = tuple(tuple(shown) for shown in plan["strategies"])
    planned = DemoPlan(**{**plan, **lists})

    def work(job: Mapping[str, Any], report: ReportProgress) -> Any:
        observer = StepReporter(report)
        with _no_news_of_answers():
            if "sources" in job:
                return list(map(list, tune_sources(session, planned, job["sources"], observer)))
            targets = [(name, seed) for name, seed in job["targets"]]
            rows = tune_targets(session, planned, targets, metric, observer)
        return [attrs.asdict(row) for row in rows]

    return work


@contextlib.contextmanager
def _no_news_of_answers() -> Iterator[None]:
    """Without the warning that most answers are no labels: here prompts start from nothing."""
    log = logging.getLogger("spotfw.backends.answers")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _shared(items: Sequence[Any], most: int, workers: int) -> list[list[Any]]:
    """The items in parts of at most so many, for so many workers."""
    size = max(1, min(most, -(-len(items) // max(workers, 1))))
    return [list(items[first : first + size]) for first in range(0, len(items), size)]


def _row(values: Mapping[str, Any]) -> Row:
    ranking = tuple((task, family, similarity) for task, family, similarity in values["ranking"])
    return Row(**{**values, "ranking": ranking})
