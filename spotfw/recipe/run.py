"""A tuning under way: it takes what the engine reports of it, until it ends well or fails.

What is reported of runs side by side, and who scores their checkpoints:
`spotfw.recipe.side_by_side`.
"""

from __future__ import annotations

import contextlib
from typing import Any

import attrs

from spotfw.contracts import Evaluation, FrozenModel, TuneProgress, TuneRequest, TuningState
from spotfw.errors import BrokenPart, SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.recipe.evaluation import Scoring
from spotfw.recipe.fitting import check_before_tuning
from spotfw.recipe.record import checkpoint_prompt, run_record
from spotfw.recipe.run_folder import RunFolder, Scored
from spotfw.recipe.sampling_noise import noted
from spotfw.recipe.starts import initial_prompt
from spotfw.recipe.tensorboard import Events
from spotfw.recipe.tuned import Report, TunedPrompt, Tuning


class Run:
    """A tuning with its folder, its history, its curves, and who hears of it.

    It is begun, takes reports, and ends: then `outcome` holds the result, or the error that
    ended it. An error of this run alone ends here and is kept, so that runs side by side go on;
    what is no `Exception` (an interruption) is passed on.

    Args:
      model: the frozen model.
      tuning: what is asked.
      plugins: where initializers come from, and who hears of the run.
      asked: what the model was asked for by, where that is not a folder.

    Attributes:
      beside: how many runs go on side by side, this one counted.
    """

    def __init__(
        self,
        model: FrozenModel,
        tuning: Tuning,
        plugins: Plugins,
        *,
        asked: str | None = None,
    ) -> None:
        self.tuning = tuning
        self.beside = 1
        self.history: list[Scored] = []
        self.outcome: TunedPrompt | BaseException | None = None
        self._model = model
        self._plugins = plugins
        self._asked = asked
        self._spent = (0.0, 0.0)
        self._losses = _Mean()
        self._folder = RunFolder(tuning.out)
        self._locked = contextlib.ExitStack()
        self._curves = contextlib.ExitStack()
        #: What trackers hear of the run; empty before it has started.
        self._record: dict[str, Any] = {}

    def begin(self) -> TuneRequest | None:
        """Takes the folder; what to ask of the engine, None where the run has ended already."""
        try:
            return self._begin()
        except Exception as error:
            self.fail(error)
            return None

    def scoring(self, progress: TuneProgress) -> Scoring | None:
        """What is to be scored before a report can be taken; None where nothing is."""
        if self.outcome is not None or progress.error is not None or progress.state is None:
            return None
        return Scoring(progress.state.prompt, self.tuning.task, self.tuning.settings)

    def take(
        self, progress: TuneProgress, evaluation: Evaluation | Exception | None = None
    ) -> None:
        """Keeps what the engine reports; after the last checkpoint, ends the run.

        Args:
          progress: a report.
          evaluation: what came of `scoring` it.
        """
        if self.outcome is not None:
            return
        try:
            if progress.error is not None:
                raise progress.error
            if isinstance(evaluation, Exception):
                raise evaluation
            self._take(progress, evaluation)
            if progress.state is not None and progress.step >= self.tuning.last:
                self._finish()
        except Exception as error:
            self.fail(error)

    def spend(self, wall: float, cpu: float) -> None:
        """Counts seconds, of the wall clock and of processors, towards the next checkpoint."""
        self._spent = (self._spent[0] + wall, self._spent[1] + cpu)

    def complete(self) -> None:
        """Ends the run where the engine has no more to report."""
        if self.outcome is None:
            try:
                self._finish()
            except Exception as error:
                self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Ends the run with an error, unless it has ended; what was saved stays."""
        if self.outcome is not None:
            return
        self.outcome = error
        self._curves.close()
        if self._record:
            if isinstance(error, Exception):  # an interruption says nothing of the run
                with contextlib.suppress(Exception):  # the error may be a full disk's
                    self._folder.keep_failure(error)
            self._plugins.call("spotfw_run_failed", run=self._record, error=error)
        self._locked.close()

    def _begin(self) -> TuneRequest | None:
        tuning, settings = self.tuning, self.tuning.settings
        record = run_record(
            self._model,
            tuning.task,
            settings,
            initializer=tuning.initializer,
            start=tuning.start,
            source=tuning.source.removeprefix("from "),
            asked=self._asked,
        )
        self._locked.enter_context(self._folder)
        state = self._start()
        if state.step < tuning.last:
            check_before_tuning(self._model, tuning.task, settings, self._asked)
        # Only now: what cannot start leaves no run in the folder.
        self._folder.begin(record, resume=tuning.resume)
        self._folder.forget_failure()
        if state.step > settings.steps:
            raise WrongUse(
                f"The run in {tuning.out} has done {state.step} steps already, but only "
                f"{settings.steps} are asked for. Ask for {state.step} or more, or choose "
                "another folder with --out."
            )
        if state.step >= tuning.last:
            # Done before: nothing is tuned, and nobody hears of a run.
            self._end(self._result())
            return None
        # Not in the record itself: the folder may be moved.
        self._record = {**record, "folder": self._folder.path}
        self._plugins.call("spotfw_run_started", run=self._record)
        self._events = self._curves.enter_context(Events(self._folder.path, state.step))
        return TuneRequest(
            task=tuning.task,
            settings=attrs.evolve(settings, steps=tuning.last),
            start=state,
            wanted=lambda: self.outcome is None,
        )

    def _start(self) -> TuningState:
        """Where the run in the folder stands, or the state before the first step."""
        saved = self._folder.load()
        if saved is not None:
            state, self.history = saved
            asked = (self.tuning.settings.prompt_length, self._model.width)
            if state.prompt.shape != asked:
                raise SpotError(
                    f"The run in {self.tuning.out} has a prompt of the shape "
                    f"{list(state.prompt.shape)}, and {list(asked)} is asked for. Resume it as it "
                    "was begun, or choose another folder with --out."
                )
            return state
        tuning = self.tuning
        prompt = initial_prompt(
            self._model,
            tuning.task,
            self._plugins,
            length=tuning.settings.prompt_length,
            seed=tuning.settings.seed,
            initializer=tuning.initializer,
            start=tuning.start,
            asked=self._asked,
        )
        return TuningState(step=0, prompt=prompt)

    def _take(self, progress: TuneProgress, evaluation: Evaluation | None) -> None:
        tuning = self.tuning
        self._events.progress(progress, tuning.settings.learning_rate)
        self._losses.add(progress.loss, progress.examples)
        score = None
        if progress.state is not None and evaluation is not None:
            self._checkpoint(progress.state, evaluation)
            score = evaluation.score
        if tuning.observer is not None:
            tuning.observer(
                Report(
                    task=tuning.task.name,
                    source=tuning.source,
                    step=progress.step,
                    steps=tuning.settings.steps,
                    loss=progress.loss,
                    score=score,
                    best=max((entry.score for entry in self.history), default=None),
                    run=self._folder.path,
                    beside=self.beside,
                )
            )

    def _checkpoint(self, state: TuningState, evaluation: Evaluation) -> None:
        """Saves a scored checkpoint, and says so."""
        wall, cpu = self._spent
        self._spent = (0.0, 0.0)
        scored = Scored(
            step=state.step,
            loss=self._losses.take(),
            score=evaluation.score,
            metrics=dict(evaluation.metrics),
            seconds=round(wall, 3),
            cpu_seconds=round(cpu, 3),
            examples=evaluation.examples,
            right=noted(evaluation),
        )
        self.history.append(scored)
        prompt = checkpoint_prompt(state, self.tuning.task, self._record, scored)
        self._folder.save(state, prompt, self.history)
        self._events.scores(state.step, evaluation.metrics, evaluation.score, state.prompt)
        self._plugins.call(
            "spotfw_checkpoint_saved",
            run=self._record,
            step=state.step,
            scores=dict(evaluation.metrics),
        )

    def _finish(self) -> None:
        self._curves.close()
        result = self._result()
        scores = {"score": result.score}
        self._plugins.call("spotfw_run_finished", run=self._record, scores=scores)
        self._end(result)

    def _end(self, result: TunedPrompt) -> None:
        self.outcome = result
        self._locked.close()

    def _result(self) -> TunedPrompt:
        history, settings = self.history, self.tuning.settings
        if not history:
            raise BrokenPart(
                f"The engine ended the tuning of {self.tuning.task.name} without a checkpoint. "
                "It must give a state after the last step. Use another backend."
            )
        best = max(history, key=lambda entry: (entry.score, -entry.step))
        early = [entry.step for entry in history if entry.step >= settings.embedding_step]
        best_prompt, embedding = self._folder.finish(
            best.step, early[0] if early else history[-1].step
        )
        return TunedPrompt(
            best=best_prompt,
            embedding=embedding,
            final=self._folder.checkpoint(history[-1].step),
            history=tuple(history),
            folder=self._folder.path,
        )


class _Mean:
    """Mean loss since the last checkpoint, weighted by examples."""

    def __init__(self) -> None:
        self._sum, self._weight = 0.0, 0.0

    def add(self, value: float, weight: float) -> None:
        self._sum += value * weight
        self._weight += weight

    def take(self) -> float:
        mean = self._sum / max(self._weight, 1.0)
        self._sum, self._weight = 0.0, 0.0
        return mean
