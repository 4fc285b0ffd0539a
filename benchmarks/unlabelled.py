"""Unlabelled text of the playground as a task, as the paper's C4 prompt has it (2.1.3).

``python -m benchmarks.unlabelled FOLDER`` writes ``train.jsonl`` and ``validation.jsonl``: stories
of the bundled model's world, from a seed of their own, whose first half is read and whose rest is
written. `benchmarks/section2/stories.toml` is the task.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from spotfw.files import write_atomically
from spotfw_playground.corpus import documents

#: Rows of each split, from one stream of stories.
SIZES = {"validation": 100, "train": 1_000}
_SEED = "unlabelled task"


def main(arguments: list[str] | None = None) -> None:
    """Writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    rows = _rows(documents(_SEED))
    for split, size in SIZES.items():
        lines = [json.dumps(row) for row in itertools.islice(rows, size)]
        write_atomically(str(folder / f"{split}.jsonl"), ("\n".join(lines) + "\n").encode())


def _rows(stories: Iterator[str]) -> Iterator[dict[str, str]]:
    for story in stories:
        words = story.split()
        half = len(words) // 2
        if half:
            yield {"prefix": " ".join(words[:half]), "rest": " ".join(words[half:])}


if __name__ == "__main__":
    main()
