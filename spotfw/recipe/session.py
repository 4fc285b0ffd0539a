"""The programmatic API: one frozen model, one library, and SPoT's recipe on them.

```python
fw = spotfw.Session(model="playground", library="library")
source = fw.tune("film_sentiment")
ranking = fw.rank("book_sentiment")
result = fw.transfer("book_sentiment", strategy="best_of_top_k", k=3)
```
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, overload

from spotfw import files
from spotfw.contracts import FrozenModel, TargetSignal
from spotfw.library import Library, ReleasedLibrary
from spotfw.plugins import Plugins, default_plugins
from spotfw.plugins.libraries import libraries_named
from spotfw.prompts import SoftPrompt
from spotfw.ranking import Ranking
from spotfw.recipe.asked import Place, place_of, places_of, prompt_of, task_of
from spotfw.recipe.candidates import TransferResult
from spotfw.recipe.evaluation import TRAIN
from spotfw.recipe.metrics import metrics_named
from spotfw.recipe.model_session import ModelTunings
from spotfw.recipe.plans import Strategy
from spotfw.recipe.progress.bars import noted
from spotfw.recipe.progress.watch import Watch
from spotfw.recipe.prompted import Prompted
from spotfw.recipe.run_folder import refuse_used
from spotfw.recipe.seeds import TunedSeeds, by_seed, check_seeds
from spotfw.recipe.transfer import required
from spotfw.recipe.tuned import Observer, TunedPrompt
from spotfw.recipe.workbench import SCRATCH, Workbench
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import pinned

__all__ = ["SCRATCH", "Session"]


class Session(Prompted, ModelTunings):
    """A frozen model at hand. The model is opened when first needed, once.

    Args:
      model: a name (see ``spotfw models``), a folder, local or ``gs://``, or that of a run that
        tuned all weights.
      library: folder of the prompt library, or the name of a model that comes with one; of
        several, all are read, and what is learned goes to the first. None for the one that
        comes with the model, if any, which is only read.
      runs: folder for the runs whose place is not given.
      plugins: by default those of this process, `spotfw.plugins.default_plugins`.
      backend: the engine, ``NAME[:key=value,...]``; by default the built-in one, or, where
        that is not installed or does not read the model's folder, the first that does.
      observer: hears of the progress of every tuning.
      progress: show, on stderr, that the model is opened, and where no observer is given how far
        each tuning is: a bar in a terminal or a notebook, elsewhere a line every ten seconds.
      modules: of your own, imported first: of seqio tasks, or of hooks of spotfw.
      **options: of the backend's `open` (``vocabulary``, ``activations`` ...).
    """

    def __init__(
        self,
        model: Place = "playground",
        library: Place | Sequence[Place] | None = None,
        *,
        runs: Place = "runs",
        plugins: Plugins | None = None,
        backend: str | None = None,
        observer: Observer | None = None,
        progress: bool = True,
        modules: Sequence[str] = (),
        **options: Any,
    ) -> None:
        self.plugins = plugins or default_plugins()
        if modules:
            self.plugins.import_modules(modules)
        if plugins is None:
            self.plugins.relist_tasks()  # task files may have changed since another session
        self.runs = place_of(runs)
        self.observer = observer
        self._progress = progress
        announce = noted if progress else lambda line: None
        self._bench = Workbench(place_of(model), self.plugins, backend, options, announce)
        self._library = libraries_named(places_of(library), self.plugins)
        self._seen: dict[str, Task | Mixture] = {}

    @property
    def model(self) -> FrozenModel:
        """The frozen model."""
        return self._bench.model

    @property
    def backend(self) -> str:
        """The engine's name and settings, as asked for or chosen."""
        return self._bench.backend

    @property
    def library(self) -> Library:
        """The prompt library: what was named, else what comes with the model.

        Raises:
          WrongUse: the session has none.
        """
        return required(self._sources)

    @overload
    def tune(
        self, task: Place | Task | Mixture, *, seeds: None = None, **options: Any
    ) -> TunedPrompt: ...

    @overload
    def tune(
        self, task: Place | Task | Mixture, *, seeds: Sequence[int], **options: Any
    ) -> TunedSeeds: ...

    def tune(
        self,
        task: Place | Task | Mixture,
        *,
        seeds: Sequence[int] | None = None,
        init: str = "sampled_vocab",
        start: SoftPrompt | None = None,
        out: Place | None = None,
        runs: Place | None = None,
        resume: bool | None = None,
        keep: bool = True,
        observer: Observer | None = None,
        by_hand: Collection[str] | None = None,
        **settings: Any,
    ) -> TunedPrompt | TunedSeeds:
        """Learns a prompt; with a library, keeps it there.

        Args:
          task: a name, a path of a task's TOML file, or a task.
          seeds: to tune under each, side by side where the engine can; the result is then a list
            in their order, with its `mean` and standard deviation `std`.
          init: ``NAME[:ARGUMENT]`` of an initializer.
          start: a prompt to start from instead.
          out: the run's folder; of several seeds the parent of theirs, ``seed-N``. Without it, a
            folder below `runs` that belongs to just this task, model and settings, so that the
            same call again goes on with, or gives, the same run.
          runs: in place of the session's.
          resume: go on with a run in `out`.
          keep: add the prompt to the session's library, if it has one.
          observer: hears of progress, in place of the session's.
          by_hand: names of settings that stay though they are too short for the task; by default
            all of `settings`. Others, a model's own, are raised to what the task needs.
          **settings: fields of `TuningSettings`.

        Raises:
          SpotError: the task's data or the settings cannot be used, or the tuning fails; what was
            saved stays.
          SomeSeedsFailed: some of the seeds failed, but not all.
        """
        if keep and isinstance(self._library, ReleasedLibrary):
            self._library.refuse()
        with self._watched(observer) as watching:
            options: dict[str, Any] = {
                "init": init,
                "start": start,
                "runs": runs,
                "resume": resume,
                "observer": watching,
                "by_hand": by_hand,
            }
            if seeds is None:
                tuned = self._bench.tune(self.tuning(task, out=out, **options, **settings))
                self._keep([tuned] if keep else [])
                return tuned
            checked = check_seeds(seeds, settings.pop("seed", None))
            folders = [
                None if out is None else files.join(place_of(out), f"seed-{seed}")
                for seed in checked
            ]
            for folder in folders:  # all of them before the model is opened
                if folder is not None:
                    refuse_used(folder, resume=bool(resume))
            outcomes = self._bench.tune_all(
                [
                    self.tuning(task, out=folder, seed=seed, **options, **settings)
                    for seed, folder in zip(checked, folders, strict=True)
                ]
            )
        self._keep([outcome for outcome in outcomes if isinstance(outcome, TunedPrompt) and keep])
        return by_seed(checked, outcomes)

    def add(self, tuned: TunedPrompt) -> str:
        """Adds a learned prompt to the library; returns its id."""
        return self.library.add(tuned.best, tuned.embedding)

    def embed(
        self,
        target: Place | Task,
        *,
        runs: Place | None = None,
        observer: Observer | None = None,
        **settings: Any,
    ) -> TunedPrompt:
        """Tunes a target from scratch just to its embedding step (paper 3.1.3); see `tune`."""
        chosen = self.settings(**settings)
        settings["steps"] = min(chosen.embedding_step, chosen.steps)
        with self._watched(observer) as watching:
            return self._bench.tune(
                self.tuning(target, init=SCRATCH, runs=runs, observer=watching, **settings)
            )

    def rank(
        self,
        target: Place | Task | SoftPrompt | TunedPrompt,
        metric: str = "per_token_cosine",
        **settings: Any,
    ) -> Ranking:
        """The library's prompts by similarity to a target's embedding.

        Args:
          target: an embedding (a prompt, a tuned prompt, a prompt's file), or a task, which
            is then tuned to its embedding step.
            Where no metric compares with an embedding, or the library has no prompt to
            compare with, it is not tuned.
          metric: name of a similarity metric, ``NAME[:key=value,...]``; several joined by ``+``
            are fused by rank.
          **settings: of that tuning, and of the target's later ones.
        """
        metrics = metrics_named(self.plugins, metric)  # before a target is tuned for it
        chosen = self.settings(**{"steps": self.target_steps, **settings})
        task: Task | Mixture | None = None
        if not isinstance(target, (SoftPrompt, TunedPrompt)) and not _is_file(target):
            task = self.task(target)
        asked: Task | None = None
        if task is not None and any(isinstance(m, TargetSignal) for m in metrics):
            content = pinned(task)
            asked = content if isinstance(content, Task) else None
            chosen = self._bench.fitted(chosen, content, settings, (TRAIN,))
        prompt = None
        if asked is None or not all(isinstance(m, TargetSignal) for m in metrics):
            if task is not None:
                nothing = self._ranking_of_nothing(task, metric, chosen.prompt_length)
                if nothing is not None:
                    return nothing
            prompt = self._embedding(target, settings)
        own = asked.name if prompt is None and asked is not None else None
        own = own if prompt is None else prompt.provenance.task
        return self._bench.rank(
            prompt, metric, self.library, target=asked, settings=chosen, exclude_task=own
        )

    def transfer(
        self,
        target: Place | Task,
        strategy: Strategy = "best_of_top_k",
        k: int = 3,
        metric: str = "per_token_cosine",
        *,
        embedding: SoftPrompt | TunedPrompt | None = None,
        mixture: Mapping[str, Any] | None = None,
        among: Collection[str] | None = None,
        out: Place | None = None,
        observer: Observer | None = None,
        by_hand: Collection[str] | None = None,
        **settings: Any,
    ) -> TransferResult:
        """Retrieves sources for a target, chooses, tunes from each choice, keeps the best.

        Args:
          target: the task.
          strategy: ``NAME[:key=value,...]``, or a function of (ranking, k) that gives
            candidates.
          k: how many sources the strategy may use.
          metric: name of a similarity metric.
          embedding: of the target, where it is at hand.
          mixture: settings of tuning on a mixture, where a strategy asks for one, that
            differ from a source's.
          among: ids of the library's entries that may be chosen; by default all.
          out: folder for all runs of this transfer.
          observer: hears of progress.
          by_hand: as of `tune`.
          **settings: of the target's tunings; steps are 100,000 by default (paper 3.1.2).
        """
        with self._watched(observer) as watching:
            return self.carry_out(
                self.transfer_rounds(
                    target,
                    strategy,
                    k,
                    metric,
                    embedding=None if embedding is None else self._embedding(embedding, {}),
                    mixture=mixture,
                    among=among,
                    out=out,
                    observer=watching,
                    by_hand=by_hand,
                    **settings,
                )
            )

    def close(self) -> None:
        """Gives the model's memory back."""
        self._bench.close()

    def _keep(self, prompts: Sequence[TunedPrompt]) -> None:
        if self._library is not None:
            for tuned in prompts:
                self.add(tuned)

    def _watched(self, observer: Observer | None) -> contextlib.AbstractContextManager[Any]:
        """What hears of tunings: an observer that was given, else what shows them, if anything."""
        heard = observer or self.observer
        if heard is not None or not self._progress:
            return contextlib.nullcontext(heard)
        return Watch()

    def _embedding(
        self, target: Place | Task | SoftPrompt | TunedPrompt, settings: dict[str, Any]
    ) -> SoftPrompt:
        if isinstance(target, SoftPrompt):
            return target
        if isinstance(target, TunedPrompt):
            return target.embedding
        named = task_of(target)
        if isinstance(named, str) and _is_file(named):
            return prompt_of(named)
        return self.embed(target, **settings).embedding


def _is_file(target: Any) -> bool:
    """Whether a target is named by a prompt's file."""
    named = isinstance(target, (str, os.PathLike))
    return named and place_of(target).endswith((".safetensors", ".npy"))
