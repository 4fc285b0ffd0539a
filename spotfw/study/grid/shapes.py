"""Whether the file of a cell has the shape that is written: nothing else is taken for a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Of a tuning's result: what must be there, and what may be absent or None.
_TEXTS, _MORE_TEXTS = (
    ("family", "folder", "embedding"),
    ("final", "versions", "chosen", "source_id", "task_digest"),
)
_COUNTS, _MORE_COUNTS = ("step", "steps"), ("parameters", "task_parameters", "candidates")
_SIDE = (("task", str), ("family", str), ("seed", int), ("role", str), ("id", str), ("file", str))


def check(record: Mapping[str, Any], kind: str) -> None:
    """Refuses a record of another shape.

    Args:
      record: the JSON object of a cell's file.
      kind: of the cell.

    Raises:
      ValueError: it is of another shape; the message is a clause that says where.
    """
    for key in ("error", "created", "traceback"):
        _expect(record.get(key), (str, type(None)), key)
    _expect(record.get("content", {}), dict, "content")
    for name, digest in record.get("content", {}).items():
        _expect(digest, str, f"content of {name:.40}")
    result = record.get("result")
    if result is None:
        if not record.get("error"):
            raise ValueError("it has neither a result nor an error")
        return
    _expect(result, dict, "result")
    _expect(result.get("partial"), (bool, type(None)), "partial")
    if kind == "similarities":
        _check_similarities(result)
    else:
        _check_tuning(result)


def _check_tuning(result: Mapping[str, Any]) -> None:
    for key in _TEXTS:
        _expect(result.get(key), str, key)
    for key in _MORE_TEXTS:
        _expect(result.get(key), (str, type(None)), key)
    for key in _MORE_COUNTS:
        _expect(result.get(key), (int, type(None)), key)
    for key in _COUNTS:
        _expect(result.get(key), int, key)
        if result[key] < 0:
            raise ValueError(f"its {key} is below zero")
    _expect(result.get("score"), (int, float), "score")
    _expect(result.get("scores", {}), dict, "scores")
    for name, value in result.get("scores", {}).items():
        _expect(value, (int, float), f"score {name:.40}")
    _expect(result.get("runs", []), list, "runs")
    for run in result.get("runs", []):
        _expect(run, dict, "runs")
        _expect(run.get("folder"), str, "run's folder")
        _expect(run.get("steps"), int, "run's steps")
        for key in ("wall_seconds", "cpu_seconds"):
            _expect(run.get(key), (int, float), f"run's {key}")


def _check_similarities(result: Mapping[str, Any]) -> None:
    sides, pairs = result.get("embeddings"), result.get("pairs")
    _expect(sides, list, "embeddings")
    _expect(pairs, list, "pairs")
    assert isinstance(sides, list) and isinstance(pairs, list)
    for side in sides:
        _expect(side, dict, "embeddings")
        for key, kind in _SIDE:
            _expect(side.get(key), kind, f"embedding's {key}")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 3:
            raise ValueError("its pairs are not of two places and a number")
        for place in pair[:2]:
            _expect(place, int, "pair's place")
            if not 0 <= place < len(sides):
                raise ValueError("a pair names no embedding")
        _expect(pair[2], (int, float), "similarity")


def _expect(value: Any, kinds: type | tuple[type, ...], what: str) -> None:
    allowed = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ValueError(f"its {what} is {str(value)!r:.40}")
