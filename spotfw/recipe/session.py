"""The programmatic API: one frozen model, one library, and SPoT's recipe on them.

```python
fw = spotfw.Session(model="playground", library="library")
source = fw.tune("film_sentiment")
ranking = fw.rank("book_sentiment")
result = fw.transfer("book_sentiment", strategy="best_of_top_k", k=3)
```
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spotfw import files
from spotfw.config import TARGET_STEPS, TuningSettings
from spotfw.contracts import Candidate, Evaluation, FrozenModel, SimilarityMetric
from spotfw.errors import WrongUse
from spotfw.library import Library
from spotfw.library.retrieval import comparable
from spotfw.plugins import Plugins, default_plugins
from spotfw.plugins.models import named_model
from spotfw.prompts import SoftPrompt, check_fits, load_prompt
from spotfw.ranking import Ranking
from spotfw.recipe import tuning as recipe
from spotfw.recipe.run_folder import steps_to_ask
from spotfw.recipe.run_names import run_name
from spotfw.recipe.transfer import TransferResult, choose, run_candidates
from spotfw.recipe.tuning import Observer, TunedPrompt
from spotfw.tasks import Mixture, Task

#: From scratch, a target's prompt starts from its class labels (paper 2.1.4).
SCRATCH = "class_label"

Strategy = str | Callable[[Ranking, int], Sequence[Candidate]]


class Session:
    """A frozen model at hand. The model is opened when first needed, once.

    Args:
      model: a name (see ``spotfw models``) or a folder, local or ``gs://``.
      library: folder of the prompt library; None for a session without one.
      runs: folder for the runs whose place is not given.
      plugins: by default those of this process, `spotfw.plugins.default_plugins`.
      backend: the engine, ``NAME[:key=value,...]``.
      observer: told of the progress of every tuning.
      **options: of the backend's `open` (``vocabulary``, ``activations`` ...).
    """

    def __init__(
        self,
        model: str = "playground",
        library: str | None = None,
        *,
        runs: str = "runs",
        plugins: Plugins | None = None,
        backend: str = "mesh",
        observer: Observer | None = None,
        **options: Any,
    ) -> None:
        self.plugins = plugins or default_plugins()
        if plugins is None:
            self.plugins.relist_tasks()  # task files may have changed since another session
        self.runs = runs
        self.observer = observer
        self._named = named_model(model, self.plugins)
        self._place = model
        self._backend = backend
        self._options = options
        self._library = None if library is None else Library(library, plugins=self.plugins)
        self._seen: dict[str, Task | Mixture] = {}
        self._metrics: dict[str, SimilarityMetric] = {}

    @functools.cached_property
    def model(self) -> FrozenModel:
        """The frozen model."""
        folder = str(self._named.folder()) if self._named else self._place
        with self.plugins.blaming("backend", self._backend):
            return self.plugins.backend(self._backend).open(folder, **self._options)

    @property
    def library(self) -> Library:
        """The prompt library.

        Raises:
          WrongUse: the session has none.
        """
        if self._library is None:
            raise WrongUse("This needs a prompt library. Name its folder with --library DIR.")
        return self._library

    def settings(self, **changes: Any) -> TuningSettings:
        """The paper's settings, with the model's own over them and `changes` over those."""
        own = dict(self._named.settings) if self._named else {}
        given = {k: v for k, v in changes.items() if v is not None}
        return TuningSettings.from_dict(TuningSettings().to_dict() | own | given)

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
          observer: told of progress, in place of the session's.
          **settings: fields of `TuningSettings`.
        """
        found = self.task(task)
        chosen = self.settings(**settings)
        # Before the model is opened, which takes long: what cannot be is told at once.
        recipe.check_splits(found)
        if start is None:
            self.plugins.parse_initializer(init)
        with self.plugins.blaming("backend", self._backend):
            tuned = recipe.tune(
                self.model,
                found,
                chosen,
                plugins=self.plugins,
                out=out or self._run_folder(found, chosen, init, start, runs),
                asked=self._place if self._named else None,
                initializer=init,
                start=start,
                resume=out is None if resume is None else resume,
                observer=observer or self.observer,
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
        return self._rank(prompt, metric, prompt.provenance.task)

    def _rank(
        self,
        prompt: SoftPrompt,
        metric: str,
        own_task: str | None,
        hidden: Collection[str] = (),
    ) -> Ranking:
        self._check(prompt)
        with self.plugins.blaming("metric", metric):
            return self.library.rank(
                prompt.array,
                self._metric(metric),
                fingerprint=self.model.fingerprint,
                exclude_task=own_task,
                exclude_ids=hidden,
            )

    def _metric(self, name: str) -> SimilarityMetric:
        """A metric beside the model; the same each time, so that features are kept."""
        if name not in self._metrics:
            self._metrics[name] = self.plugins.metric(name).with_model(self.model)
        return self._metrics[name]

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
          observer: told of progress.
          **settings: of the target's tunings; steps are 100,000 by default (paper 3.1.2).
        """
        found = self.task(target)
        if isinstance(found, Mixture):
            raise WrongUse(f"The target {found.name} is a mixture. Transfer to its tasks instead.")
        if k < 1:
            raise WrongUse(f"-k must be 1 or more, but is {k}.")
        chosen = self.plugins.strategy(strategy) if isinstance(strategy, str) else strategy
        self.plugins.metric(metric)
        recipe.check_splits(found)
        if "steps" not in settings and not (self._named and "steps" in self._named.settings):
            settings["steps"] = TARGET_STEPS
        full = self.settings(**settings)
        blank = np.zeros((full.prompt_length, self.model.width), np.float32)
        entries = self.library.entries()
        hidden = set() if among is None else {entry.id for entry in entries}.difference(among)
        sources, left_out = comparable(
            entries,
            SoftPrompt(blank) if embedding is None else self._embedding(embedding, {}),
            self.model.fingerprint,
            found.name,
            hidden,
        )
        if not sources:  # what the strategy says of it, it says before the target is tuned
            choose(chosen, Ranking(items=(), metric=metric, left_out=left_out), k)
        ran: list[TunedPrompt] = []
        if embedding is None:
            embedding = self.embed(found, runs=out, observer=observer, **settings)
            ran.append(embedding)
        ranking = self._rank(self._embedding(embedding, {}), metric, found.name, hidden)

        def tune_target(
            start: SoftPrompt | None, name: str, steps: int | None = None, /
        ) -> TunedPrompt:
            folder = files.join(out, f"{found.name}-from-{name}") if out else None
            folder = folder or self._run_folder(found, full, SCRATCH, start)
            wanted = full.steps if steps is None else steps_to_ask(folder, steps, full.steps)
            tuned = self.tune(
                found,
                init=SCRATCH,
                start=start,
                out=folder,
                resume=True,
                keep=False,
                observer=observer,
                **(settings | {"steps": wanted}),
            )
            ran.append(tuned)
            return tuned

        def tune_mixture(names: Sequence[str]) -> SoftPrompt:
            tasks = {
                task.name: task
                for member in map(self.task, names)
                for task in (member.tasks if isinstance(member, Mixture) else (member,))
                if task.name != found.name
            }
            # In one order whatever the ranking, so that rankings of the same tasks share it.
            order = sorted(tasks)
            members = *(tasks[name] for name in order), found
            mixed = Mixture(name="+".join([*order, found.name]), tasks=members)
            given = {k: v for k, v in settings.items() if k != "steps"} | dict(mixture or {})
            tuned = self.tune(mixed, keep=False, runs=out, observer=observer, **given)
            ran.append(tuned)
            return tuned.final

        with self.plugins.blaming("strategy", strategy if isinstance(strategy, str) else ""):
            candidates = choose(chosen, ranking, k)
        result = run_candidates(
            found.name, ranking, candidates, self.library, tune_target, tune_mixture, full
        )
        return attrs.evolve(result, runs=tuple(ran))

    def evaluate(
        self,
        prompt: str | SoftPrompt | None,
        task: str | Task | Mixture,
        split: str = recipe.VALIDATION,
        **settings: Any,
    ) -> Evaluation:
        """Scores a prompt (None: no prompt) on a task's split."""
        found = self.task(task)
        recipe.check_splits(found, (split,))
        array = None if prompt is None else self._fitting(prompt).array
        with self.plugins.blaming("backend", self._backend):
            return recipe.evaluate(self.model, array, found, split, self.settings(**settings))

    def predict(
        self, prompt: str | SoftPrompt | None, lines: Sequence[str], **settings: Any
    ) -> list[str]:
        """Decodes greedily for each line of text with a prompt in front."""
        array = None if prompt is None else self._fitting(prompt).array
        with self.plugins.blaming("backend", self._backend):
            return self.model.predict(array, lines, self.settings(**settings))

    def task(self, task: str | Task | Mixture) -> Task | Mixture:
        """A task by name, unless it is one already."""
        if isinstance(task, str):
            # A library names tasks; those that came from a file are only known from before.
            task = self._seen.get(task) or self.plugins.task(task)
        self._seen[task.name] = task
        return task

    def close(self) -> None:
        """Gives the model's memory back."""
        if "model" in self.__dict__:
            self.model.close()

    def _fitting(self, prompt: str | SoftPrompt) -> SoftPrompt:
        found = load_prompt(prompt) if isinstance(prompt, str) else prompt
        self._check(found)
        return found

    def _check(self, prompt: SoftPrompt) -> None:
        check_fits(prompt, width=self.model.width, fingerprint=self.model.fingerprint)

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

    def _run_folder(
        self,
        task: Task | Mixture,
        settings: TuningSettings,
        init: str,
        start: SoftPrompt | None,
        runs: str | None = None,
    ) -> str:
        name = run_name(
            task, settings, model=self.model, backend=self._backend, init=init, start=start
        )
        return files.join(runs or self.runs, name)
