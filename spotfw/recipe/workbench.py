"""One frozen model and the plugins: where prompts are tuned, scored, compared and run."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
import numpy as np

from spotfw import files
from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation, FrozenModel, SimilarityMetric, TargetSignal
from spotfw.errors import SpotError
from spotfw.library import Entry, Library, ReleasedLibrary
from spotfw.plugins import Plugins
from spotfw.plugins.hub_models import hub_model, is_hub_model
from spotfw.plugins.model_settings import own_settings
from spotfw.plugins.models import (
    check_options,
    choose_backend,
    folder_for,
    folder_meant,
    named_model,
)
from spotfw.plugins.strangers import one_line
from spotfw.prompts import SoftPrompt, check_fits
from spotfw.prompts.prompt import warn_of_other_model
from spotfw.ranking import Ranking
from spotfw.recipe.evaluation import TRAIN, VALIDATION, Scoring, evaluate_all
from spotfw.recipe.fitting import fitted
from spotfw.recipe.metrics import PASSES_OF_A_STEP, at_target, fused
from spotfw.recipe.rounds import Outcome, Rounds, carry_out
from spotfw.recipe.run_names import run_name
from spotfw.recipe.tuned import TunedPrompt, Tuning
from spotfw.recipe.tuning import only, tune_all
from spotfw.tasks import Mixture, Task

_log = logging.getLogger(__name__)

#: From scratch, a target's prompt starts from its class labels (paper 2.1.4).
SCRATCH = "class_label"

#: Runs that are open at a time: each holds two files, and a process may have some thousand.
_AT_ONCE = 256

T = TypeVar("T")


class Workbench:
    """A frozen model by its name or folder, opened when first needed, once.

    An error in what a plugin gives says whose it is.

    Args:
      model: a name, a folder, local or ``gs://``, or ``user/name`` of the Hugging Face hub; a run
        that tuned all weights stands for the model in its folder.
      plugins: what is installed.
      backend: the engine, ``NAME[:key=value,...]``; None for `choose_backend`'s.
      options: of the backend's `open`.
      announce: called with a line before what takes seconds.

    Attributes:
      backend: the engine, as asked for or chosen.
      announce: as given.

    Raises:
      UnknownName: `model` is neither a name nor a folder.
      WrongUse: an option is another engine's, or cannot be used.
    """

    def __init__(
        self,
        model: str,
        plugins: Plugins,
        backend: str | None,
        options: Mapping[str, Any],
        announce: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.plugins = plugins
        self._named = named_model(model, plugins)
        self._place = folder_meant(model) if self._named is None else model
        self._on_hub = self._named is None and is_hub_model(model)
        self.backend = backend or choose_backend(model, plugins)
        self._options = options
        if options:
            with plugins.blaming("backend", self.backend):
                check_options(plugins.backend(self.backend), options, plugins)
        self.announce = announce
        self._metrics: dict[str, SimilarityMetric] = {}

    @functools.cached_property
    def model(self) -> FrozenModel:
        """The frozen model."""
        engine = self.plugins.backend(self.backend)
        if self._named:
            folder = folder_for(engine, self._named)
        else:
            folder = hub_model(self._place) if self._on_hub else self._place
        self.announce(f"Opening the model {self._place} ...")
        with self.plugins.blaming("backend", self.backend):
            return engine.open(folder, **self._options)

    @functools.cached_property
    def released(self) -> ReleasedLibrary | None:
        """The library of prompts that comes with the model, where it is a named one with one."""
        if self._named is None or self._named.library is None:
            return None
        return ReleasedLibrary(self._named.library, self._named.name)

    @functools.cached_property
    def own_settings(self) -> Mapping[str, Any]:
        """Settings that suit the model; see `spotfw.plugins.model_settings.own_settings`."""
        return own_settings(self._place, self.plugins)

    @property
    def asked(self) -> str | None:
        """What the model was asked for by, where that is not a folder."""
        return self._place if self._named or self._on_hub else None

    def settings(self, **changes: Any) -> TuningSettings:
        """The paper's settings, with the model's own over them and `changes` over those.

        Raises:
          UnknownName: there is no such setting.
          WrongUse: a value makes no sense.
        """
        given = {k: v for k, v in changes.items() if v is not None}
        own = TuningSettings.from_dict(
            self.own_settings, f"the settings that come with the model {self._place}"
        )
        return TuningSettings.from_dict(own.to_dict() | given)

    def fitted(
        self,
        settings: TuningSettings,
        task: Task | Mixture,
        by_hand: Collection[str],
        splits: Sequence[str] = (TRAIN, VALIDATION),
    ) -> TuningSettings:
        """The settings, with lengths not set by hand raised to what a task needs.

        See `spotfw.recipe.fitting.fitted`.
        """
        with self.plugins.blaming("backend", self.backend):
            return fitted(
                self.model, task, settings, by_hand=by_hand, name=self.asked, splits=splits
            )

    def run_folder(
        self,
        runs: str,
        task: Task | Mixture,
        settings: TuningSettings,
        init: str,
        start: SoftPrompt | None = None,
    ) -> str:
        """The folder below `runs` that belongs to just this tuning."""
        name = run_name(
            task, settings, model=self.model, backend=self.backend, init=init, start=start
        )
        return files.join(runs, name)

    def tune(self, tuning: Tuning) -> TunedPrompt:
        """Learns a prompt; its task's splits are looked at by the caller.

        Raises:
          SpotError: as `spotfw.recipe.tuning.tune`.
        """
        return only(self.tune_all([tuning]))

    def tune_all(self, tunings: Sequence[Tuning]) -> list[Outcome]:
        """Learns prompts side by side; see `spotfw.recipe.tuning.tune_all`.

        Where the engine fails with all of them, because memory does not suffice for so many, they
        are tuned in halves.
        """
        outcomes: list[Outcome] = []
        for first in range(0, len(tunings), _AT_ONCE):
            outcomes += self._together(tunings[first : first + _AT_ONCE])
        return [self._blamed(outcome) for outcome in outcomes]

    def _together(self, tunings: Sequence[Tuning]) -> list[Outcome]:
        with self.plugins.blaming("backend", self.backend):
            outcomes = tune_all(self.model, tunings, plugins=self.plugins, asked=self.asked)
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        shared = {id(error) for error in errors if sum(other is error for other in errors) > 1}
        again = [n for n, outcome in enumerate(outcomes) if id(outcome) in shared]
        if not again or isinstance(outcomes[again[0]], SpotError):
            return outcomes
        _log.warning(
            "%d tunings side by side failed (%s); they are tuned in halves.",
            *(len(again), one_line(errors[0])),
        )
        middle = -(-len(again) // 2)
        for half in (again[:middle], again[middle:]):
            resumed = [attrs.evolve(tunings[n], resume=True) for n in half]
            for n, outcome in zip(half, self._together(resumed), strict=True):
                outcomes[n] = outcome
        return outcomes

    def carry_out(self, plan: Rounds[T]) -> T:
        """Tunes what a plan asks for; its result."""
        return carry_out(plan, self.tune_all)

    def _blamed(self, outcome: Outcome) -> Outcome:
        """An error that ended a tuning says whose engine it is of."""
        if isinstance(outcome, Exception):
            try:
                with self.plugins.blaming("backend", self.backend):
                    raise outcome
            except Exception as error:
                return error
        return outcome

    def evaluate_all(self, scorings: Sequence[Scoring], split: str) -> list[Evaluation]:
        """Scores prompts; see `spotfw.recipe.evaluation.evaluate_all`.

        Raises:
          SpotError: the first that cannot be scored.
        """
        with self.plugins.blaming("backend", self.backend):
            evaluations = []
            for evaluation in evaluate_all(self.model, scorings, split):
                if isinstance(evaluation, Exception):
                    raise evaluation
                evaluations.append(evaluation)
            return evaluations

    def predict(
        self, prompt: Array | None, lines: Sequence[str], settings: TuningSettings
    ) -> list[str]:
        """Decodes; see `FrozenModel.predict`."""
        with self.plugins.blaming("backend", self.backend):
            return self.model.predict(prompt, lines, settings)

    def rank(
        self,
        prompt: SoftPrompt | None,
        metric: str,
        library: Library,
        entries: Iterable[Entry] | None = None,
        *,
        target: Task | None = None,
        settings: TuningSettings | None = None,
        exclude_task: str | None = None,
        exclude_ids: Collection[str] = (),
    ) -> Ranking:
        """A library's prompts by similarity to a task embedding, beside this model.

        Args:
          prompt: the embedding; None where no metric compares with it.
          metric: ``NAME[:key=value,...]``, or several joined by ``+``, whose rankings are fused.
          library: the library.
          entries: of the library, if they are listed already.
          target: whose examples a metric may look at.
          settings: of the target's tunings; by default the model's own.
          exclude_task: leaves out this task's prompts.
          exclude_ids: leaves out these entries.

        Raises:
          SpotError: the embedding is of another model, a metric needs a target that is not
            given, or as `Library.rank`.
        """
        settings = settings or self.settings()
        if prompt is None:
            prompt = SoftPrompt(np.zeros((settings.prompt_length, self.model.width)))
        self.check(prompt)
        array = prompt.array
        planned = PASSES_OF_A_STEP * settings.batch_size * settings.steps

        def rank(name: str) -> Ranking:
            with self.plugins.blaming("metric", name):
                part, passes = self._beside(name), 0.0
                if isinstance(part, TargetSignal):
                    part, passes = at_target(part, self.model, target, settings)
                    self.announce(
                        f"Ranking by {name}: {passes:,.0f} forward passes of an example of "
                        f"{target.name if target else 'the target'} for each prompt ..."
                    )
                ranking = library.rank(
                    array,
                    part,
                    fingerprint=self.model.fingerprint,
                    exclude_task=exclude_task,
                    exclude_ids=exclude_ids,
                    name=prompt.provenance.task or "" if target is None else target.name,
                    entries=entries,
                )
            return attrs.evolve(ranking, passes=passes, tuning_passes=float(planned))

        return fused(metric, rank)

    def check(self, prompt: SoftPrompt) -> None:
        """Refuses (`SpotError`) a prompt of another model, or warns where its name says so."""
        warn_of_other_model(prompt, self._place)
        check_fits(prompt, width=self.model.width, fingerprint=self.model.fingerprint)

    def close(self) -> None:
        """Gives the model's memory back."""
        if "model" in self.__dict__:
            self.model.close()

    def _beside(self, metric: str) -> SimilarityMetric:
        """A metric beside the model; the same each time, so that features are kept."""
        if metric not in self._metrics:
            self._metrics[metric] = self.plugins.metric(metric).with_model(self.model)
        return self._metrics[metric]
