"""Retrieves sources for a target and tunes the target from them (paper 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import attrs
import numpy as np

from spotfw import files
from spotfw.config import TuningSettings
from spotfw.contracts import Candidate
from spotfw.errors import WrongUse
from spotfw.library import Entry, Library
from spotfw.library.retrieval import comparable
from spotfw.prompts import SoftPrompt
from spotfw.ranking import Ranking
from spotfw.recipe.candidates import (
    Choose,
    Outcome,
    TransferResult,
    average,
    choose,
    run_candidates,
)
from spotfw.recipe.evaluation import check_splits
from spotfw.recipe.metrics import metrics_named, needs_embedding
from spotfw.recipe.rounds import Rounds, listening, one_round
from spotfw.recipe.tuned import Observer, TunedPrompt, Tuning
from spotfw.recipe.workbench import SCRATCH, Workbench
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import pinned

__all__ = [
    "Outcome",
    "Transfer",
    "TransferResult",
    "average",
    "choose",
    "run_candidates",
]


def required(library: Library | None) -> Library:
    """The prompt library.

    Raises:
      WrongUse: there is none.
    """
    if library is None:
        raise WrongUse("This needs a prompt library. Name its folder with --library DIR.")
    return library


def check_k(k: object) -> None:
    """Refuses a number of sources that is none.

    Raises:
      WrongUse: it is no whole number, or below 1.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise WrongUse(f"-k must be a whole number of 1 or more, but is {k!r:.80}.")


class Transfer:
    """The transfer to one target. What can be looked at without the model is, at once.

    Args:
      bench: the frozen model to tune on, not opened before `run`.
      library: of the sources; listed once, now. A session may have none, which is refused.
      target: the task.
      strategy: ``NAME[:key=value,...]``, or a function of (ranking, k) that gives candidates.
      k: how many sources the strategy may use.
      metric: name of a similarity metric, or several joined by ``+``.
      settings: of the target's tunings.
      mixture: settings of tuning on a mixture, where the strategy asks for one.
      find_task: the task or mixture of a name.
      among: ids of the entries that may be chosen, None for all.
      out: folder for all runs; without it each has a folder of its own name below `runs`.
      runs: see `out`.
      observer: hears of the progress of every tuning.
      by_hand: names of settings that were chosen and stay, though they are short for a task.

    Attributes:
      ranking: the sources, once `run` has ranked them.
      tuned: every tuning done, in order.

    Raises:
      WrongUse: the target is a mixture, `k` is below 1, there is no such strategy or metric, or
        no library.
      SpotError: the target's data cannot be used.
    """

    def __init__(
        self,
        *,
        bench: Workbench,
        library: Library | None,
        target: Task | Mixture,
        strategy: str | Choose,
        k: int,
        metric: str,
        settings: TuningSettings,
        mixture: TuningSettings,
        find_task: Callable[[str], Task | Mixture],
        among: Collection[str] | None = None,
        out: str | None = None,
        runs: str = "runs",
        observer: Observer | None = None,
        by_hand: Collection[str] = (),
    ) -> None:
        if isinstance(target, Mixture):
            raise WrongUse(f"The target {target.name} is a mixture. Transfer to its tasks instead.")
        check_k(k)
        if not isinstance(strategy, str) and not callable(strategy):
            raise WrongUse(
                f"A strategy is a name, or a function of (ranking, k), but is {strategy!r:.80}."
            )
        if isinstance(among, str):
            raise WrongUse(f"The ids to choose among are a list, but {among!r:.80} was given.")
        plugins = bench.plugins
        self.target = target
        self.settings = settings
        self.ranking: Ranking | None = None
        self.tuned: list[TunedPrompt] = []
        self._bench = bench
        self._strategy = strategy if isinstance(strategy, str) else ""
        self._choose = plugins.strategy(strategy) if isinstance(strategy, str) else strategy
        self._k = k
        self._metric = metric
        self._mixture = mixture
        self._find_task = find_task
        self._out, self._runs = out, runs
        self._observer = observer
        self._by_hand = by_hand
        metrics_named(plugins, metric)
        plugins.parse_initializer(SCRATCH)
        check_splits(target)
        self._library = required(library)
        self._entries: list[Entry] = self._library.entries()
        self._hidden = (
            set[str]() if among is None else {entry.id for entry in self._entries}.difference(among)
        )

    def run(self, embedding: SoftPrompt | None = None) -> TransferResult:
        """Ranks the sources, chooses, tunes from each choice, keeps the best.

        Args:
          embedding: of the target; None tunes the target to its embedding step first.

        Raises:
          SpotError: no source can be chosen, or a tuning fails.
        """
        return self._bench.carry_out(self.rounds(embedding))

    def rounds(self, embedding: SoftPrompt | None = None) -> Rounds[TransferResult]:
        """What `run` does, as a plan that can be carried out beside others."""
        return listening(self._rounds(embedding), self.tuned.append)

    def _rounds(self, embedding: SoftPrompt | None) -> Rounds[TransferResult]:
        self._refuse_without_sources(embedding)
        self.settings = self._bench.fitted(self.settings, self.target, self._by_hand)
        if embedding is None and needs_embedding(self._bench.plugins, self._metric):
            (early,) = yield from one_round([self._embedding_tuning()])
            embedding = early.embedding
        ranking = self.ranking = self._bench.rank(
            embedding,
            self._metric,
            self._library,
            self._entries,
            target=self.target,
            settings=self.settings,
            exclude_task=self.target.name,
            exclude_ids=self._hidden,
        )
        result = yield from run_candidates(
            self.target.name,
            ranking,
            self._candidates(ranking),
            self._best,
            self.target_tuning,
            self.mixture_tuning,
            self.settings,
        )
        return attrs.evolve(result, runs=tuple(self.tuned))

    def target_tuning(
        self, start: SoftPrompt | None, name: str, steps: int | None = None, /
    ) -> Tuning:
        """The target's tuning from a prompt (None: from scratch), to so many steps or to the end.

        Args:
          start: the prompt.
          name: a short one that keeps its run apart, where there is a folder for all runs.
          steps: None for all; a run that has done more already is given as it is.
        """
        folder = files.join(self._out, f"{self.target.name}-from-{name}") if self._out else None
        folder = folder or self._folder(self.target, self.settings, SCRATCH, start)
        tuning = self._tuning(self.target, self.settings, SCRATCH, folder, start)
        return attrs.evolve(tuning, until=steps)

    def mixture_tuning(self, names: Sequence[str]) -> Tuning:
        """The tuning on source tasks and the target, mixed."""
        tasks = {
            task.name: task
            for member in map(self._find_task, names)
            for task in (member.tasks if isinstance(member, Mixture) else (member,))
            if task.name != self.target.name
        }
        # In one order whatever the ranking, so that rankings of the same tasks share it.
        order = sorted(tasks)
        members = *(tasks[name] for name in order), self.target
        mixed = Mixture(name="+".join([*order, self.target.name]), tasks=members)
        check_splits(mixed)
        fixed = pinned(mixed)
        settings = self._bench.fitted(self._mixture, fixed, self._by_hand)
        folder = self._folder(fixed, settings, "sampled_vocab")
        return self._tuning(fixed, settings, "sampled_vocab", folder)

    def _embedding_tuning(self) -> Tuning:
        """The target tuned from scratch just to its embedding step (paper 3.1.3)."""
        steps = min(self.settings.embedding_step, self.settings.steps)
        settings = attrs.evolve(self.settings, steps=steps)
        folder = self._folder(self.target, settings, SCRATCH)
        return self._tuning(self.target, settings, SCRATCH, folder)

    def _refuse_without_sources(self, embedding: SoftPrompt | None) -> None:
        """Lets the strategy say what it says of no source before the target is tuned."""
        model, length = self._bench.model, self.settings.prompt_length
        sources, left_out = comparable(
            self._entries,
            (length, model.width) if embedding is None else (embedding.length, embedding.width),
            model.fingerprint,
            self.target.name,
            self._hidden,
        )
        if not sources:
            self._candidates(Ranking(items=(), metric=self._metric, left_out=left_out))

    def _candidates(self, ranking: Ranking) -> Sequence[Candidate]:
        with self._bench.plugins.blaming("strategy", self._strategy):
            return choose(self._choose, ranking, self._k)

    def _best(self, id: str) -> SoftPrompt:
        return self._library.best(id, self._entries)

    def _folder(
        self,
        task: Task | Mixture,
        settings: TuningSettings,
        init: str,
        start: SoftPrompt | None = None,
    ) -> str:
        return self._bench.run_folder(self._out or self._runs, task, settings, init, start)

    def _tuning(
        self,
        task: Task | Mixture,
        settings: TuningSettings,
        init: str,
        folder: str,
        start: SoftPrompt | None = None,
    ) -> Tuning:
        return Tuning(
            task=task,
            settings=settings,
            out=folder,
            initializer=init,
            start=start,
            resume=True,
            observer=self._observer,
        )
