"""What is kept of the headers of a library's files, and its form on disk.

`index.json` holds the headers of up to some thousands of files. Of a larger library the others
lie beside it, in files that never change, so that a prompt that is added costs the same in any
library. A document carries a digest of its own bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import attrs

from spotfw import files
from spotfw.errors import SpotError
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.reading import parse_json

#: Bytes of a document; a prompt takes about one thousand. A larger one is read anew each time.
MOST = 64 * 2**20
#: Prompts of a document that never changes; `index.json` has fewer than twice as many.
SHARD = 4096
#: The folder of these, and of vectors, and how their names begin and end.
FOLDER, PREFIX, SUFFIX = "index", "headers-", ".json"
INDEX = "index.json"


@attrs.frozen(eq=False)
class Summary:
    """What is known of a file without reading it.

    Attributes:
      length, width: L and E.
      provenance: of the prompt.
      document: all of it as plain JSON values.
    """

    length: int
    width: int
    provenance: Provenance
    document: Mapping[str, Any] = attrs.field(repr=False)


def summarize(prompt: SoftPrompt) -> Summary:
    """What is kept of a file."""
    document = {
        "length": prompt.length,
        "width": prompt.width,
        "provenance": prompt.provenance.to_dict(),
    }
    return Summary(prompt.length, prompt.width, prompt.provenance, document)


def pack(documents: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Headers by id as the bytes of a document."""
    text = json.dumps(documents, sort_keys=True, separators=(",", ":")).encode()
    return _begin(text) + text + b"}"


def parse(data: bytes) -> dict[str, Summary]:
    """The headers of a document.

    Raises:
      ValueError, SpotError: it is none, or not as it was written.
    """
    start = len(_begin(b""))
    text = data[start:-1]
    if data[:start] != _begin(text) or data[-1:] != b"}":
        raise ValueError("changed")
    documents = parse_json(text, most=MOST, values=2_000_000)
    if not isinstance(documents, dict):
        raise ValueError("no index")
    return {id: _summary(document) for id, document in documents.items()}


def read_document(path: str) -> dict[str, Summary]:
    """The headers of a file; none where it is absent or not as it was written."""
    try:
        return parse(files.read_bytes(path, MOST))
    except (SpotError, ValueError):
        return {}


def read_shards(library: str) -> dict[str, dict[str, Summary]]:
    """The documents of a library that never change, by their names; damaged ones are empty."""
    folder = files.join(library, FOLDER)
    return {name: read_document(files.join(folder, name)) for name in shard_names(library)}


def write_headers(
    library: str, documents: Mapping[str, Mapping[str, Any]], sealed: Collection[str] = ()
) -> set[str]:
    """Writes the headers of a library, whole documents each.

    Args:
      library: its folder.
      documents: plain JSON values by id.
      sealed: ids that stand in documents which stay as they are.

    Returns:
      names of the documents now written that never change.

    Raises:
      SpotError: the folder cannot be written.
    """
    rest = {id: documents[id] for id in sorted(set(documents).difference(sealed))}
    names = set()
    while len(rest) >= 2 * SHARD:
        data = pack({id: rest.pop(id) for id in list(rest)[:SHARD]})
        name = PREFIX + hashlib.sha256(data).hexdigest()[:16] + SUFFIX
        files.write_atomically(files.join(library, FOLDER, name), data, tidy=False)
        names.add(name)
    files.write_atomically(files.join(library, INDEX), pack(rest))
    return names


def remove_shards(library: str, names: Iterable[str]) -> None:
    """Removes documents that never change."""
    folder = files.join(library, FOLDER)
    for name in names:
        with contextlib.suppress(SpotError):
            files.remove(files.join(folder, name))


def shard_names(library: str) -> list[str]:
    """Names of the documents that never change."""
    names = files.list_names(files.join(library, FOLDER))
    return [name for name in names if name.startswith(PREFIX) and name.endswith(SUFFIX)]


def _begin(text: bytes) -> bytes:
    """How a document of these prompts begins; it holds a digest of them."""
    return b'{"digest":"' + hashlib.sha256(text).hexdigest().encode() + b'","prompts":'


def _summary(document: Any) -> Summary:
    if not isinstance(document, dict) or set(document) != {"length", "width", "provenance"}:
        raise ValueError("no summary")
    length, width, origin = document["length"], document["width"], document["provenance"]
    if type(length) is not int or type(width) is not int or not isinstance(origin, dict):
        raise ValueError("no summary")
    return Summary(length, width, Provenance.from_dict(origin), document)
