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

#: Seconds between lines where the number of rows is not known.
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
    for name in [split] if split else every:
        with _perhaps_absent(name, split):
            shown += preview(task, name, count, pieces)
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

    rows = []
    for member in (task,) if isinstance(task, Task) else task.tasks:
        for survey in surveys(member, split, pieces):
            if len(survey):
                sides = zip(
                    ("inputs", "targets"), (survey.inputs, survey.targets), limits, strict=True
                )
                facts = {
                    side: {**length_facts(counted, limit), "unknown": survey.unknown[side]}
                    for side, counted, limit in sides
                }
                place = {"task": member.name, "split": survey.split}
                rows.append({**place, "rows": len(survey), **facts})
    return rows


def surveys(task: Task, split: str | None, pieces: Any = None) -> Iterator[Survey]:
    """Looks through every split, or a single one, and shows the progress."""
    from spotfw.tasks.survey import survey

    for name in [split] if split else list(task.splits) or list(NEEDED):
        with (
            _perhaps_absent(name, split),
            _counting(f"{task.name} {name}", task.splits.get(name)) as progress,
        ):
            yield survey(task, name, pieces, progress)


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
    """Skips a split that is absent, with a note, unless it was asked for or a tuning needs it."""
    from spotfw.cli.display import note
    from spotfw.errors import SpotError

    try:
        yield
    except SpotError as error:
        if asked is not None or split is None or split in NEEDED:
            raise
        note(f"The split {split!r} is skipped: {str(error).partition('. ')[0]}.")


@contextmanager
def _counting(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from spotfw.cli.display import Progress, note

    # In a log, a count beside the published total would look like rows that were lost.
    if total is not None and sys.stderr.isatty():
        # Bound data may have fewer rows than were published, or more.
        with Progress(what, total, unit="examples") as bar:
            shown = 0.0

            def show(done: int) -> None:
                nonlocal shown
                # Opening the data takes time too: the rate counts from the first example.
                shown = shown or time.monotonic()
                if time.monotonic() - shown > 0.2:
                    shown = time.monotonic()
                    bar.update(min(done, total - 1))

            yield show
        return
    written = time.monotonic()

    def count(done: int) -> None:
        nonlocal written
        if time.monotonic() - written > _EVERY:
            written = time.monotonic()
            note(f"{what}: {done:,} examples so far")

    yield count
