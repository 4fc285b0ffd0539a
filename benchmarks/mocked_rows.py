"""Rows of no data set, of the true schema: for checks of tasks whose data is not at hand."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from spotfw.errors import SpotError
from spotfw.tasks import Task, bindings

#: Rows of each split.
MOCKED = 16


@contextmanager
def mocked(task: Task) -> Iterator[None]:
    """TFDS gives random rows of the true schema; of what it has not, a folder has them."""
    import tensorflow_datasets as tfds

    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # TFDS warns of itself when it is mocked
        if not task.data.startswith("tfds "):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spotfw-")))
            _write_made_up(task, folder)
            parents = os.pathsep.join(
                filter(None, (str(folder), os.environ.get(bindings.VARIABLE)))
            )
            stack.enter_context(mock.patch.dict(os.environ, {bindings.VARIABLE: parents}))
            yield
            return
        policy = tfds.testing.MockPolicy.USE_CODE
        stack.enter_context(tfds.testing.mock_data(num_examples=MOCKED, policy=policy))
        stack.enter_context(_possible_rows())
        yield


@contextmanager
def _possible_rows() -> Iterator[None]:
    """Mocked columns that belong together are made to; see the plugin's `mocked`."""
    from spotfw_paper_tasks import rows as plugin_rows
    from spotfw_paper_tasks.mocked import possible

    opened_before = plugin_rows._open_tfds

    def mended(dataset: Any, name: str, split: str) -> Iterator[Any]:
        rows = opened_before(dataset, name, split)
        return (possible(dataset.name, plugin_rows.plain(row)) for row in rows)

    with mock.patch.object(plugin_rows, "_open_tfds", mended):
        yield


def _write_made_up(task: Task, folder: Path) -> None:
    """JSONL of the columns that a data set of the plugin says it needs, for what TFDS lacks."""
    from spotfw_paper_tasks.families import all_datasets

    dataset = next(d for d in all_datasets() if d.name == task.name)
    (folder / task.name).mkdir()
    random = np.random.RandomState(0)
    for split in dataset.splits:
        lines = [json.dumps(_made_up(dataset, random)) for _ in range(MOCKED)]
        (folder / task.name / f"{split}.jsonl").write_text("\n".join(lines) + "\n")


def _made_up(dataset: Any, random: np.random.RandomState) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column, kind in dataset.columns.items():
        word = (kind if isinstance(kind, str) else kind.__name__).rstrip("?+")
        words = " ".join("".join(random.choice(list("abcde"), 4)) for _ in range(5))
        made = {
            "str": words,
            "text": words,
            "float": float(random.randint(0, 50)) / 10,
            "int": int(random.randint(0, 2)),
            "bool": bool(random.randint(0, 2)),
            "label": int(random.randint(0, max(2, len(dataset.labels)))),
        }
        if word not in made:
            raise SpotError(f"No row of {dataset.name} can be made up: {column} is {word}.")
        row[column] = made[word]
    return row
