"""Prompts into a library from other programs and people, and out of it to them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from spotfw import files
from spotfw.errors import SpotError, WrongUse
from spotfw.library import Library
from spotfw.library.archive import pack_archive, read_archive
from spotfw.library.check import Pair
from spotfw.library.index import Entry, marked
from spotfw.prompts import SoftPrompt, load_prompt, save_prompt, write_peft
from spotfw.prompts.peft import load_peft_tasks
from spotfw.reading import open_regular

#: Called with (done, total) prompts.
Progress = Callable[[int, int], None]

#: Format -> the suffix by which it is known; a folder has none.
FORMATS = {"safetensors": ".safetensors", "npy": ".npy", "zip": ".zip", "peft": ""}
_CONFIG = "adapter_config.json"
_ENTRY = re.compile(r"[0-9a-f]{16}\.safetensors")


@attrs.frozen(kw_only=True)
class Imported:
    """One entry that an import made.

    Attributes:
      source: where it came from.
      id: in the library.
      best: the prompt.
    """

    source: str
    id: str
    best: SoftPrompt


def import_prompts(
    library: Library,
    sources: Sequence[str],
    facts: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Imported]:
    """Adds what the sources hold; whatever was there already is not added twice.

    All sources are read and checked before the first prompt is added. An interrupted
    import leaves a valid library; the same call again adds the rest.

    Args:
      library: where to.
      sources: see `read_source`.
      facts: fields of the provenance (``task``, ``family``, ``model``, ``fingerprint`` ...)
        for prompts that do not say them themselves.
      progress: called after each prompt.

    Raises:
      SpotError: a source is not there or broken; nothing is added then.
      WrongUse: a prompt's own provenance contradicts the facts; nothing is added then.
    """
    read = [(source, pair) for source in sources for pair in read_source(source, facts or {})]
    done = []
    for number, (source, pair) in enumerate(read, 1):
        id = library.add(pair.best, pair.embedding)
        done.append(Imported(source=source, id=id, best=pair.best))
        if progress is not None:
            progress(number, len(read))
    return done


def read_source(source: str, facts: Mapping[str, Any] | None = None) -> list[Pair]:
    """The prompts of a source, each with its task embedding if that is another.

    Args:
      source: a prompt's file (``.safetensors``; ``.npy`` [L, E], as google-research/
        prompt-tuning writes it), the folder of a PEFT adapter, of a finished run or of a
        library, or the zip that `export_archive` writes. A ``.npy`` and an adapter do not
        say their task: unless `facts` do, it is the name of the file or folder.
      facts: as in `import_prompts`.
    """
    given = dict(facts or {})
    names = set(files.list_names(source)) if _is_folder(source) else set()
    if source.endswith(".zip") or (not names and _begins_as_zip(source)):
        pairs = read_archive(source)
    elif {"best.safetensors", "embedding.safetensors"} <= names:
        best, embedding = (files.join(source, f"{n}.safetensors") for n in ("best", "embedding"))
        pairs = [Pair(load_prompt(best), load_prompt(embedding))]
    elif _CONFIG not in names and any(map(_ENTRY.fullmatch, names)):
        library = Library(source, indexed=False)
        pairs = [
            Pair(library.best(e.id), None if e.embedding_id == e.id else library.embedding(e.id))
            for e in library.entries()
        ]
    else:
        if source.endswith(".npy") or _CONFIG in names:
            stem = os.path.basename(source.rstrip("/")).removesuffix(".npy")
            given = {"task": stem, **{k: v for k, v in given.items() if v is not None}}
        if _CONFIG in names:
            prompts = load_peft_tasks(source)
            return [
                Pair(stated(prompt, _of_task(given, number, len(prompts))), None)
                for number, prompt in enumerate(prompts)
            ]
        pairs = [Pair(load_prompt(source))]
    return [
        Pair(stated(p.best, given), None if p.embedding is None else stated(p.embedding, given))
        for p in pairs
    ]


def _of_task(facts: Mapping[str, Any], number: int, count: int) -> dict[str, Any]:
    """The facts of one of an adapter's tasks: of several, the task's name has its number."""
    return dict(facts) if count == 1 else {**facts, "task": f"{facts['task']}#{number}"}


def stated(prompt: SoftPrompt, facts: Mapping[str, Any]) -> SoftPrompt:
    """The prompt with the facts given; a value of None leaves its own.

    Raises:
      WrongUse: they contradict its own.
    """
    for name, value in facts.items():
        own = getattr(prompt.provenance, name)
        if value is not None and own is not None and own != value:
            raise WrongUse(f"The prompt's {name} is {own!r}, not {value!r}. Leave out --{name}.")
    given = {name: value for name, value in facts.items() if value is not None}
    return attrs.evolve(prompt, provenance=attrs.evolve(prompt.provenance, **given))


def export_format(destination: str, format: str | None = None) -> str:
    """The format asked for, or that of a destination's suffix; without one a PEFT folder.

    Raises:
      WrongUse: the suffix is of no known format, or of another than `format`.
    """
    suffix = os.path.splitext(os.path.basename(destination.rstrip("/")))[1]
    by_suffix = next((name for name, end in FORMATS.items() if end == suffix), None)
    if format is None and by_suffix is None:
        raise WrongUse(
            f"The suffix {suffix!r} of {destination} is not that of a format. Use .safetensors, "
            ".npy, .zip or none (a PEFT adapter's folder), or say --format."
        )
    if format in ("npy", "safetensors") and by_suffix != format:
        raise WrongUse(f"A file of the format {format} ends in .{format}; rename {destination}.")
    return format or by_suffix or "peft"


def export_prompt(
    prompt: SoftPrompt, destination: str, format: str | None = None, base_model: str | None = None
) -> None:
    """Writes one prompt, whole or not at all, where nothing is yet.

    Args:
      destination: a file, or for ``peft`` a folder.
      format: ``safetensors``, ``npy`` or ``peft``, by default that of the destination.
      base_model: name or folder of the Hugging Face model, for ``peft``.

    Raises:
      SpotError: something is there already, or it cannot be written.
    """
    chosen = export_format(destination, format)
    if chosen == "peft":
        write_peft(prompt, destination, base_model)
        return
    _refuse_existing(destination)
    save_prompt(marked(prompt, None), destination)


def export_archive(
    library: Library,
    entries: Iterable[Entry],
    destination: str,
    progress: Progress | None = None,
) -> None:
    """Writes entries and their task embeddings as one zip, with a manifest and checksums.

    Raises:
      SpotError: something is there already, a file of the library is damaged, or there
        is nothing to write.
    """
    _refuse_existing(destination)
    chosen = list(entries)
    if not chosen:
        raise SpotError(f"No prompt of {library.folder} was chosen, so {destination} is not made.")
    ids = sorted({id for entry in chosen for id in (entry.id, entry.embedding_id)})
    data = {}
    for number, id in enumerate(ids, 1):
        data[os.path.basename(library.path(id))] = library.read_file(id)
        if progress is not None:
            progress(number, len(ids))
    files.write_atomically(destination, pack_archive(chosen, data))


def _refuse_existing(destination: str) -> None:
    if files.exists(destination):
        raise SpotError(
            f"{destination} already exists; nothing was changed. Name another place, or remove it "
            "first."
        )


def _is_folder(source: str) -> bool:
    # A bucket has no folders: what has no suffix of a file is listed.
    if files.is_remote(source):
        return not source.endswith(tuple(filter(None, FORMATS.values())))
    return os.path.isdir(source)


def _begins_as_zip(source: str) -> bool:
    if files.is_remote(source) or not os.path.isfile(source):
        return False
    with contextlib.suppress(OSError), open_regular(source) as stream:
        return stream.read(4) == b"PK\x03\x04"
    return False  # the error is raised where the file is read
