"""What one process does with a cell: tune, and say what came of it in plain JSON values."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spotfw import files
from spotfw.contracts import StartFromPrompt
from spotfw.contracts.candidates import describe
from spotfw.contracts.jobs import Tell, Work
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.prompts import load_prompt
from spotfw.recipe.session import SCRATCH, Session
from spotfw.recipe.tuning import TunedPrompt, versions
from spotfw.study.grid import cells
from spotfw.study.grid.cells import Cell
from spotfw.study.work.comparison import compare_all
from spotfw.study.work.jobs import StepsTold
from spotfw.tasks import Mixture, Task


@attrs.frozen(kw_only=True)
class Job:
    """A cell, with what it takes from cells done before.

    Attributes:
      cell: what to do.
      start: library id (transfer) or file (generic) of the prompt to start from.
      among: library ids a strategy may choose among.
      embeddings: of a comparison, what each is and its file.
    """

    cell: Cell
    start: str = ""
    among: tuple[str, ...] = ()
    embeddings: tuple[Mapping[str, Any], ...] = ()


def start_tuner(
    folder: str,
    references: Sequence[str],
    opening: Mapping[str, Any],
    plugins: Plugins | None = None,
) -> Work:
    """Gives what does `Job`s in this process; models are opened when first needed.

    Args:
      folder: the study's.
      references: its tasks, which may be files, so that all are known by name.
      opening: how models are opened.
      plugins: by default everything installed.
    """
    tuner = _Tuner(folder, references, opening, plugins)
    return tuner.do


class _Tuner:
    def __init__(
        self,
        folder: str,
        references: Sequence[str],
        opening: Mapping[str, Any],
        plugins: Plugins | None,
    ) -> None:
        self._folder = folder
        self._references = references
        self._opening = {"threads": 1} | dict(opening)
        self._plugins = plugins
        self._model: str | None = None
        self._session: Session | None = None
        self._refused: dict[str, SpotError] = {}

    def do(self, job: Job, tell: Tell) -> dict[str, Any]:
        """Does a job; the result has the row's values, and ``runs`` with what they cost."""
        session = self._opened(job.cell.model)
        session.observer = StepsTold(tell)
        return {
            cells.SOURCE: self._source,
            cells.GENERIC_SOURCE: self._generic_source,
            cells.BASELINE: self._baseline,
            cells.TRANSFER: self._transfer,
            cells.STRATEGY: self._strategy,
            cells.GENERIC: self._generic,
            cells.SIMILARITIES: self._similarities,
        }[job.cell.kind](session, job)

    def _opened(self, model: str) -> Session:
        if model in self._refused:
            raise SpotError(str(self._refused[model]))
        if self._session is None or self._model != model:
            if self._session is not None:
                # Two large models would not fit into memory beside each other.
                self._session.close()
                self._session = None
            try:
                session = self._session_of(model)
                _ = session.model
            except SpotError as error:
                self._refused[model] = error
                raise
            self._session, self._model = session, model
        return self._session

    def _session_of(self, model: str) -> Session:
        session = Session(
            model,
            files.join(self._folder, "library"),
            runs=files.join(self._folder, "runs"),
            plugins=self._plugins,
            **self._opening,
        )
        for reference in self._references:
            session.task(reference)
        return session

    def _source(self, session: Session, job: Job) -> dict[str, Any]:
        tuned = session.tune(job.cell.reference, keep=False, **job.cell.settings)
        told = self._told(session, tuned)
        # Only what has a score is worth starting from.
        return told | {"source_id": session.add(tuned)}

    def _generic_source(self, session: Session, job: Job) -> dict[str, Any]:
        cell = job.cell
        tuned = session.tune(_mixed(session, cell), keep=False, **cell.settings)
        told = self._told(session, tuned)
        # Targets start from the final checkpoint (paper 2.1.4).
        last = tuned.history[-1].step
        return told | {
            "final": files.join(told["folder"], "checkpoints", f"step-{last:06d}.safetensors")
        }

    def _baseline(self, session: Session, job: Job) -> dict[str, Any]:
        return self._told(session, self._scratch(session, job.cell))

    def _scratch(self, session: Session, cell: Cell) -> TunedPrompt:
        return session.tune(cell.reference, init=SCRATCH, keep=False, **cell.settings)

    def _transfer(self, session: Session, job: Job) -> dict[str, Any]:
        cell = job.cell
        tuned = session.tune(
            cell.reference,
            init=SCRATCH,
            start=session.library.best(job.start),
            keep=False,
            **cell.settings,
        )
        return self._told(session, tuned) | {"source_id": job.start}

    def _generic(self, session: Session, job: Job) -> dict[str, Any]:
        cell = job.cell
        start = load_prompt(files.join(self._folder, job.start))
        tuned = session.tune(cell.reference, init=SCRATCH, start=start, keep=False, **cell.settings)
        return self._told(session, tuned)

    def _strategy(self, session: Session, job: Job) -> dict[str, Any]:
        cell = job.cell
        assert cell.strategy and cell.metric and cell.k
        target = session.task(cell.reference)
        assert isinstance(target, Task)
        scratch = self._scratch(session, cell)
        result = session.transfer(
            target,
            cell.strategy,
            cell.k,
            cell.metric,
            embedding=scratch,
            mixture=cell.mixture,
            # The library may have prompts of sources that the study no longer names.
            among=job.among,
            **cell.settings,
        )
        best = result.best
        names = result.ranking.names()
        told = self._told(session, best.tuned, (scratch, *result.runs))
        told |= {"chosen": describe(best.candidate, names), "candidates": len(result.outcomes)}
        if isinstance(best.candidate, StartFromPrompt):
            chosen = next(e for e in result.ranking if e.id == best.candidate.id)
            told |= {
                "source": chosen.task,
                "source_family": chosen.family,
                "source_seed": chosen.seed,
                "source_id": chosen.id,
            }
        return told

    def _similarities(self, session: Session, job: Job) -> dict[str, Any]:
        assert job.cell.metric is not None
        metric = session.plugins.metric(job.cell.metric).with_model(session.model)
        arrays = [load_prompt(files.join(self._folder, e["file"])).array for e in job.embeddings]
        with session.plugins.blaming("metric", job.cell.metric):
            pairs = compare_all(metric, arrays)
        return {"pairs": pairs, "runs": []}

    def _told(
        self, session: Session, tuned: TunedPrompt, runs: Sequence[TunedPrompt] = ()
    ) -> dict[str, Any]:
        """The row's values of a tuning; `runs` are all that it took, by default itself."""
        best = tuned.best.provenance
        if not math.isfinite(tuned.score) or best.step is None:
            raise SpotError(
                f"The score of {best.task} is {tuned.score}, which is no number. Look at the "
                f"metrics of its run in {tuned.folder}: a correlation has none where all answers "
                "are alike."
            )
        return {
            "family": best.family or "",
            "parameters": _parameters(session),
            "step": best.step,
            "steps": tuned.history[-1].step,
            "score": tuned.score,
            "scores": {k: v for k, v in best.metrics.items() if v is not None},
            "folder": self._relative(tuned),
            "embedding": files.join(self._relative(tuned), "embedding.safetensors"),
            "runs": [self._cost(one) for one in runs or (tuned,)],
            "versions": json.dumps(versions(), sort_keys=True),
        }

    def _cost(self, tuned: TunedPrompt) -> dict[str, Any]:
        return {
            "folder": self._relative(tuned),
            "steps": tuned.history[-1].step,
            "wall_seconds": round(sum(entry.seconds for entry in tuned.history), 3),
            "cpu_seconds": round(sum(entry.cpu_seconds for entry in tuned.history), 3),
        }

    def _relative(self, tuned: TunedPrompt) -> str:
        return os.path.relpath(tuned.folder, self._folder)


def _mixed(session: Session, cell: Cell) -> Task | Mixture:
    """The task or mixture of a generic source."""
    members = [session.task(reference) for reference in cell.members]
    if len(members) == 1:
        return members[0]
    tasks = [t for m in members for t in (m.tasks if isinstance(m, Mixture) else (m,))]
    names = [task.name for task in tasks]
    if cell.rates is not None:
        if len(tasks) != len(cell.rates):
            raise SpotError(
                f"The generic source {cell.source} gives a rate to a mixture. Name its tasks, "
                "each with its rate, or leave the rates out."
            )
        # A mixture's name stands for what it is: its runs are found by it.
        names = [f"{name}@{rate:g}" for name, rate in zip(names, cell.rates, strict=True)]
    return Mixture(name="+".join(names), tasks=tuple(dict.fromkeys(tasks)), rates=cell.rates)


def _parameters(session: Session) -> int | None:
    """Weights of the frozen model, where its engine can list them."""
    listed: Callable[[], Mapping[str, Any]] | None = getattr(
        session.model, "frozen_variables", None
    )
    if listed is None:
        return None
    return sum(int(np.prod(v.shape.as_list())) for v in listed().values())
