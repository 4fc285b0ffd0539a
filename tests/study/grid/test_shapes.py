"""A cell's file of another shape is no result: the cell is done anew."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from spotfw.study.grid import shapes

TUNED: dict[str, Any] = {
    "result": {
        "family": "f",
        "parameters": 10,
        "step": 4,
        "steps": 8,
        "score": 50.0,
        "scores": {"accuracy": 50},
        "folder": "runs/r",
        "embedding": "runs/r/embedding.safetensors",
        "runs": [{"folder": "runs/r", "steps": 8, "wall_seconds": 1.0, "cpu_seconds": 2}],
        "versions": "{}",
    },
    "error": None,
    "traceback": "",
    "created": "2024",
}
SIDE = {"task": "t", "family": "f", "seed": 0, "role": "source", "id": "x", "file": "y"}
COMPARED: dict[str, Any] = {
    "result": {"embeddings": [SIDE, SIDE], "pairs": [[0, 1, 0.5]], "partial": False},
    "error": None,
}


def test_what_is_written_passes() -> None:
    shapes.check(TUNED, "source")
    shapes.check(COMPARED, "similarities")
    shapes.check({"result": None, "error": "no room"}, "source")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("error", 3),
        ("result", None),
        ("result", []),
        ("result.step", "4"),
        ("result.step", -1),
        ("result.steps", True),
        ("result.steps", None),
        ("result.score", None),
        ("result.score", "50"),
        ("result.scores", []),
        ("result.scores.accuracy", "50"),
        ("result.folder", 3),
        ("result.embedding", None),
        ("result.source_id", 3),
        ("result.runs", {}),
        ("result.runs", [3]),
        ("result.runs", [{"folder": "r"}]),
        ("result.runs", [{"folder": "r", "wall_seconds": 1, "cpu_seconds": 1}]),
        ("result.partial", "yes"),
    ],
)
def test_another_shape_of_a_tuning(path: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"its|neither"):
        shapes.check(changed(TUNED, path, value), "source")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("result.embeddings", None),
        ("result.embeddings", [3, 4]),
        ("result.embeddings", [{**SIDE, "seed": "0"}, SIDE]),
        ("result.pairs", [[0, 1]]),
        ("result.pairs", [[0, 2, 0.5]]),
        ("result.pairs", [[-1, 0, 0.5]]),
        ("result.pairs", [[0, 1, "0.5"]]),
    ],
)
def test_another_shape_of_a_comparison(path: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"its|pair"):
        shapes.check(changed(COMPARED, path, value), "similarities")


def changed(record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(record)
    place = made
    *heads, last = path.split(".")
    for head in heads:
        place = place[head]
    place[last] = value
    return made
