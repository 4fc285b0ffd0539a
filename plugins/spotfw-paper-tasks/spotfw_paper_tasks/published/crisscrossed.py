"""Crisscrossed Captions' STS ratings, joined with the captions of MS-COCO.

The ratings name captions by number (``COCO_val2014:sentid:190268``); the texts are
MS-COCO's. They are read from Karpathy's ``dataset_coco.json``, which the authors use, or
from MS-COCO's own ``captions_val2014.json``: the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spotfw.errors import SpotError
from spotfw.tasks.rows.records import csv_records
from spotfw_paper_tasks.dataset import Row
from spotfw_paper_tasks.published.json_elements import elements

KARPATHY = "dataset_coco.json"
COCO = "captions_val2014.json"
ADDRESS = "https://github.com/google-research-datasets/Crisscrossed-Captions"

_RATED = ("caption1", "caption2", "agg_score")


def rows(path: Path) -> Iterator[Row]:
    """``{"caption1", "caption2", "agg_score"}`` for each line of ``sts_val.csv`` and the like.

    A caption that is not found and a score that is no number are left out of their row.

    Raises:
      SpotError: a file cannot be read, is not what its name says, or is absent.
    """
    ratings = list(_ratings(path))
    wanted = {n for rating in ratings for n in rating[:2] if n is not None}
    captions = _captions(path.parent, wanted)
    for first, second, score in ratings:
        row = {"caption1": captions.get(first), "caption2": captions.get(second)}
        yield {k: v for k, v in {**row, "agg_score": score}.items() if v is not None}


def _ratings(path: Path) -> Iterator[tuple[int | None, int | None, float | None]]:
    def check_header(names: list[str]) -> None:
        if not set(_RATED) <= set(names):
            raise SpotError(
                f"The file {path} has the columns {', '.join(names)}, not {', '.join(_RATED)}. "
                f"Take the file of this name from {ADDRESS}, without _raw in it."
            )

    try:
        with path.open("rb") as stream:
            for _, record in csv_records(stream, tabs=False, columns=(), check_header=check_header):
                if isinstance(record, str):
                    yield None, None, None
                else:
                    first, second, score = (record[name] for name in _RATED)
                    yield _number(first), _number(second), _score(score)
    except OSError as error:
        raise SpotError(
            f"The file {path} cannot be read: {error.strerror or error}. Check the folder."
        ) from error


def _number(caption: str) -> int | None:
    """``COCO_val2014:sentid:190268`` -> 190268."""
    number = caption.rpartition(":")[2]
    return int(number) if number.isascii() and number.isdecimal() else None


def _score(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _captions(folder: Path, wanted: set[int]) -> Mapping[int | None, str]:
    """The texts of the captions wanted, by number."""
    if (path := folder / KARPATHY).is_file():
        captions = (
            (sentence.get("sentid"), sentence.get("raw"))
            for image in elements(path, "images")
            for sentence in _dictionaries(image, "sentences")
        )
    elif (path := folder / COCO).is_file():
        captions = (
            (entry.get("id"), entry.get("caption"))
            for entry in elements(path, "annotations")
            if isinstance(entry, dict)
        )
    else:
        raise SpotError(
            f"The folder {folder} has CxC's ratings but not the captions they are about. Put "
            f"Karpathy's {KARPATHY} (https://cs.stanford.edu/people/karpathy/deepimagesent) or "
            f"MS-COCO's {COCO} (https://cocodataset.org) beside them."
        )
    return {
        number: text.strip()
        for number, text in captions
        if isinstance(number, int) and number in wanted and isinstance(text, str)
    }


def _dictionaries(holder: Any, key: str) -> Iterator[dict[str, Any]]:
    listed = holder.get(key) if isinstance(holder, dict) else None
    yield from (item for item in listed or () if isinstance(item, dict))
