"""A library of prompts: each entry a task embedding (the key) and the best prompt (the value).

The folder, local or in a bucket, holds ordinary prompt files named by the hash of their
bytes and never overwritten. An entry is a value whose provenance names its key, written
after it: a writer killed in between leaves no half entry, and any number of processes
may add at once. `index.json` only saves reading headers; it is made anew from the files
wherever it does not agree with them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from itertools import starmap
from typing import Any

import attrs
import numpy as np

from spotfw import files
from spotfw.contracts import Array, SimilarityMetric
from spotfw.errors import BrokenPart, SpotError, UnknownName, WrongUse
from spotfw.library_index import (
    ITSELF,
    KEY,
    Entry,
    Summary,
    as_entry,
    read_index,
    save_index,
    summarize,
)
from spotfw.prompts import SoftPrompt, check_fits, pack_prompt, unpack_prompt
from spotfw.ranking import Ranked, Ranking, in_order

__all__ = ["Entry", "Library", "Problem", "Ranked", "Ranking"]

SUFFIX = ".safetensors"
INDEX = "index.json"
#: Hexadecimal digits of an id, the first of its file's SHA-256.
ID_LENGTH = 16


@attrs.frozen
class Problem:
    """What `Library.verify` found: a file's name and what is wrong with it."""

    name: str
    what: str


class Library:
    """A folder of prompts.

    Args:
      folder: local or ``gs://``; made by the first `add`.
    """

    def __init__(self, folder: files.PathLike) -> None:
        self.folder = os.fspath(folder)
        # By the metric's identity, and the metric itself so that this stays its own.
        self._features: dict[int, tuple[SimilarityMetric, dict[str, Any]]] = {}

    def __repr__(self) -> str:
        return f"Library({self.folder!r})"

    def path(self, id: str) -> str:
        """Where the file of an id stands."""
        return files.join(self.folder, id + SUFFIX)

    def add(self, best: SoftPrompt, embedding: SoftPrompt | None = None) -> str:
        """Adds an entry and returns its id; adding the same again changes nothing.

        Args:
          best: the value: the prompt to start targets from.
          embedding: the key: the early checkpoint that stands for the task; by default
            `best` is its own key.

        Raises:
          SpotError: the two do not fit together, or the folder cannot be written.
        """
        key = ITSELF
        if embedding is not None:
            fingerprint = best.provenance.fingerprint
            check_fits(
                embedding,
                width=best.width,
                length=best.length,
                fingerprint=fingerprint,
                name="The task embedding",
            )
            if embedding.provenance.fingerprint != fingerprint:
                raise SpotError(
                    "The task embedding and the best prompt do not name the same frozen model. "
                    "Give two checkpoints of one tuning."
                )
            key = self._write(_marked(embedding, None))
        return self._write(_marked(best, key))

    def entries(
        self,
        *,
        task: str | None = None,
        family: str | None = None,
        seed: int | None = None,
        fingerprint: str | None = None,
    ) -> list[Entry]:
        """The entries that agree with all that is not None, by task, seed and id."""
        wanted = {"task": task, "family": family, "seed": seed, "fingerprint": fingerprint}
        found = [
            entry
            for entry in starmap(as_entry, self._summaries().items())
            if entry is not None
            and all(v is None or getattr(entry.provenance, k) == v for k, v in wanted.items())
        ]

        def order(entry: Entry) -> tuple[str, int, str]:
            origin = entry.provenance
            return origin.task or "", -1 if origin.seed is None else origin.seed, entry.id

        return sorted(found, key=order)

    def get(self, id: str) -> Entry:
        """The entry of an id, or of the beginning of one.

        Raises:
          UnknownName: there is none.
          WrongUse: several begin so.
        """
        entries = self.entries()
        found = [e for e in entries if e.id == id] or [
            e for e in entries if id and e.id.startswith(id)
        ]
        if not found:
            raise UnknownName(f"prompt in {self.folder}", id, [e.id for e in entries])
        if len(found) > 1:
            raise WrongUse(f"{len(found)} prompts of {self.folder} begin with {id!r}: write more.")
        return found[0]

    def best(self, id: str) -> SoftPrompt:
        """The value of an entry: the prompt to start from."""
        return self._read(self.get(id).id)

    def embedding(self, id: str) -> SoftPrompt:
        """The key of an entry: its task embedding."""
        return self._read(self.get(id).embedding_id)

    def rank(
        self,
        query: SoftPrompt | Array,
        metric: SimilarityMetric,
        fingerprint: str | None = None,
        *,
        exclude_task: str | None = None,
        exclude_ids: Collection[str] = (),
        name: str = "",
    ) -> Ranking:
        """Ranks the entries by how alike their task embeddings are to the query.

        Only entries of the same frozen model, length and width are compared.

        Args:
          query: the target's task embedding, [L, E].
          metric: what compares.
          fingerprint: of the frozen model, by default the query's own; entries that name
            no model are compared with queries that name none.
          exclude_task: leaves out this task's prompts, e.g. the target's own.
          exclude_ids: leaves out these entries.
          name: of the query, for printing.

        Raises:
          SpotError: a file is damaged, or the metric gives something else than numbers.
        """
        if not isinstance(query, SoftPrompt):
            query = SoftPrompt(query)
        fingerprint = fingerprint or query.provenance.fingerprint
        left_out: dict[str, int] = {}
        chosen = []
        for entry in self.entries():
            why = _mismatch(entry, query, fingerprint, exclude_task, exclude_ids)
            if why:
                left_out[why] = left_out.get(why, 0) + 1
            else:
                chosen.append(entry)
        similarities = self._compare(query.array, metric, chosen)
        items = in_order(
            Ranked(
                rank=0,
                id=entry.id,
                task=entry.provenance.task,
                family=entry.provenance.family,
                seed=entry.provenance.seed,
                similarity=float(similarity),
                score=entry.provenance.score,
            )
            for entry, similarity in zip(chosen, similarities, strict=True)
        )
        return Ranking(items=items, metric=metric.name, query=name, left_out=left_out)

    def verify(self) -> list[Problem]:
        """Reads every file and says what is wrong; an empty list is a sound library."""
        found: dict[str, Summary] = {}
        problems = []
        for id in self._ids():
            try:
                found[id] = summarize(self._read(id))
            except SpotError as error:
                problems.append(Problem(id + SUFFIX, str(error)))
        entries = [e for e in starmap(as_entry, found.items()) if e is not None]
        for entry in entries:
            key = found.get(entry.embedding_id)
            if key is None:
                what = f"its task embedding {entry.embedding_id} is missing or damaged"
                problems.append(Problem(entry.id + SUFFIX, what))
            elif (key["length"], key["width"]) != (entry.length, entry.width):
                problems.append(Problem(entry.id + SUFFIX, "its task embedding has another shape"))
        used = {e.embedding_id for e in entries} | {e.id for e in entries}
        for id in sorted(set(found) - used):
            what = "belongs to no entry: a writer was stopped, or it was put here by hand"
            problems.append(Problem(id + SUFFIX, what))
        return sorted(problems, key=lambda p: p.name)

    def rebuild_index(self) -> None:
        """Writes `index.json` anew from the files."""
        save_index(self._index_path, {id: summarize(self._read(id)) for id in self._ids()})

    def _write(self, prompt: SoftPrompt) -> str:
        data = pack_prompt(prompt)
        id = hashlib.sha256(data).hexdigest()[:ID_LENGTH]
        if files.exists(self.path(id)):
            self._read(id)  # refuses a damaged one, which adding again must not hide
        else:
            files.write_atomically(self.path(id), data)
        return id

    def _read(self, id: str) -> SoftPrompt:
        """Reads a file and checks that its bytes are those it is named by."""
        path = self.path(id)
        data = files.read_bytes(path)
        if hashlib.sha256(data).hexdigest()[:ID_LENGTH] != id:
            raise SpotError(
                f"The library's file {path} is not what was added: its content does not match "
                "its name. Remove it and add the prompt again."
            )
        return unpack_prompt(data, path)

    def _ids(self) -> list[str]:
        names = files.list_names(self.folder)
        return [n.removesuffix(SUFFIX) for n in names if n.endswith(SUFFIX)]

    def _summaries(self) -> dict[str, Summary]:
        return read_index(self._index_path, self._ids(), self._read)

    @property
    def _index_path(self) -> str:
        return files.join(self.folder, INDEX)

    def _compare(
        self, query: Array, metric: SimilarityMetric, chosen: list[Entry]
    ) -> np.ndarray[Any, Any]:
        """Similarities [N]; features of a file are computed once, since files never change."""
        if not chosen:
            return np.zeros(0)
        _, features = self._features.setdefault(id(metric), (metric, {}))
        for key in {entry.embedding_id for entry in chosen} - set(features):
            features[key] = metric.features(self._read(key).array)
        stack = np.stack([features[entry.embedding_id] for entry in chosen])
        similarities = np.asarray(metric.compare(metric.features(query), stack))
        if similarities.shape != (len(chosen),) or not np.isfinite(similarities).all():
            raise BrokenPart(
                f"The metric {metric.name!r} gave {similarities!r:.100} for {len(chosen)} prompts "
                "where one finite number each was expected. Mend its compare or features."
            )
        return similarities


def _marked(prompt: SoftPrompt, key: str | None) -> SoftPrompt:
    """The prompt as the library keeps it: a value that names its key, or a mere key."""
    extra = {k: v for k, v in prompt.provenance.extra.items() if k != KEY}
    if key is not None:
        extra[KEY] = key
    return attrs.evolve(prompt, provenance=attrs.evolve(prompt.provenance, extra=extra))


def _mismatch(
    entry: Entry,
    query: SoftPrompt,
    fingerprint: str | None,
    task: str | None,
    ids: Collection[str],
) -> str | None:
    """Why an entry is not compared with the query, or None."""
    if entry.provenance.fingerprint != fingerprint:
        return "of another model"
    if (entry.length, entry.width) != (query.length, query.width):
        return "of another length"
    if task is not None and entry.provenance.task == task:
        return "of the task itself"
    return "excluded" if entry.id in ids else None
