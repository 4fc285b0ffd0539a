"""What a session would tune: looked at, but not begun, so that it can be tuned beside others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from spotfw import files
from spotfw.config import TARGET_STEPS, TuningSettings
from spotfw.errors import WrongUse
from spotfw.library import Library
from spotfw.library.retrieval import comparable
from spotfw.plugins import Plugins
from spotfw.prompts import SoftPrompt
from spotfw.ranking import Ranking
from spotfw.recipe.asked import Place, place_of, prompt_of, task_of
from spotfw.recipe.begun import as_begun
from spotfw.recipe.candidates import Choose, TransferResult
from spotfw.recipe.evaluation import check_splits
from spotfw.recipe.rounds import Rounds
from spotfw.recipe.run_folder import RECORD, refuse_used
from spotfw.recipe.transfer import Transfer, required
from spotfw.recipe.tuned import Observer, Tuning
from spotfw.recipe.workbench import Workbench
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import pinned

T = TypeVar("T")

Strategy = str | Choose


class Plans:
    """The part of a session that makes plans; `Session` opens it.

    Attributes:
      plugins: what is installed.
      runs: folder for the runs whose place is not given.
      observer: hears of the progress of every tuning.
    """

    plugins: Plugins
    runs: str
    observer: Observer | None
    _bench: Workbench
    _library: Library | None
    _seen: dict[str, Task | Mixture]

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

    def task(self, task: Place | Task | Mixture) -> Task | Mixture:
        """A task by name, unless it is one already."""
        task = task_of(task)
        if isinstance(task, str):
            # A library names tasks; those that came from a file are only known from before.
            task = self._seen.get(task) or self.plugins.task(task)
        self._seen[task.name] = task
        return task

    def tuning(
        self,
        task: Place | Task | Mixture,
        *,
        init: str = "sampled_vocab",
        start: SoftPrompt | None = None,
        out: Place | None = None,
        runs: Place | None = None,
        resume: bool | None = None,
        observer: Observer | None = None,
        by_hand: Collection[str] | None = None,
        **settings: Any,
    ) -> Tuning:
        """What `Session.tune` would tune with these arguments.

        Raises:
          SpotError: the task's data or the settings cannot be used.
        """
        resolved, chosen = self.task(task), self.settings(**settings)
        # Before the model is opened, which takes long.
        check_splits(resolved)
        out = None if out is None else place_of(out)
        if out is not None:
            refuse_used(out, resume=bool(resume))
            if resume:
                chosen = as_begun(files.join(out, RECORD), chosen, settings)
        resolved = pinned(resolved)
        if start is None:
            self.plugins.parse_initializer(init)
        else:
            start = prompt_of(start)
        chosen = self._bench.fitted(chosen, resolved, settings if by_hand is None else by_hand)
        runs = place_of(runs or self.runs)
        return Tuning(
            task=resolved,
            settings=chosen,
            out=out or self._bench.run_folder(runs, resolved, chosen, init, start),
            initializer=init,
            start=start,
            resume=out is None if resume is None else resume,
            observer=observer or self.observer,
        )

    def transfer_rounds(
        self,
        target: Place | Task,
        strategy: Strategy = "best_of_top_k",
        k: int = 3,
        metric: str = "per_token_cosine",
        *,
        embedding: SoftPrompt | None = None,
        mixture: Mapping[str, Any] | None = None,
        among: Collection[str] | None = None,
        out: Place | None = None,
        observer: Observer | None = None,
        by_hand: Collection[str] | None = None,
        **settings: Any,
    ) -> Rounds[TransferResult]:
        """What `Session.transfer` would do with these arguments, as a plan of its tunings.

        Raises:
          SpotError: the target's data, the library or the settings cannot be used.
        """
        settings.setdefault("steps", self.target_steps)
        mixed = {k: v for k, v in settings.items() if k != "steps"} | dict(mixture or {})
        task = pinned(self.task(target))
        out = None if out is None else place_of(out)
        chosen, mixing = self.settings(**settings), self.settings(**mixed)
        for where in [] if out is None else _begun(out, f"{task.name}-from-"):
            chosen = as_begun(where, chosen, settings)
            mixing = as_begun(where, mixing, mixed)
        transfer = Transfer(
            bench=self._bench,
            library=self._sources,
            target=task,
            strategy=strategy,
            k=k,
            metric=metric,
            settings=chosen,
            mixture=mixing,
            find_task=self.task,
            among=among,
            out=out,
            runs=self.runs,
            observer=observer or self.observer,
            by_hand=set(mixed) if by_hand is None else by_hand,
        )
        return transfer.rounds(embedding)

    def ranking(
        self,
        target: Place | Task,
        metric: str,
        *,
        embedding: SoftPrompt,
        among: Collection[str] | None = None,
        by_hand: Collection[str] = (),
        **settings: Any,
    ) -> Ranking:
        """What `transfer_rounds` would choose from with these arguments.

        Raises:
          SpotError: the target's data, the library or the settings cannot be used.
        """
        task = pinned(self.task(target))
        if isinstance(task, Mixture):
            raise WrongUse(f"The target {task.name} is a mixture. Rank for its tasks instead.")
        settings.setdefault("steps", self.target_steps)
        library = required(self._sources)
        entries = library.entries()
        hidden = set[str]() if among is None else {e.id for e in entries}.difference(among)
        return self._bench.rank(
            embedding,
            metric,
            library,
            entries,
            target=task,
            settings=self._bench.fitted(self.settings(**settings), task, by_hand),
            exclude_task=task.name,
            exclude_ids=hidden,
        )

    def _ranking_of_nothing(self, task: Task | Mixture, metric: str, length: int) -> Ranking | None:
        """The ranking for which a target need not be tuned; None where there are prompts."""
        library, model = required(self._sources), self._bench.model
        shape = length, model.width
        sources, left_out = comparable(library.entries(), shape, model.fingerprint, task.name)
        if sources:
            return None
        own = self._bench.released
        hint = "Name another library, or learn prompts on this model first."
        if own is not None and own.folder != library.folder:
            hint = f"The model comes with a library: name it by --library {own.name}."
        note = f"It is the library {library.name}, and {task.name} is not tuned for it. {hint}"
        return Ranking(items=(), metric=metric, query=task.name, left_out=left_out, notes=(note,))

    def carry_out(self, plan: Rounds[T]) -> T:
        """Tunes what a plan asks for, a round side by side, and gives its result."""
        return self._bench.carry_out(plan)


def _begun(folder: str, prefix: str) -> list[str]:
    """The record of a run in the folder whose name begins so, if there is one."""
    records = [
        files.join(folder, name, RECORD)
        for name in sorted(files.list_names(folder))
        if name.startswith(prefix)
    ]
    return [where for where in records if files.exists(where)][:1]
