"""The vectors of a library's task embeddings on disk, so that a large library is ranked by one
matrix product.

A row is a function of two files whose names are the hash of their content, so that it is right
or, where either file is gone, not used; which files there are is always asked of the folder.
Segments are added as files come, merged when they are many, and made again where they are
damaged. Any number of processes may do so at once.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw import files
from spotfw.contracts import Array
from spotfw.errors import SpotError
from spotfw.library.drafts import Draft, Ids, merged
from spotfw.library.halves import Floats
from spotfw.library.index import ITSELF, KEY
from spotfw.library.segment import (
    BFLOAT16,
    FLOAT32,
    ROW,
    SUFFIX,
    Kind,
    Segment,
    open_segment,
    write_segment,
)
from spotfw.prompts import SoftPrompt

#: Rows of a segment while an index is built: what is held in memory, 48 MiB for a width of 768.
ROWS = 2**14
#: Segments with less than half of that, which are merged once they are more.
_SMALL = 8

_ID = re.compile("[0-9a-f]{16}")

ReadFile = Callable[[str], SoftPrompt | None]


class VectorIndex:
    """One vector for each entry of a library.

    Attributes:
      rows: `ROW` [n]; the place in `kinds` and the task of each also as `places` and `tasks`.
      kinds: of prompts.

    Args:
      folder: of the segments.
      features: the name of what the vectors are.
      compute: gives it of a prompt: [L, E] -> [D].
      precision: that new segments are kept in, ``float32`` or ``bfloat16``.
    """

    def __init__(
        self,
        folder: str,
        features: str,
        compute: Callable[[Array], npt.NDArray[Any]],
        precision: str = FLOAT32,
    ) -> None:
        self.folder = folder
        self.features = features
        self.rows = np.zeros(0, ROW)
        self.kinds: tuple[Kind, ...] = ()
        self._compute = compute
        self.precision = precision
        self._segments: dict[str, Segment] = {}
        self.places = np.zeros(0, np.uint16)
        self.tasks = np.zeros(0, np.uint64)
        self._used = np.zeros(0, bool)
        self._all_used = True

    def __len__(self) -> int:
        return int(self._used.sum())

    @property
    def in_halves(self) -> bool:
        """Whether some vectors are in half precision, whatever new ones are kept in."""
        return any(segment.precision == BFLOAT16 for segment in self._segments.values())

    def refresh(self, ids: Sequence[str], read: ReadFile) -> None:
        """Brings the rows in line with the files that are there.

        Args:
          ids: of all files of the library.
          read: gives the prompt of one, None where it is gone; called for those that no segment
            knows.

        Raises:
          SpotError: a new file is damaged, or an entry's task embedding is or is missing.
        """
        there = _numbers(ids, read)
        self._take_up()
        if self._missing(there):
            with contextlib.ExitStack() as stack:
                with contextlib.suppress(SpotError):  # a folder that may only be read
                    stack.enter_context(files.locked(self.folder))
                for name in self._take_up():  # what another process wrote meanwhile
                    with contextlib.suppress(SpotError):
                        files.remove(files.join(self.folder, name))
                for segment in self._built(self._missing(there), read):
                    self._keep(segment)
                self._merge(there)
        self._join(there)
        lost = self._used & ~np.isin(self.rows["embedding"], there)
        for row in self.rows[lost]:
            _check_key(_name(row["id"]), _name(row["embedding"]), read)
        self._used &= ~lost
        self._all_used = bool(self._used.all())

    def products(self, query: npt.NDArray[Any], *, rough: bool = False) -> Floats:
        """Dot products of a vector [D] with each row's: float32 [rows], -inf where none is used.

        Args:
          rough: as of `Segment.products`.
        """
        products = np.empty(len(self.rows), np.float32)
        start, vector = 0, np.asarray(query, np.float32)
        for segment in self._segments.values():
            part = products[start : start + len(segment.rows)]
            start += len(segment.rows)
            if segment.width == len(vector):
                segment.products(vector, part, rough=rough)
            else:
                part[:] = -np.inf
        if not self._all_used:
            products[~self._used] = -np.inf
        return products

    def vectors_of(self, places: npt.NDArray[np.int64], width: int) -> Floats:
        """The vectors of rows at some places, all of this width D: float32 [places, D]."""
        vectors = np.empty((len(places), width), np.float32)
        start = 0
        for segment in self._segments.values():
            end = start + len(segment.rows)
            here = (places >= start) & (places < end)
            if here.any():
                vectors[here] = segment.vectors_of(places[here] - start)
            start = end
        return vectors

    def similarities(self, query: npt.NDArray[Any]) -> tuple[Ids, Floats]:
        """Ids of task embeddings, sorted, and the dot product of a vector [D] with each's."""
        products = self.products(query)
        known = np.flatnonzero(products > -np.inf)
        ids, first = np.unique(self.rows["embedding"][known], return_index=True)
        return ids, products[known][first]

    def _take_up(self) -> list[str]:
        """Opens the segments that came, and drops those that went; names of damaged ones."""
        damaged = []
        names = [n for n in files.list_names(self.folder) if n.endswith(SUFFIX)]
        for name in set(self._segments) - set(names):
            if not name.startswith("memory"):
                del self._segments[name]
        for name in names:
            if name in self._segments:
                continue
            try:
                segment = open_segment(self.folder, name, self.features)
            except SpotError:
                damaged.append(name)
                continue
            if segment is not None:
                self._segments[name] = segment
        return damaged

    def _keep(self, segment: Segment) -> None:
        """Writes a segment; where that cannot be, it serves this process alone."""
        try:
            name = write_segment(self.folder, segment, self.features)
            opened = open_segment(self.folder, name, self.features)
        except SpotError:
            opened, name = segment, f"memory-{len(self._segments)}"
        if opened is not None:
            self._segments[name] = opened

    def _missing(self, there: Ids) -> list[str]:
        """Files that no segment knows."""
        known = [part for s in self._segments.values() for part in (s.rows["id"], s.others)]
        new = there[~np.isin(there, np.concatenate(known))] if known else there
        return [_name(number) for number in new]

    def _built(self, ids: Iterable[str], read: ReadFile) -> Iterator[Segment]:
        """Segments of files, each as soon as it is full."""
        drafts: dict[int, Draft] = {}
        others: list[int] = []
        for id in ids:
            prompt = read(id)
            if prompt is None:
                continue
            key = prompt.provenance.extra.get(KEY)
            if not isinstance(key, str):
                others.append(int(id, 16))
                continue
            key = id if key == ITSELF else key
            embedding = prompt if key == id else read(key)
            if embedding is None:
                _check_key(id, key, read)
                continue
            vector = self._compute(embedding.array)
            draft = drafts.setdefault(len(vector), Draft())
            draft.add(id, key, prompt, vector)
            if len(draft.rows) == ROWS:
                yield drafts.pop(len(vector)).finished(self.precision)
        for draft in drafts.values():
            yield draft.finished(self.precision, others)
            others = []
        if others:
            yield Draft().finished(FLOAT32, others)

    def _crowded(self, there: Ids) -> list[list[str]]:
        """Names of small segments that are too many, by width and precision."""
        groups: dict[tuple[int, str], list[str]] = {}
        for name, segment in self._segments.items():
            if np.isin(segment.rows["id"], there).sum() < ROWS // 2:
                groups.setdefault((segment.width, segment.precision), []).append(name)
        return [names for names in groups.values() if len(names) > _SMALL]

    def _merge(self, there: Ids) -> None:
        for names in self._crowded(there):
            self._keep(merged([self._segments[name] for name in names], there))
            for name in names:
                self._segments.pop(name)
                with contextlib.suppress(SpotError):
                    files.remove(files.join(self.folder, name))

    def _join(self, there: Ids) -> None:
        """The rows of all segments as one array, and which are of files that are there."""
        kinds: dict[Kind, int] = {}
        parts = [np.zeros(0, ROW)]
        for segment in self._segments.values():
            places = [kinds.setdefault(kind, len(kinds)) for kind in segment.kinds]
            rows = segment.rows.copy()
            rows["kind"] = np.array(places, "<u8")[rows["kind"]] if len(rows) else 0
            parts.append(rows)
        self.kinds = tuple(kinds)
        self.rows = np.concatenate(parts)
        # Columns of their own: a search looks through them.
        self.places = self.rows["kind"].astype(np.uint16)
        self.tasks = self.rows["task"].copy()
        self._used = np.isin(self.rows["id"], there)
        once = np.zeros(len(self.rows), bool)
        once[np.unique(self.rows["id"], return_index=True)[1]] = True  # two may have written it
        self._used &= once


def _check_key(id: str, key: str, read: ReadFile) -> None:
    """Refuses an entry without its task embedding, unless both were removed or are there again."""
    if read(key) is None and read(id) is not None:
        raise SpotError(
            f"The library's prompt {id} has no task embedding: there is no file {key}.safetensors. "
            f"Remove the prompt (`spotfw library remove {id}`) and add it again."
        )


def _numbers(ids: Sequence[str], read: ReadFile) -> Ids:
    """Ids as numbers; a file that is named otherwise is refused as reading it does."""
    numbers = []
    for id in ids:
        if _ID.fullmatch(id):
            numbers.append(int(id, 16))
        else:
            read(id)
    return np.array(numbers, np.uint64)


def _name(number: Any) -> str:
    return f"{int(number):016x}"
