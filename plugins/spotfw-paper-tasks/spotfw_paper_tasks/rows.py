"""Where a data set's rows come from: a bound folder, or TFDS on this machine."""

from __future__ import annotations

import importlib.metadata
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spotfw.errors import SpotError, UnknownName
from spotfw.tasks import bindings
from spotfw.tasks.rows.bound import (
    LOOKED_AT,
    BoundRow,
    Schema,
    UnlabelledRow,
    check_rows,
    describe_columns,
    find_file,
    look_at,
    read_file,
)
from spotfw.tasks.rows.digests import digest_of_values, file_digest
from spotfw.tasks.rows.getting import bind_or_prepare, folder_of_rows
from spotfw.tasks.rows.plain import plain
from spotfw.tasks.rows.prepared import prepared_content
from spotfw.tasks.rows.records import UnusableRow
from spotfw_paper_tasks.dataset import Dataset, Row

AnyRow = BoundRow | UnlabelledRow | UnusableRow


def open_rows(dataset: Dataset, split: str) -> Iterator[AnyRow]:
    """The rows of a split in the data's order, those that cannot be used among them.

    The first rows are read at once, so that what is wrong with the data as a whole is raised
    here and not while a model is trained.

    Raises:
      UnknownName: there is no such split.
      SpotError: the data is not on this machine, or is another data set's.
    """
    if split not in dataset.splits:
        raise UnknownName(f"split of task {dataset.name!r}", split, dataset.splits)
    folder = bound_folder(dataset)
    if folder is None:
        place, rows = Path(dataset.name), _tfds_rows(dataset, split)
    else:
        place, rows = _folder_rows(dataset, split, folder)
    first = list(itertools.islice(rows, LOOKED_AT))
    look_at(first, place, schema(dataset), dataset.name)
    return itertools.chain(first, rows)


def bound_folder(dataset: Dataset) -> Path | None:
    """The folder that is bound to the data set, under its name or a name of TFDS."""
    return bindings.bound(dataset.name, *map(bindings.folder_name, dataset.tfds_names))


def schema(dataset: Dataset) -> Schema:
    """What a row must hold."""
    return Schema(columns=dataset.columns, labels=dataset.labels)


def how_to_get(dataset: Dataset) -> str:
    """What a user does to have the data, as the end of a message."""
    if dataset.published is None:
        return bind_or_prepare(dataset.name, schema(dataset), dataset.tfds_names)
    files = ", ".join(dataset.published.names)
    note = f" ({dataset.published.note.rstrip('.')})" if dataset.published.note else ""
    return (
        f"Get it from {dataset.published.address}{note}, put {files} into a folder, and bind that "
        f"with `spotfw tasks bind {dataset.name} FOLDER`; or bind "
        f"{folder_of_rows(schema(dataset))}."
    )


def _folder_rows(dataset: Dataset, split: str, folder: Path) -> tuple[Path, Iterator[AnyRow]]:
    published = dataset.published
    if published is not None and (path := published.file(folder, split)) is not None:
        return path, check_rows(_numbered(dataset, path, split), path, schema(dataset))
    path = _file(dataset, split, folder)
    if path is not None:
        return path, read_file(path, schema(dataset))
    names = published.file_names(split) if published is not None else ()
    wanted = " or ".join((f"{split}.jsonl", *names))
    raise SpotError(
        f"The folder {folder}, bound to the task {dataset.name!r}, has no {wanted}, so its split "
        f"{split!r} cannot be read. Add that file, or bind another folder with "
        f"`spotfw tasks bind {dataset.name} FOLDER`."
    )


def _file(dataset: Dataset, split: str, folder: Path) -> Path | None:
    """The file of a split in the bound folder, None where it is not there."""
    # Published files come first: some are called train.jsonl too, and lack the labels.
    if dataset.published is not None and (path := dataset.published.file(folder, split)):
        return path
    general = split.partition("_")[0]  # validation_matched: also in validation.jsonl
    return find_file(folder, split, dataset.splits[split].source, general)


def content(dataset: Dataset) -> dict[str, str]:
    """What its examples depend on, as `spotfw.tasks.Task.content` has it."""
    facts = [dataset.name, dataset.labels, list(dataset.metrics), describe_columns(schema(dataset))]
    parts = {
        "definition": digest_of_values(facts),
        "spotfw-paper-tasks": importlib.metadata.version("spotfw-paper-tasks"),
    }
    try:
        folder = bound_folder(dataset)
    except SpotError:
        folder = None  # told when the rows are read
    if folder is None:
        return {**parts, **prepared_content(dataset.tfds_names)}
    files = [path for split in dataset.splits if (path := _file(dataset, split, folder))]
    return {**parts, **{path.name: file_digest(path) for path in files}}


def _numbered(
    dataset: Dataset, path: Path, split: str
) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Rows of a published file with their numbers; another file raises."""
    assert dataset.published is not None
    try:
        for number, row in dataset.published.rows(path, split):
            yield number, row or "it cannot be read"
    except SpotError:
        raise
    except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError) as error:
        what = " ".join(str(error).split())[:200]
        raise SpotError(
            f"The file {path} of the task {dataset.name!r} is not as it was published: "
            f"{type(error).__name__}: {what}. {how_to_get(dataset)}"
        ) from error


def _tfds_rows(dataset: Dataset, split: str) -> Iterator[AnyRow]:
    """Rows of all its TFDS data sets, one after another."""
    if not dataset.tfds_names:
        raise SpotError(
            f"The data of the task {dataset.name!r} is not on this machine: no folder is bound to "
            f"it, and TFDS does not have it. {how_to_get(dataset)}"
        )
    # Opened here and now: absent data raises before anything is done with it.
    opened = [_open_tfds(dataset, name, split) for name in dataset.tfds_names]
    place = Path(f"tfds {', '.join(dataset.tfds_names)}, {split}")
    numbered = enumerate((plain(row) for rows in opened for row in rows), 1)
    return check_rows(iter(numbered), place, schema(dataset))


def _open_tfds(dataset: Dataset, name: str, split: str) -> Any:
    import tensorflow_datasets as tfds

    from spotfw.tasks.seqio.compat import tf  # noqa: F401  (quiets TensorFlow first)

    try:
        builder = tfds.builder(name)
        opened = builder.as_dataset(split=dataset.splits[split].source, shuffle_files=False)
        return tfds.as_numpy(opened)
    except Exception as error:
        what = " ".join(str(error).split())[:200]
        # An AssertionError is how TFDS says that the data is absent; another one is news.
        why = "" if isinstance(error, AssertionError) else f" ({type(error).__name__}: {what})"
        raise SpotError(
            f"The data of the task {dataset.name!r}, split {split!r}, is not on this machine: no "
            f"folder is bound to it, and TFDS cannot give {name}{why}. {how_to_get(dataset)}"
        ) from error


def check_data(dataset: Dataset, split: str) -> None:
    """Reads the beginning of a split.

    Raises:
      SpotError: its data is not there, or is another data set's.
    """
    open_rows(dataset, split)


__all__ = [
    "Row",
    "bound_folder",
    "check_data",
    "content",
    "how_to_get",
    "open_rows",
    "plain",
    "schema",
]
