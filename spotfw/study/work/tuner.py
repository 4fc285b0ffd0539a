"""What a worker does with a study's jobs, and what it gives back, in plain values.

A job is a dict with an ``action`` (``tune``, ``transfer``, ``compare``, ``rank`` or ``tune
weights``), a ``model``, and the action's own keys; `spotfw.study.grid.cells` and `model_cells` make
them. Results stand in the cells' files. That of several cells (``group``) has ``jobs``; each of
them ends well or not by itself.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from spotfw import files
from spotfw.contracts import StartFromPrompt
from spotfw.contracts.candidates import describe
from spotfw.contracts.jobs import JobEnded, ReportProgress, Work
from spotfw.errors import SpotError
from spotfw.plugins import Plugins, default_plugins
from spotfw.prompts import SoftPrompt, load_prompt
from spotfw.recipe.rounds import Rounds, one_round, side_by_side
from spotfw.recipe.session import SCRATCH, Session
from spotfw.recipe.tuned import Observer
from spotfw.recipe.tuning import TunedPrompt, versions
from spotfw.study.grid.cell import Job
from spotfw.study.work.comparison import compare_all
from spotfw.study.work.jobs import StepReporter
from spotfw.study.work.mixed import task_of
from spotfw.study.work.weights import ACTION, tune_weights
from spotfw.tasks import Task

#: A source's prompt starts from sampled vocabulary (paper 2.1.4).
SOURCE = "sampled_vocab"


def start_tuner(
    folder: str,
    references: Sequence[str],
    opening: Mapping[str, Any],
    by_hand: Sequence[str] = (),
    plugins: Plugins | None = None,
) -> Work:
    """Gives what does a study's jobs in this process; models are opened when first needed.

    Args:
      folder: the study's.
      references: its tasks, which may be files, so that all are known by name.
      opening: how models are opened.
      by_hand: names of settings that the declaration chooses; others, a model's own, are raised
        where a task needs more.
      plugins: by default everything installed.
    """
    return _Tuner(folder, references, opening, by_hand, plugins).do


class _Tuner:
    def __init__(
        self,
        folder: str,
        references: Sequence[str],
        opening: Mapping[str, Any],
        by_hand: Sequence[str],
        plugins: Plugins | None,
    ) -> None:
        self._folder = folder
        self._references = references
        self._opening = {"threads": 1} | dict(opening)
        self._by_hand = by_hand
        self._plugins = plugins
        self._model: str | None = None
        self._session: Session | None = None
        self._refused: dict[str, SpotError] = {}

    def do(self, job: Job, report: ReportProgress) -> dict[str, Any]:
        """Does a job; the result has the row's values, and ``runs`` with what they cost.

        That of a group has ``outcomes``: for each job its ``result``, or ``error`` and ``trace``.
        """
        if job["action"] == ACTION:
            return self._tune_weights(job, StepReporter(report))
        session = self._opened(job["model"])
        session.observer = StepReporter(report)
        if job["action"] == "compare":
            return self.compare(session, job)
        if job["action"] == "rank":
            return self.rank(session, job)
        if job["action"] == "group":
            plans = [self._plan(session, member) for member in job["jobs"]]
            return {"outcomes": list(map(_ended, session.carry_out(side_by_side(plans))))}
        return session.carry_out(self._plan(session, job))

    def _plan(self, session: Session, job: Job) -> Rounds[dict[str, Any]]:
        actions = {"tune": self.tune, "transfer": self.transfer}
        return actions[job["action"]](session, job)

    def tune(self, session: Session, job: Job) -> Rounds[dict[str, Any]]:
        """Tunes one prompt.

        Keys of the job:
          tasks, rates: a task by its reference, or several mixed.
          from_scratch: start as a target does, and not as a source.
          start: None, or a prompt to start from: {"id": in the library} or {"file": path in
            the study's folder}.
          hand_on: what others start from: ``library`` (the best prompt goes there), ``final``
            (the final checkpoint's file), or None.
          settings: of the tuning.
        """
        tuning = session.tuning(
            task_of(session, job["tasks"], job["rates"]),
            init=SCRATCH if job["from_scratch"] else SOURCE,
            start=self._start(session, job["start"]),
            by_hand=self._by_hand,
            **job["settings"],
        )
        (tuned,) = yield from one_round([tuning])
        result = self._result(session, tuned)
        if job["hand_on"] == "library":
            result["source_id"] = session.add(tuned)
        if job["hand_on"] == "final":
            last = f"step-{tuned.history[-1].step:06d}.safetensors"
            result["final"] = files.join(result["folder"], "checkpoints", last)
        if job["start"] is not None and "id" in job["start"]:
            result["source_id"] = job["start"]["id"]
        return result

    def transfer(self, session: Session, job: Job) -> Rounds[dict[str, Any]]:
        """Tunes a target from what a strategy chooses.

        Keys of the job:
          task: the target's reference.
          strategy, k, metric: what chooses.
          among: ids of the library's prompts to choose among.
          mixture: settings of tuning on a mixture.
          settings: of the target's tunings.
        """
        target = session.task(job["task"])
        assert isinstance(target, Task)
        (scratch,) = yield from one_round(
            [session.tuning(target, init=SCRATCH, by_hand=self._by_hand, **job["settings"])]
        )
        outcome = yield from session.transfer_rounds(
            target,
            job["strategy"],
            job["k"],
            job["metric"],
            embedding=scratch.embedding,
            mixture=job["mixture"],
            # The library may have prompts of sources that the study no longer names.
            among=job["among"],
            by_hand=self._by_hand,
            **job["settings"],
        )
        best = outcome.best
        result = self._result(session, best.tuned, (scratch, *outcome.runs))
        result["chosen"] = describe(best.candidate, outcome.ranking.names())
        result["candidates"] = len(outcome.outcomes)
        if isinstance(best.candidate, StartFromPrompt):
            chosen = next(e for e in outcome.ranking if e.id == best.candidate.id)
            result["source"] = chosen.task
            result["source_family"] = chosen.family
            result["source_seed"] = chosen.seed
            result["source_id"] = chosen.id
        return result

    def compare(self, session: Session, job: Job) -> dict[str, Any]:
        """Compares embeddings.

        Keys of the job:
          metric: what compares.
          embeddings: dicts with a ``file`` in the study's folder.
        """
        metric = session.plugins.metric(job["metric"]).with_model(session.model)
        paths = [files.join(self._folder, embedding["file"]) for embedding in job["embeddings"]]
        arrays = [load_prompt(path).array for path in paths]
        with session.plugins.blaming("metric", job["metric"]):
            pairs = compare_all(metric, arrays)
        return {"pairs": pairs, "runs": []}

    def rank(self, session: Session, job: Job) -> dict[str, Any]:
        """Ranks sources for a target, whose examples a metric may look at.

        Keys of the job:
          task, settings: the target's reference, and of its tunings.
          metric: one, or several joined by ``+``.
          embedding: the target's, a file in the study's folder.
          sources: ids of the library's prompts.
        """
        ranking = session.ranking(
            job["task"],
            job["metric"],
            embedding=load_prompt(files.join(self._folder, job["embedding"])),
            among=job["sources"],
            by_hand=self._by_hand,
            **job["settings"],
        )
        places = {id: place for place, id in enumerate(job["sources"], start=1)}
        # The target is the first of those compared.
        return {"pairs": [[0, places[r.id], r.similarity] for r in ranking], "runs": []}

    def _tune_weights(self, job: Job, observer: Observer) -> dict[str, Any]:
        if self._session is not None:
            # Two models would not fit into memory beside each other.
            self._session.close()
            self._session = None
        return tune_weights(
            self._folder,
            job,
            self._opening,
            self._references,
            self._by_hand,
            self._plugins or default_plugins(),
            observer,
        )

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
            progress=False,
            **self._opening,
        )
        for reference in self._references:
            session.task(reference)
        return session

    def _start(self, session: Session, start: Mapping[str, str] | None) -> SoftPrompt | None:
        if start is None:
            return None
        if "id" in start:
            return session.library.best(start["id"])
        return load_prompt(files.join(self._folder, start["file"]))

    def _result(
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
            "task_digest": best.task_digest,
            "parameters": session.model.parameters,
            "task_parameters": tuned.best.array.size,
            "step": best.step,
            "steps": tuned.history[-1].step,
            "score": tuned.score,
            "scores": {k: v for k, v in best.metrics.items() if v is not None},
            "folder": self._relative(tuned),
            "embedding": files.join(self._relative(tuned), "embedding.safetensors"),
            "runs": [self._cost(run) for run in runs or (tuned,)],
            "versions": json.dumps(versions(session.model.distributions), sort_keys=True),
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


def _ended(outcome: dict[str, Any] | Exception) -> dict[str, Any]:
    """What came of one of a group's jobs, as a plain value."""
    if isinstance(outcome, Exception):
        ended = JobEnded.from_exception("", outcome)
        return {"result": None, "error": ended.error, "trace": ended.trace}
    return {"result": outcome, "error": None, "trace": ""}
