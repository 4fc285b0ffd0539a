"""The tasks as `export` wrote them, read without TensorFlow."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Array = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Part:
    """Some rows of a task: ids with their end id, the gold label's place (-1: none of them)."""

    inputs: Sequence[Ids]
    targets: Sequence[Ids]
    gold: npt.NDArray[np.int64]
    answers: Sequence[Sequence[str]]
    referent_labels: Sequence[int]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclasses.dataclass(frozen=True)
class TaskData:
    """A task in its role."""

    name: str
    role: str
    facts: Mapping[str, Any]
    train: Part
    select: Part
    report: Part

    @property
    def kind(self) -> str:
        """``labels``, ``number``, ``text``, ``referent`` or ``lm``."""
        return str(self.facts["kind"])

    @property
    def label_ids(self) -> list[list[int]]:
        """Each label's ids with the end id."""
        return list(self.facts["label_ids"])

    def start(self, seed: int, embeddings: Array) -> Array:
        """The prompt a tuning from scratch starts from, float32 [L, E]."""
        rows = [embeddings[p].mean(axis=0, dtype=np.float64) for p in self.facts["first"][seed]]
        return np.asarray(rows, np.float32)


def read_bundle(folder: Path) -> dict[tuple[str, str], TaskData]:
    """All tasks by role and name."""
    facts = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    with np.load(folder / "ids.npz") as arrays:
        data = [_task(key, fact, arrays) for key, fact in facts.items()]
    return {(task.role, task.name): task for task in data}


def _task(key: str, facts: Mapping[str, Any], arrays: Any) -> TaskData:
    role, _, name = key.partition(":")
    sides = {}
    for side in ("input", "target"):
        ends = np.cumsum(arrays[f"{key}:{side}_lengths"].astype(np.int64))
        sides[side] = np.split(arrays[f"{key}:{side}s"].astype(np.int32), ends[:-1])
    places = {tuple(ids): place for place, ids in enumerate(facts["label_ids"])}
    gold = np.array([places.get(tuple(ids.tolist()), -1) for ids in sides["target"]], np.int64)
    parts, first, scored = {}, 0, 0
    for part, count in facts["parts"].items():
        rows = slice(first, first + count)
        also = slice(scored, scored + count) if part != "train" else slice(0, 0)
        parts[part] = Part(
            inputs=sides["input"][rows],
            targets=sides["target"][rows],
            gold=gold[rows],
            answers=facts.get("answers", [])[also],
            referent_labels=facts.get("referent_labels", [])[also],
        )
        first += count
        scored += count if part != "train" else 0
    return TaskData(name=name, role=role, facts=facts, **parts)
