"""What a library knows of its files without reading them: summaries of their headers."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import attrs

from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.library.headers import (
    INDEX,
    Summary,
    read_document,
    read_shards,
    remove_shards,
    shard_names,
    summarize,
    write_headers,
)
from spotfw.prompts import Provenance, SoftPrompt

#: Where a value's provenance names its key; `ITSELF` when it is its own.
KEY, ITSELF = "embedding_id", "itself"

#: Prompts that an error lists, and digits of the id of each.
_LISTED, _DIGITS = 10, 8


@attrs.frozen(kw_only=True)
class Entry:
    """A prompt of a library.

    Attributes:
      id: of the value, the best prompt of its task.
      embedding_id: of the key, the task embedding.
      length, width: L and E of both.
      provenance: of the value.
    """

    id: str
    embedding_id: str
    length: int
    width: int
    provenance: Provenance

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        own = {k: getattr(self, k) for k in ("id", "embedding_id", "length", "width")}
        return {**own, "provenance": self.provenance.to_dict()}


def as_entry(id: str, summary: Summary) -> Entry | None:
    """The entry of a file, None when it is only a key."""
    key = summary.provenance.extra.get(KEY)
    if not isinstance(key, str):
        return None
    return Entry(
        id=id,
        embedding_id=id if key == ITSELF else key,
        length=summary.length,
        width=summary.width,
        provenance=summary.provenance,
    )


def read_index(
    path: str,
    ids: Iterable[str],
    read: Callable[[str], SoftPrompt | None],
    save: bool = True,
) -> dict[str, Summary]:
    """Summaries of the files, from the index where it has them, else by `read`.

    A file for which `read` gives None is left out. An index that is absent, out of date, or not as
    it was written is made again from the files. Where it cannot be written, or `save` is False, the
    library works without.
    """
    library = path[: -len(INDEX)]
    shards, last = read_shards(library), read_document(path)
    known = dict(last)
    for shard in shards.values():
        known.update(shard)
    summaries = {}
    changed = False
    for id in ids:
        if id in known:
            summaries[id] = known[id]
        elif (prompt := read(id)) is not None:
            summaries[id] = summarize(prompt)
            changed = True
    stale = {n for n, shard in shards.items() if 2 * len(shard.keys() & summaries) <= len(shard)}
    if save and (changed or stale or not last.keys() <= summaries.keys()):
        with contextlib.suppress(SpotError):
            sealed = {id for name in shards.keys() - stale for id in shards[name]}
            documents = {id: summary.document for id, summary in summaries.items()}
            # A damaged document written anew may have its own name again.
            remove_shards(library, stale - write_headers(library, documents, sealed))
    return summaries


def save_index(path: str, documents: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes the index anew.

    Args:
      path: of ``index.json`` in its library.
      documents: `Summary.document` by id.

    Raises:
      SpotError: the folder cannot be written.
    """
    library = path[: -len(INDEX)]
    before = set(shard_names(library))
    remove_shards(library, before - write_headers(library, documents))


def marked(prompt: SoftPrompt, key: str | None) -> SoftPrompt:
    """The prompt as the library keeps it: a value that names its key, or (None) only a key."""
    extra = {k: v for k, v in prompt.provenance.extra.items() if k != KEY}
    if key is not None:
        extra[KEY] = key
    return attrs.evolve(prompt, provenance=attrs.evolve(prompt.provenance, extra=extra))


def unknown_entry(id: str, entries: Collection[Entry], folder: str) -> UnknownName:
    """The error that no entry has this id; lists those of the task that may be meant, else all."""
    by_task: dict[str, list[Entry]] = {}
    for entry in entries:
        by_task.setdefault(entry.provenance.task or "no task", []).append(entry)
    close = difflib.get_close_matches(id, by_task, n=1)
    whose = f" of {close[0]}" if close else ""
    listed = [
        entry.id[:_DIGITS] if close else f"{entry.id[:_DIGITS]} ({task})"
        for task in (close or by_task)
        for entry in by_task[task]
    ]
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    error = UnknownName(f"prompt in {folder}", id, by_task)
    error.args = (
        f"There is no prompt in {folder} whose id begins with {id!r}. Its prompts{whose}: "
        f"{', '.join(listed[:_LISTED]) or 'none'}{more}.",
    )
    return error


def completed(id: str, known: Collection[str], folder: str) -> str:
    """The known id that begins with `id`, if there is exactly one.

    Raises:
      UnknownName, WrongUse: none does, or several do.
    """
    if id in known:
        return id
    matching = [known_id for known_id in known if id and known_id.startswith(id)]
    if not matching:
        raise UnknownName(f"prompt in {folder}", id, known)
    if len(matching) > 1:
        raise WrongUse(
            f"{len(matching)} prompts of {folder} begin with {id!r}. Give more of its digits."
        )
    return matching[0]
