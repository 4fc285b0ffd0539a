"""Data sets that TFDS has prepared on this machine, found without importing TFDS."""

from __future__ import annotations

import os
from pathlib import Path

from spotfw.tasks.rows.digests import file_digest


def prepared_folder(name: str) -> Path | None:
    """The folder of a TFDS data set, ``glue/mnli:2.0.0``, where it is prepared."""
    builder, _, version = name.partition(":")
    home = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    if "://" in home:
        return None  # a look at it would not be cheap
    folder = Path(home).expanduser() / builder / version
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def prepared_content(names: tuple[str, ...]) -> dict[str, str]:
    """What tells one state of TFDS's data sets from another, for a task's `content`.

    The name has the version; where the data set is prepared, TFDS's own account of its files
    (``dataset_info.json``) counts too.
    """
    parts = {}
    for name in names:
        folder = prepared_folder(name)
        info = "" if folder is None else file_digest(folder / "dataset_info.json")
        parts[f"tfds {name}"] = info or "not prepared here"
    return parts
