"""Segments while they are built: row by row, or out of others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.library.halves import Floats, halved
from spotfw.library.segment import BFLOAT16, FLOAT32, ROW, Kind, Segment
from spotfw.prompts import SoftPrompt

Ids = npt.NDArray[np.uint64]


@attrs.define(eq=False)
class Draft:
    """A segment that grows."""

    rows: list[tuple[int, int, int, int]] = attrs.field(factory=list)
    vectors: list[Floats] = attrs.field(factory=list)
    kinds: dict[Kind, int] = attrs.field(factory=dict)

    def add(self, id: str, key: str, prompt: SoftPrompt, vector: npt.NDArray[Any]) -> None:
        """An entry: its value's id and prompt, its key's id and vector [D]."""
        origin = prompt.provenance
        kind = origin.fingerprint, origin.model, prompt.length, prompt.width
        place = self.kinds.setdefault(kind, len(self.kinds))
        self.rows.append((int(id, 16), int(key, 16), task_hash(origin.task), place))
        self.vectors.append(np.asarray(vector, np.float32))

    def finished(self, precision: str, others: Sequence[int] = ()) -> Segment:
        """The segment; `others` are ids of files that are no entries."""
        width = len(self.vectors[0]) if self.vectors else 0
        vectors = np.stack(self.vectors) if self.vectors else np.zeros((0, 0), np.float32)
        precision = precision if width % 2 == 0 else FLOAT32
        return Segment(
            rows=np.array(self.rows, ROW),
            others=np.array(others, "<u8"),
            kinds=tuple(self.kinds),
            width=width,
            precision=precision,
            vectors=halved(vectors) if precision == BFLOAT16 else vectors,
        )


def merged(segments: Sequence[Segment], there: Ids) -> Segment:
    """Segments of one width and precision as one, without the files that are gone."""
    kinds: dict[Kind, int] = {}
    rows, vectors = [], []
    for segment in segments:
        kept = np.isin(segment.rows["id"], there)
        part = segment.rows[kept]
        if len(part):
            places = [kinds.setdefault(kind, len(kinds)) for kind in segment.kinds]
            part["kind"] = np.array(places, "<u8")[part["kind"]]
        rows.append(part)
        vectors.append(segment.vectors[kept])
    others = np.concatenate([segment.others for segment in segments])
    return attrs.evolve(
        segments[0],
        rows=np.concatenate(rows),
        vectors=np.concatenate(vectors),
        kinds=tuple(kinds),
        others=others[np.isin(others, there)],
    )


def task_hash(task: str | None) -> int:
    """By which rows name their task; 0 for none."""
    return 0 if task is None else int(hashlib.sha256(task.encode()).hexdigest()[:16], 16) or 1
