"""Looking into a task's data for ``spotfw tasks``: examples, lengths, counts, with progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from spotfw.tasks import Mixture, Task
    from spotfw.tasks.survey import Survey

#: Splits that a tuning reads; others may be absent.
NEEDED = ("train", "validation")

#: Seconds between lines where nobody knows how many rows there are.
_EVERY = 10.0


def vocabulary(model: str | None, path: str | None) -> Any:
    """The vocabulary of a model or of a file; None where neither is named."""
    if model is None and path is None:
        return None
    if model is None:
        from spotfw.tasks.vocabulary import open_vocabulary_file

        return open_vocabulary_file(str(path))
    from spotfw.plugins import default_plugins
    from spotfw.plugins.models import model_folder

    folder = model_folder(model, default_plugins())

    from spotfw.backends.mesh.folders.vocabulary import model_vocabulary

    return model_vocabulary(folder, path)


def examples(
    task: Task | Mixture, split: str | None, count: int, pieces: Any
) -> list[dict[str, Any]]:
    """The first examples of every split of a task, or of one; of a mixture, of each member."""
    from spotfw.tasks import Task
    from spotfw.tasks.preview import preview

    if not isinstance(task, Task):
        return [e for member in task.tasks for e in preview(member, split, count, pieces)]
    shown: list[dict[str, Any]] = []
    every: list[str | None] = [*task.splits] or [None]
    for one in [split] if split else every:
        with _perhaps_absent(one, split):
            shown += preview(task, one, count, pieces)
    return shown


def lengths(
    task: Task | Mixture, split: str | None, pieces: Any, limits: tuple[int, int]
) -> list[dict[str, Any]]:
    """Token lengths of every split, or of one, and what limits cut.

    Args:
      task: whose; of a mixture, each member's.
      split: which; None for all.
      pieces: the vocabulary that counts.
      limits: of the model's inputs and targets.
    """
    from spotfw.tasks import Task
    from spotfw.tasks.survey import length_facts

    found = []
    for member in (task,) if isinstance(task, Task) else task.tasks:
        for one in surveys(member, split, pieces):
            if len(one):
                sides = zip(("inputs", "targets"), (one.inputs, one.targets), limits, strict=True)
                told = {
                    side: {**length_facts(counted, own), "unknown": one.unknown[side]}
                    for side, counted, own in sides
                }
                found.append({"task": member.name, "split": one.split, "rows": len(one), **told})
    return found


def surveys(task: Task, split: str | None, pieces: Any = None) -> Iterator[Survey]:
    """Looks through every split, or one, telling how far it is."""
    from spotfw.tasks.survey import survey

    for one in [split] if split else list(task.splits) or list(NEEDED):
        with (
            _perhaps_absent(one, split),
            _counting(f"{task.name} {one}", task.splits.get(one)) as progress,
        ):
            yield survey(task, one, pieces, progress)


def training_size(task: Task, at: str) -> tuple[int | None, str]:
    """Training examples of a task: counted where its files are at hand, else as published.

    Returns:
      the count, None where it is not known, and ``counted``, ``published`` or nothing.
    """
    from spotfw.cli.display import note
    from spotfw.errors import SpotError
    from spotfw.tasks.whereabouts import BOUND, FILES

    published = task.training_size
    walk = task.examples or task.walk
    if walk is not None and at in (BOUND, FILES):
        try:
            with _counting(f"{task.name} train", published) as progress:
                number = 0
                for number, _ in enumerate(walk("train"), 1):
                    progress(number)
                return number, "counted"
        except SpotError as error:
            note(f"The examples of {task.name} cannot be counted: {error}")
    return published, "published" if published else ""


@contextmanager
def _perhaps_absent(split: str | None, asked: str | None) -> Iterator[None]:
    """Passes over a split that nobody asked for and no tuning needs, and says so."""
    from spotfw.cli.display import note
    from spotfw.errors import SpotError

    try:
        yield
    except SpotError as error:
        if asked is not None or split is None or split in NEEDED:
            raise
        note(f"The split {split!r} is passed over: {str(error).partition('. ')[0]}.")


@contextmanager
def _counting(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from spotfw.cli.display import Progress, note

    # In a log, a count beside the published total would look like rows that were lost.
    if total is not None and sys.stderr.isatty():
        # Bound data may have fewer rows than were published, or more.
        with Progress(what, total, unit="examples") as bar:
            told = 0.0

            def tell(done: int) -> None:
                nonlocal told
                # Opening the data takes its time too: the rate counts from the first one.
                told = told or time.monotonic()
                if time.monotonic() - told > 0.2:
                    told = time.monotonic()
                    bar.update(min(done, total - 1))

            yield tell
        return
    said = time.monotonic()

    def count(done: int) -> None:
        nonlocal said
        if time.monotonic() - said > _EVERY:
            said = time.monotonic()
            note(f"{what}: {done:,} examples so far")

    yield count
