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
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from spotfw.config import LENGTHS, TARGET_STEPS, TuningSettings
from spotfw.contracts import Evaluation, FrozenModel
from spotfw.library import Library, ReleasedLibrary
from spotfw.plugins import Plugins, default_plugins
from spotfw.plugins.libraries import libraries_named
from spotfw.prompts import SoftPrompt, load_prompt
from spotfw.ranking import Ranking
from spotfw.recipe.candidates import Choose, TransferResult
from spotfw.recipe.evaluation import VALIDATION, check_splits
from spotfw.recipe.progress.bars import announced
from spotfw.recipe.progress.watch import Watch
from spotfw.recipe.run_folder import refuse_used
from spotfw.recipe.transfer import Transfer, required
from spotfw.recipe.tuned import Observer, TunedPrompt, Tuning
from spotfw.recipe.workbench import SCRATCH, Workbench
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import pinned

__all__ = ["SCRATCH", "Session"]

Strategy = str | Choose


class Session:
    """A frozen model at hand. The model is opened when first needed, once.

    Args:
      model: a name (see ``spotfw models``) or a folder, local or ``gs://``.
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
      **options: of the backend's `open` (``vocabulary``, ``activations`` ...).
    """

    def __init__(
        self,
        model: str = "playground",
        library: str | Sequence[str] | None = None,
        *,
        runs: str = "runs",
        plugins: Plugins | None = None,
        backend: str | None = None,
        observer: Observer | None = None,
        progress: bool = True,
        **options: Any,
    ) -> None:
        self.plugins = plugins or default_plugins()
        if plugins is None:
            self.plugins.relist_tasks()  # task files may have changed since another session
        self.runs = runs
        self.observer = observer
        self._progress = progress
        announce = announced if progress else lambda line: None
        self._bench = Workbench(model, self.plugins, backend, options, announce)
        self._library = libraries_named(library or (), self.plugins)
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

    @property
    def _sources(self) -> Library | None:
        return self._library or self._bench.released

    def settings(self, **changes: Any) -> TuningSettings:
        """The paper's settings, with the model's own over them and `changes` over those."""
        return self._bench.settings(**changes)

    @property
    def target_steps(self) -> int:
        """Updates of a target's tuning: the model's own, else the paper's 100,000 (3.1.2)."""
        return int(self._bench.own_settings.get("steps", TARGET_STEPS))

    def tune(
        self,
        task: str | Task | Mixture,
        *,
        init: str = "sampled_vocab",
        start: SoftPrompt | None = None,
        out: str | None = None,
        runs: str | None = None,
        resume: bool | None = None,
        keep: bool = True,
        observer: Observer | None = None,
        by_hand: Collection[str] | None = None,
        **settings: Any,
    ) -> TunedPrompt:
        """Learns a prompt; with a library, keeps it there.

        Args:
          task: a name, a path of a task's TOML file, or a task.
          init: ``NAME[:ARGUMENT]`` of an initializer.
          start: a prompt to start from instead.
          out: the run's folder. Without it, a folder below `runs` that belongs to just
            this task, model and settings, so that the same call again goes on with, or
            gives, the same run.
          runs: in place of the session's.
          resume: go on with a run in `out`.
          keep: add the prompt to the session's library, if it has one.
          observer: hears of progress, in place of the session's.
          by_hand: names of settings that stay though they are too short for the task; by default
            all of `settings`. Others, a model's own, are raised to what the task needs.
          **settings: fields of `TuningSettings`.
        """
        resolved, chosen = self.task(task), self.settings(**settings)
        # Before the model is opened, which takes long.
        check_splits(resolved)
        if out is not None:
            refuse_used(out, resume=bool(resume))
        resolved = pinned(resolved)
        if start is None:
            self.plugins.parse_initializer(init)
        if keep and isinstance(self._library, ReleasedLibrary):
            self._library.refuse()
        chosen = self._bench.fitted(chosen, resolved, settings if by_hand is None else by_hand)
        runs = runs or self.runs
        with self._watched(observer) as watching:
            tuned = self._bench.tune(
                Tuning(
                    task=resolved,
                    settings=chosen,
                    out=out or self._bench.run_folder(runs, resolved, chosen, init, start),
                    initializer=init,
                    start=start,
                    resume=out is None if resume is None else resume,
                    observer=watching,
                )
            )
        if keep and self._library is not None:
            self.add(tuned)
        return tuned

    def add(self, tuned: TunedPrompt) -> str:
        """Adds a learned prompt to the library; returns its id."""
        return self.library.add(tuned.best, tuned.embedding)

    def embed(
        self,
        target: str | Task,
        *,
        runs: str | None = None,
        observer: Observer | None = None,
        **settings: Any,
    ) -> TunedPrompt:
        """Tunes a target from scratch just to its embedding step (paper 3.1.3); see `tune`."""
        chosen = self.settings(**settings)
        settings["steps"] = min(chosen.embedding_step, chosen.steps)
        return self.tune(target, init=SCRATCH, keep=False, runs=runs, observer=observer, **settings)

    def rank(
        self,
        target: str | Task | SoftPrompt | TunedPrompt,
        metric: str = "per_token_cosine",
        **settings: Any,
    ) -> Ranking:
        """The library's prompts by similarity to a target's embedding.

        Args:
          target: an embedding (a prompt, a tuned prompt, a prompt's file), or a task, which
            is then tuned to its embedding step.
          metric: name of a similarity metric, ``NAME[:key=value,...]``.
          **settings: of that tuning.
        """
        self.plugins.metric(metric)  # before a target is tuned for it
        prompt = self._embedding(target, settings)
        return self._bench.rank(prompt, metric, self.library, exclude_task=prompt.provenance.task)

    def transfer(
        self,
        target: str | Task,
        strategy: Strategy = "best_of_top_k",
        k: int = 3,
        metric: str = "per_token_cosine",
        *,
        embedding: SoftPrompt | TunedPrompt | None = None,
        mixture: Mapping[str, Any] | None = None,
        among: Collection[str] | None = None,
        out: str | None = None,
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
        settings.setdefault("steps", self.target_steps)
        mixed = {k: v for k, v in settings.items() if k != "steps"} | dict(mixture or {})
        with self._watched(observer) as watching:
            transfer = Transfer(
                bench=self._bench,
                library=self._sources,
                target=pinned(self.task(target)),
                strategy=strategy,
                k=k,
                metric=metric,
                settings=self.settings(**settings),
                mixture=self.settings(**mixed),
                find_task=self.task,
                among=among,
                out=out,
                runs=self.runs,
                observer=watching,
                by_hand=set(mixed) if by_hand is None else by_hand,
            )
            return transfer.run(None if embedding is None else self._embedding(embedding, {}))

    def evaluate(
        self,
        prompt: str | SoftPrompt | None,
        task: str | Task | Mixture,
        split: str = VALIDATION,
        **settings: Any,
    ) -> Evaluation:
        """Scores a prompt (None: no prompt) on a task's split.

        Lengths that are not given are those that the prompt was tuned with, as far as it says;
        they are raised where the task needs more.
        """
        resolved = self.task(task)
        check_splits(resolved, (split,))
        resolved = pinned(resolved)
        loaded = None if prompt is None else self._fitting(prompt)
        chosen = self.settings(**{**_lengths(loaded), **settings})
        chosen = self._bench.fitted(chosen, resolved, settings, (split,))
        return self._bench.evaluate(
            None if loaded is None else loaded.array, resolved, split, chosen
        )

    def predict(
        self, prompt: str | SoftPrompt | None, lines: Sequence[str], **settings: Any
    ) -> list[str]:
        """Decodes greedily for each line of text with a prompt in front; lengths as `evaluate`."""
        loaded = None if prompt is None else self._fitting(prompt)
        chosen = self.settings(**{**_lengths(loaded), **settings})
        return self._bench.predict(None if loaded is None else loaded.array, lines, chosen)

    def task(self, task: str | Task | Mixture) -> Task | Mixture:
        """A task by name, unless it is one already."""
        if isinstance(task, str):
            # A library names tasks; those that came from a file are only known from before.
            task = self._seen.get(task) or self.plugins.task(task)
        self._seen[task.name] = task
        return task

    def close(self) -> None:
        """Gives the model's memory back."""
        self._bench.close()

    def _watched(self, observer: Observer | None) -> contextlib.AbstractContextManager[Any]:
        """What hears of tunings: an observer that was given, else what shows them, if anything."""
        heard = observer or self.observer
        if heard is not None or not self._progress:
            return contextlib.nullcontext(heard)
        return Watch()

    def _fitting(self, prompt: str | SoftPrompt) -> SoftPrompt:
        loaded = load_prompt(prompt) if isinstance(prompt, str) else prompt
        self._bench.check(loaded)
        return loaded

    def _embedding(
        self, target: str | Task | SoftPrompt | TunedPrompt, settings: dict[str, Any]
    ) -> SoftPrompt:
        if isinstance(target, SoftPrompt):
            return target
        if isinstance(target, TunedPrompt):
            return target.embedding
        if isinstance(target, str) and target.endswith((".safetensors", ".npy")):
            return load_prompt(target)
        return self.embed(target, **settings).embedding


def _lengths(prompt: SoftPrompt | None) -> dict[str, Any]:
    """The lengths that a prompt was tuned with, as far as it says."""
    tuned_with = {} if prompt is None else prompt.provenance.settings
    lengths = {name: tuned_with[name] for name in LENGTHS if name in tuned_with}
    TuningSettings.from_dict(lengths, "the prompt's file, or make it again")
    return lengths
