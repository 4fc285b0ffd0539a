"""The kinds of a study's cells, a class each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import attrs

from spotfw.contracts import StartFromAverage, StartFromMixture, StartFromPrompt
from spotfw.plugins import Plugins
from spotfw.study.grid.cell import Cell, Job, Prompt, Result, Results, Tuning, TuningCell
from spotfw.study.grid.choices import likely_starts
from spotfw.study.rows import Similarity
from spotfw.tasks import Mixture, Task


@attrs.frozen(kw_only=True)
class SourceCell(TuningCell):
    """A source task's prompt, which goes into the library."""

    kind: ClassVar[str] = "source"

    def job(self, results: Results) -> Job:
        # Only what has a score is worth starting from.
        return self.tune_job(from_scratch=False, hand_on="library")

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        return [self.tuning(self.kind, None)]


@attrs.frozen(kw_only=True)
class GenericSourceCell(TuningCell):
    """A prompt that every target is tuned from (paper 2.1.3).

    Attributes:
      source: the generic source's name.
      members: its tasks, as the study names them.
      rates: of each, None for examples-proportional mixing.
    """

    kind: ClassVar[str] = "generic source"

    source: str
    members: tuple[str, ...]
    rates: tuple[float, ...] | None = None

    def job(self, results: Results) -> Job:
        return self.tune_job(
            tasks=list(self.members),
            rates=None if self.rates is None else list(self.rates),
            from_scratch=False,
            hand_on="final",  # targets start from the final checkpoint (paper 2.1.4)
        )

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        # One task without rates is the very tuning of a source.
        return [self.tuning(SourceCell.kind, self.rates)]


@attrs.frozen(kw_only=True)
class BaselineCell(TuningCell):
    """A target tuned from scratch; its early checkpoint is the target's embedding."""

    kind: ClassVar[str] = "baseline"

    def job(self, results: Results) -> Job:
        return self.tune_job()


@attrs.frozen(kw_only=True)
class BaselineAblationCell(BaselineCell):
    """A target from scratch for another number of updates (paper 2.1.4, "- longer tuning")."""

    kind: ClassVar[str] = "baseline ablation"


@attrs.frozen(kw_only=True)
class TransferCell(TuningCell):
    """A target tuned from one source prompt.

    Attributes:
      source, source_seed: the source prompt; `needs` names its cell.
    """

    kind: ClassVar[str] = "transfer"

    source: str
    source_seed: int

    def job(self, results: Results) -> Job:
        (needed,) = self.needs
        return self.tune_job(start={"id": _result(results, needed)["source_id"]})

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        return [self.tuning(self.kind, self.source, self.source_seed)]

    def possible_tunings(self, metrics: Iterable[str], prompts: int) -> Iterable[Any]:
        # Whatever a metric ranks first, it is among the transfers.
        for metric in metrics:
            for rank in range(prompts):
                yield _from_prompt(self, metric, rank)

    def source_values(self, result: Result, tasks: Mapping[str, Task | Mixture]) -> dict[str, Any]:
        families = (task.family for task in tasks.values() if task.name == self.source)
        return {"source_family": next(families, None)}


@attrs.frozen(kw_only=True)
class StrategyCell(TuningCell):
    """A target tuned from whatever a strategy chooses, as often as it chooses.

    Attributes:
      strategy, metric, k: what chooses.
      mixture: settings of tuning on a mixture.
      pool: the source prompts to choose among.

    `needs` names the target's baseline, then the sources of the pool.
    """

    kind: ClassVar[str] = "strategy"
    is_upper_bound: ClassVar[bool] = True

    strategy: str
    metric: str
    k: int
    mixture: Mapping[str, Any]
    pool: tuple[Prompt, ...]

    def job(self, results: Results) -> Job:
        return {
            "action": "transfer",
            "model": self.model,
            "task": self.reference,
            "strategy": self.strategy,
            "k": self.k,
            "metric": self.metric,
            "mixture": dict(self.mixture),
            "among": [_result(results, source)["source_id"] for source in self.needs[1:]],
            "settings": dict(self.settings),
        }

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        strategy = plugins.strategy(self.strategy)
        here = (self.model, self.task, self.seed)
        steps: int = self.settings["steps"]
        for start in likely_starts(strategy, self.pool, self.k):
            match start:
                case StartFromPrompt(id=identity) | StartFromAverage(ids=(identity,)):
                    yield _from_prompt(self, self.metric, int(identity)), steps
                case StartFromAverage(ids=ids, weights=weights):
                    yield (*here, "average", self.metric, ids, weights), steps
                case StartFromMixture(tasks=tasks):
                    yield (*here, "mixture", self.metric, tasks), self.mixture["steps"]
                    yield (*here, "from mixture", self.metric, tasks), steps

    def source_values(self, result: Result, tasks: Mapping[str, Task | Mixture]) -> dict[str, Any]:
        return {key: result.get(key) for key in ("source", "source_family", "source_seed")}


@attrs.frozen(kw_only=True)
class GenericCell(TuningCell):
    """A target tuned from a generic source's prompt.

    Attributes:
      source: the generic source's name; `needs` names its cell.
    """

    kind: ClassVar[str] = "generic"

    source: str

    def job(self, results: Results) -> Job:
        (needed,) = self.needs
        return self.tune_job(start={"file": _result(results, needed)["final"]})

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        return [self.tuning(self.kind, self.source)]


@attrs.frozen(kw_only=True)
class GenericAblationCell(GenericCell):
    """A target from a generic source's prompt, both for another number of updates."""

    kind: ClassVar[str] = "generic ablation"


@attrs.frozen(kw_only=True)
class SimilaritiesCell(Cell):
    """All embeddings of a study compared by one metric; not a tuning.

    Attributes:
      metric: what compares.
      pool: (id, seed) of the cells that have the embeddings.
      compared: those cells, sources first.
    """

    kind: ClassVar[str] = "similarities"

    metric: str
    pool: tuple[Prompt, ...]
    compared: tuple[TuningCell, ...] = attrs.field(eq=False, repr=False)

    def job(self, results: Results) -> Job:
        return {
            "action": "compare",
            "model": self.model,
            "metric": self.metric,
            "embeddings": self._embeddings(results),
        }

    def completed(self, result: Result, results: Results) -> Result:
        """With what was compared, and whether some of it was missing."""
        embeddings = self._embeddings(results)
        partial = len(embeddings) < len(self.compared)
        return {**result, "embeddings": embeddings, "partial": partial}

    def similarities(self, result: Result) -> Iterator[Similarity]:
        columns = ("task", "family", "seed", "role", "id")
        sides = [{key: side[key] for key in columns} for side in result["embeddings"]]
        for a, b, similarity in result["pairs"]:
            yield Similarity(
                model=self.model,
                metric=self.metric,
                similarity=similarity,
                **{f"{key}_a": value for key, value in sides[a].items()},
                **{f"{key}_b": value for key, value in sides[b].items()},
            )

    def _embeddings(self, results: Results) -> list[dict[str, Any]]:
        """What there is to compare: targets first, since a ranking's query is a target's."""
        known = [(cell, result) for cell in self.compared if (result := results(cell.id))]
        return [
            {
                "task": cell.task,
                "family": result["family"],
                "seed": cell.seed,
                "role": "source" if isinstance(cell, SourceCell) else "target",
                "id": result.get("source_id") or os.path.basename(result["folder"]),
                "file": result["embedding"],
            }
            for cell, result in sorted(known, key=lambda pair: isinstance(pair[0], SourceCell))
        ]


@attrs.frozen(kw_only=True)
class TargetRankingCell(SimilaritiesCell):
    """What a metric that looks at a target says of each source; not a tuning.

    Attributes:
      task, reference, seed, settings: the target, and its tunings' seed and settings.

    `compared` are the target's baseline, which `needs` names, and the sources.
    """

    task: str
    reference: str
    seed: int
    settings: Mapping[str, Any]

    def job(self, results: Results) -> Job:
        target, *sources = self._embeddings(results)
        return {
            "action": "rank",
            "model": self.model,
            "metric": self.metric,
            "task": self.reference,
            "embedding": target["file"],
            "sources": [source["id"] for source in sources],
            "settings": dict(self.settings),
        }


def _result(results: Results, cell: str) -> Result:
    """The result of a cell without which the asking cell is not run."""
    result = results(cell)
    assert result is not None, cell
    return result


def _from_prompt(cell: TuningCell, metric: str, rank: int) -> Any:
    """The key of tuning a target from the prompt that a metric ranks at some place."""
    return (cell.model, cell.task, cell.seed, "prompt", metric, rank)
