"""What every cell of a study's grid has: an id, a job, a cost, a row.

A cell's id is made of all that its result depends on, so that a study with more seeds or
targets finds the cells it has already, and not those of other data or another model. Its job is
a plain value, one of the actions of `spotfw.study.work.tuner`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import attrs

from spotfw.config import as_recorded
from spotfw.plugins import Plugins
from spotfw.study.rows import Row, Similarity
from spotfw.tasks import Mixture, Task

#: A source prompt: its task's name and its seed.
Prompt = tuple[str, int]
#: Plain values that say what a worker does; see `spotfw.study.work.tuner`.
Job = dict[str, Any]
#: What a worker gives back, as it stands in a cell's file.
Result = Mapping[str, Any]
#: The result of a cell by its id, None where the cell has not ended well.
Results = Callable[[str], Result | None]
#: A tuning that a cell takes: a key that equal tunings share, and its updates.
Tuning = tuple[Any, int]

#: The facts that a cell's file, row and listings name it by, in this order.
FACTS = ("kind", "model", "task", "seed", "source", "source_seed", "strategy", "metric", "k")

#: What a cell is where its class has no such field; ids depend on these too.
_ABSENT: Mapping[str, Any] = {
    "task": "",
    "seed": 0,
    "source": None,
    "source_seed": None,
    "strategy": None,
    "metric": None,
    "k": None,
    "settings": {},
    "mixture": None,
    "members": (),
    "rates": None,
    "pool": (),
}
#: What a row takes from a result as it is.
_ROW_VALUES = (
    *("parameters", "task_parameters", "source_id", "step", "steps", "score"),
    *("chosen", "candidates", "folder"),
)
#: What the name of a plugin's part begins with in `Cell.content`.
CODE = "code of "
#: Fields that say how a cell is run, and not what it gives.
_NOT_IN_ID = ("reference", "needs", "after", "lane", "compared", "content")


def from_source(source: str) -> str:
    """What a cell began from, in words; a name may begin with the word itself."""
    return source if source.startswith("from ") else f"from {source}"


@attrs.frozen(kw_only=True)
class Cell:
    """One point of a study's grid.

    Attributes:
      kind: as in `spotfw.study.rows.Row`, or ``similarities``.
      is_upper_bound: whether `tunings` gives the most that it may take.
      model: name or folder.
      needs: ids of cells whose results it takes; if one fails, so does it.
      after: ids of cells that only must have ended before, well or not.
      lane: cells of one lane share tunings, so that they never run at the same time.
      content: digests of the model, the tasks and the plugins' parts that its result depends on,
        by their names.
    """

    kind: ClassVar[str]
    is_upper_bound: ClassVar[bool] = False

    model: str
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    lane: str = ""
    content: Mapping[str, str] = attrs.field(factory=dict, eq=False, repr=False)

    @functools.cached_property
    def id(self) -> str:
        """A name for files: `declared`, and a digest of `content`."""
        return self._with(self.content)

    @functools.cached_property
    def before_code(self) -> str:
        """The id of a time when the code of plugins' parts was not noted."""
        noted = {name: d for name, d in self.content.items() if not name.startswith(CODE)}
        return self._with(noted)

    def _with(self, content: Mapping[str, str]) -> str:
        if not content:
            return self.declared
        text = json.dumps(sorted(content.items()))
        return f"{self.declared}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    @functools.cached_property
    def declared(self) -> str:
        """Kind, task, and a digest of all that the study declares: the id of spotfw 0.1."""
        own = attrs.asdict(self, filter=lambda field, _: field.name not in _NOT_IN_ID)
        values = {"kind": self.kind, **_ABSENT, **own}
        # A cell tuned as before there were newer settings is the one of that time.
        values |= {k: as_recorded(values[k]) for k in ("settings", "mixture") if values[k]}
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        head = re.sub(r"[^\w.-]+", "_", f"{self.kind}-{self.facts['task']}").rstrip("-")[:60]
        return f"{head}-{digest}"

    @property
    def shape(self) -> Any:
        """Equal ones of cells whose tunings an engine can run together; None where none can."""
        return None

    @property
    def facts(self) -> dict[str, Any]:
        """The values of `FACTS`."""
        return {name: getattr(self, name, _ABSENT.get(name)) for name in FACTS}

    def __str__(self) -> str:
        facts = self.facts
        words = [self.kind, facts["task"]]
        if facts["source"] is not None:
            words.append(from_source(facts["source"]))
        if facts["source_seed"] is not None:
            words.append(f"(seed {facts['source_seed']})")
        if facts["strategy"] is not None:
            words.append(f"by {facts['strategy']}, k={facts['k']},")
        if facts["metric"] is not None:
            words.append(facts["metric"])
        return " ".join(filter(None, words)) + f", seed {facts['seed']}"

    def job(self, results: Results) -> Job:
        """What a worker does for it, with what it takes from the cells it waits for."""
        raise NotImplementedError

    def completed(self, result: Result, results: Results) -> Result:
        """A worker's result as it is recorded."""
        return result

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        """What it tunes; equal keys are one tuning."""
        return ()

    def possible_tunings(self, metrics: Iterable[str], prompts: int) -> Iterable[Any]:
        """Keys of tunings of later cells that may turn out to be this cell's.

        Args:
          metrics: those of the study.
          prompts: how many source prompts a target may have.
        """
        return ()

    def row(
        self,
        record: Mapping[str, Any],
        *,
        study: str,
        tasks: Mapping[str, Task | Mixture],
        wall_seconds: float,
        cpu_seconds: float,
    ) -> Row | None:
        """Its row in the study's table, None where it has none.

        Args:
          record: its file.
          study: the study's name.
          tasks: by reference.
          wall_seconds, cpu_seconds: of what it tuned itself.
        """
        return None

    def similarities(self, result: Result) -> Iterator[Similarity]:
        """Its rows in the table of similarities."""
        return iter(())


@attrs.frozen(kw_only=True)
class TuningCell(Cell):
    """A cell that ends in a tuned prompt with a score.

    Attributes:
      task: name of what is tuned.
      reference: how the study names that task, which may be a file; empty for a mixture.
      seed: of the tuning.
      settings: of the tuning, whole.
    """

    task: str
    reference: str = ""
    seed: int
    settings: Mapping[str, Any]

    @property
    def shape(self) -> Any:
        sizes = ("prompt_length", "batch_size", "max_input_length", "max_target_length")
        # Of a strategy, more is tuned than is known now: the rounds of others need not wait.
        return self.model, self.is_upper_bound, *(self.settings.get(name) for name in sizes)

    def is_of_other_data(self, result: Result) -> bool:
        """Whether a worker found the task's data changed since the study was laid out."""
        reported = result.get("task_digest")
        return bool(self.reference and reported) and reported not in self.content.values()

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        return [self.tuning(self.kind)]

    def row(
        self,
        record: Mapping[str, Any],
        *,
        study: str,
        tasks: Mapping[str, Task | Mixture],
        wall_seconds: float,
        cpu_seconds: float,
    ) -> Row:
        result = record.get("result") or {}
        values = {key: result.get(key) for key in _ROW_VALUES}
        own = tasks.get(self.reference)
        return Row(
            **self.facts | self.source_values(result, tasks) | values,
            study=study,
            family=result.get("family") or (own.family if own else ""),
            scores=result.get("scores", {}),
            wall_seconds=wall_seconds,
            cpu_seconds=cpu_seconds,
            error=record.get("error"),
            versions=result.get("versions", "{}"),
            created=record.get("created", ""),
        )

    def source_values(self, result: Result, tasks: Mapping[str, Task | Mixture]) -> dict[str, Any]:
        """The row's values on the prompt that it started from, over its facts."""
        return {}

    def tuning(self, kind: str, *of: Any) -> Tuning:
        """A tuning of its task with its settings, of some kind and whatever else tells it apart."""
        settings = tuple(sorted(self.settings.items()))
        return (kind, self.model, self.task, *of, settings), self.settings["steps"]

    def tune_job(self, **more: Any) -> Job:
        """A job that tunes one prompt; see `spotfw.study.work.tuner.tune`."""
        return {
            "action": "tune",
            "model": self.model,
            "tasks": [self.reference],
            "rates": None,
            "from_scratch": True,
            "start": None,
            "hand_on": None,
            "settings": dict(self.settings),
        } | more
