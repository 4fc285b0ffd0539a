"""Ways to get a task's data, in words."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw.tasks.rows.bound import Schema, describe_columns


def folder_of_rows(schema: Schema) -> str:
    """``a folder that holds train.jsonl and validation.jsonl, each row with the columns ...``.

    A test split is read too where it is there, but nothing needs it.
    """
    columns = describe_columns(schema)
    return (
        f"a folder that holds train.jsonl and validation.jsonl, each row with the columns {columns}"
    )


def bind_or_prepare(task: str, schema: Schema, tfds_names: Iterable[str]) -> str:
    """One sentence: bind a folder of JSONL, or have TFDS prepare its data sets.

    Args:
      task: the name to bind by.
      schema: what rows must hold.
      tfds_names: as `tensorflow_datasets.load` takes them.
    """
    return (
        f"Bind {folder_of_rows(schema)}, with `spotfw tasks bind {task} FOLDER`; or, where there "
        f"is a network, {prepare(tfds_names)}."
    )


def prepare(tfds_names: Iterable[str]) -> str:
    """How TFDS gets data sets, as a part of a sentence."""
    loads = "; ".join(f"t.load('{name}')" for name in tfds_names)
    return (
        f'prepare it once with `python -c "import tensorflow_datasets as t; {loads}"` and name its '
        "folder with the variable TFDS_DATA_DIR if it is not the default one"
    )
