"""What a library knows of its files without reading them: summaries of their headers."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import attrs

from spotfw import files
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.reading import parse_json

#: Where a value's provenance names its key; `ITSELF` when it is its own.
KEY, ITSELF = "embedding_id", "itself"

Summary = Mapping[str, Any]

#: Bytes of an index; a prompt takes about one thousand. A larger one is read anew each time.
MOST = 64 * 2**20


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


def summarize(prompt: SoftPrompt) -> Summary:
    """What the index keeps of a file."""
    provenance = prompt.provenance.to_dict()
    return {"length": prompt.length, "width": prompt.width, "provenance": provenance}


def as_entry(id: str, summary: Summary) -> Entry | None:
    """The entry of a file, None when it is only a key."""
    key = summary["provenance"].get(KEY)
    if not isinstance(key, str):
        return None
    return Entry(
        id=id,
        embedding_id=id if key == ITSELF else key,
        length=summary["length"],
        width=summary["width"],
        provenance=Provenance.from_dict(summary["provenance"]),
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
    try:
        known = _checked(_parsed(files.read_bytes(path, MOST)))
    except (SpotError, ValueError):
        known = {}
    summaries = {}
    for id in ids:
        if id in known:
            summaries[id] = known[id]
        elif (prompt := read(id)) is not None:
            summaries[id] = summarize(prompt)
    if save and summaries != known:
        with contextlib.suppress(SpotError):
            save_index(path, summaries)
    return summaries


def save_index(path: str, summaries: Mapping[str, Summary]) -> None:
    """Writes the index, whole or not at all."""
    document = {"digest": _digest(summaries), "prompts": summaries}
    files.write_atomically(path, _text(document).encode())


def marked(prompt: SoftPrompt, key: str | None) -> SoftPrompt:
    """The prompt as the library keeps it: a value that names its key, or (None) only a key."""
    extra = {k: v for k, v in prompt.provenance.extra.items() if k != KEY}
    if key is not None:
        extra[KEY] = key
    return attrs.evolve(prompt, provenance=attrs.evolve(prompt.provenance, extra=extra))


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


def _parsed(data: bytes) -> Any:
    return parse_json(data, most=MOST, values=2_000_000)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _digest(summaries: Any) -> str:
    """A digest by which an index that something else changed is recognised and made again."""
    return hashlib.sha256(_text(summaries).encode()).hexdigest()


def _checked(value: Any) -> dict[str, Summary]:
    """The index, or an error when it is not one, or not as it was written."""
    if not isinstance(value, dict) or set(value) != {"digest", "prompts"}:
        raise ValueError("no index")
    summaries = value["prompts"]
    if not isinstance(summaries, dict) or value["digest"] != _digest(summaries):
        raise ValueError("changed")
    for summary in summaries.values():
        if not isinstance(summary, dict) or set(summary) != {"length", "width", "provenance"}:
            raise ValueError("no summary")
        sizes = (summary["length"], summary["width"])
        if not all(type(n) is int for n in sizes) or not isinstance(summary["provenance"], dict):
            raise ValueError("no summary")
        Provenance.from_dict(summary["provenance"])
    return summaries
