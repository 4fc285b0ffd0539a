"""The part of a session that tunes all weights: ModelTuning, and LM adaptation."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import Any

import attrs

from spotfw import files
from spotfw.config import LENGTHS, ModelTuningSettings
from spotfw.errors import UnknownName
from spotfw.recipe.adaptation import ADAPTATION, TEXTS, likelihood, text_task
from spotfw.recipe.asked import Place, place_of
from spotfw.recipe.evaluation import check_splits
from spotfw.recipe.fitting import cut_is_known
from spotfw.recipe.model_run import Score, TunedModel
from spotfw.recipe.model_run_folder import METHOD, ModelRunFolder
from spotfw.recipe.model_tuning import (
    DURATION,
    chosen_settings,
    scored_by_answers,
    tune_model,
)
from spotfw.recipe.plans import Plans
from spotfw.recipe.run_names import run_name
from spotfw.recipe.tuned import Observer
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import pinned


class ModelTunings(Plans):
    """The part of a session that tunes all weights of its model, which itself stays as it is."""

    def tune_model(
        self,
        task: Place | Task | Mixture,
        *,
        out: Place | None = None,
        runs: Place | None = None,
        resume: bool | None = None,
        observer: Observer | None = None,
        by_hand: Collection[str] | None = None,
        **settings: Any,
    ) -> TunedModel:
        """Tunes all weights of the model on a task: the paper's ModelTuning (2.1.1).

        The session's model stays as it is: the result's `model` is a folder that a session opens
        in its place, to score or run it without a prompt, or to tune it further.

        Args:
          task: as of `Session.tune`.
          out: the run's folder, local; without it, one below `runs` that belongs to just this.
          runs: in place of the session's.
          resume: go on with a run in `out`.
          observer: hears of progress, in place of the session's.
          by_hand: names of settings that stay though they are too short for the task; by default
            all of `settings`.
          **settings: fields of `ModelTuningSettings`; their defaults are the model's own of
            `spotfw.recipe.model_tuning.OF_MODEL`, else the paper's.

        Raises:
          WrongUse: the engine tunes no weights, or a setting makes no sense.
          SpotError: as `Session.tune`, or the disk has no room for the checkpoints.
        """
        resolved = self.task(task)
        by_hand = settings if by_hand is None else by_hand
        chosen = chosen_settings(self._bench.own_settings, **settings)
        return self._tune_weights(
            resolved, out, runs, resume, observer, by_hand, scored_by_answers, METHOD, chosen
        )

    def adapt_model(
        self,
        text: Place | Task | Mixture,
        *,
        out: Place | None = None,
        runs: Place | None = None,
        resume: bool | None = None,
        observer: Observer | None = None,
        **settings: Any,
    ) -> TunedModel:
        """Tunes all weights to write on where a text is cut: LM adaptation (paper 2.1.1).

        Args:
          text: path of a text file (.txt, .md), or a task whose inputs and targets are read as
            texts.
          out, runs, resume, observer: as of `tune_model`.
          **settings: fields of `ModelTuningSettings`; targets are as long as inputs by default.

        Returns:
          the model with the highest `spotfw.recipe.adaptation.likelihood` of what was held out;
          its `before` is that of the session's model.
        """
        # How long a task is tuned for says nothing of a text.
        own = {k: v for k, v in self._bench.own_settings.items() if k not in DURATION}
        chosen = chosen_settings(own, **settings)
        if settings.get("max_target_length") is None:
            chosen = attrs.evolve(chosen, max_target_length=chosen.max_input_length)
        path = place_of(text) if isinstance(text, (str, os.PathLike)) else None
        if path is not None and path.endswith(TEXTS):
            windows = text_task(path, chosen.of_data())
            cut_is_known(windows, chosen.max_input_length)  # windows are as long as it is
            task: Task | Mixture = windows
        else:
            try:
                task = self.task(text)
            except UnknownName as error:
                if path is not None and os.path.isfile(path):
                    error.args = (f"{error} The name of a text ends in {' or '.join(TEXTS)}.",)
                raise
        return self._tune_weights(
            task, out, runs, resume, observer, LENGTHS, likelihood, ADAPTATION, chosen
        )

    def _tune_weights(
        self,
        task: Task | Mixture,
        out: Place | None,
        runs: Place | None,
        resume: bool | None,
        observer: Observer | None,
        by_hand: Collection[str],
        score: Score,
        purpose: str,
        chosen: ModelTuningSettings,
    ) -> TunedModel:
        # Both before the model is opened, which takes long.
        check_splits(task)
        if out is not None:
            ModelRunFolder(place_of(out)).refuse_used(resume=bool(resume))
        task, bench = pinned(task), self._bench
        lengths = bench.fitted(chosen.of_data(), task, by_hand)
        chosen = attrs.evolve(chosen, **{name: getattr(lengths, name) for name in LENGTHS})
        # Weights with their optimizer's state and without it are tuned to other ones.
        if getattr(bench.model, "has_optimizer_state", False):
            purpose += ", optimizer restored"
        name = run_name(task, chosen, model=bench.model, backend=bench.backend, init=purpose)
        folder = files.join(place_of(runs or self.runs), name) if out is None else place_of(out)
        with self._watched(observer) as watching, self.plugins.blaming("backend", bench.backend):
            return tune_model(
                bench.model,
                task,
                chosen,
                plugins=self.plugins,
                out=folder,
                asked=bench.asked,
                resume=out is None if resume is None else resume,
                observer=watching,
                announce=bench.announce,
                score=score,
                purpose=purpose,
                score_before=score is likelihood,
                own=bench.own_settings,
            )

    def _watched(self, observer: Observer | None) -> contextlib.AbstractContextManager[Any]:
        """What hears of tunings: an observer that was given, else what shows them, if anything."""
        raise NotImplementedError
