"""A study's folder: the declaration it was begun with, and a file for each cell that ended.

| file | what |
|---|---|
| ``study.json`` | the declaration and its resolved settings |
| ``library/``, ``runs/`` | source prompts; every tuning |
| ``cells/ID.json`` | what came of a cell, well or not; the truth |
| ``contents.json`` | what the digests in cells stand for: the parts of tasks, models and plugins |
| ``rows.*``, ``similarities.*`` | tables made of the cells |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from spotfw import files
from spotfw.config import BEFORE, as_recorded, from_record
from spotfw.errors import SpotError, WrongUse
from spotfw.prompts.provenance import timestamp
from spotfw.reading import parse_json
from spotfw.study.grid import shapes
from spotfw.study.grid.cell import Cell
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.names import Resolved
from spotfw.tasks.content import Content, digest_of

DECLARATION = "study.json"
CELLS = "cells"
CONTENTS = "contents.json"

#: Bytes of a record; a comparison of 1,000 prompts with each other has some ten million.
MOST = 2**28

#: Options of an engine that say where and in what portions it computes, and nothing of what comes
#: out: a TPU that was taken away comes back under another name.
_WHERE = ("cohort", "devices", "iterations_per_loop", "tpu")

#: What a cell's file holds.
Record = Mapping[str, Any]


def is_begun(folder: str) -> bool:
    """Whether a study was begun in a folder."""
    return files.exists(files.join(folder, DECLARATION))


def begin(folder: str, study: Study, resolved: Resolved) -> None:
    """Writes the declaration, or checks that it goes on with what was begun here.

    Lists may grow and shrink; what the cells done already were tuned with may not change.

    Raises:
      WrongUse: settings changed, or the folder holds other things.
      SpotError: the folder's record is damaged, or it cannot be written.
    """
    settings = _recorded(resolved)
    before = check(folder, study, resolved)
    if before is not None:
        # What is no longer asked for may be asked for again.
        settings = before.get("resolved", {}) | settings
    record = {"format": "spotfw.study/1", "study": study.to_dict(), "resolved": settings}
    where = files.join(folder, DECLARATION)
    files.write_atomically(where, json.dumps(record, indent=1).encode())
    known = contents(folder)
    now = {digest_of(content): dict(content) for content in resolved.contents.values()}
    if not now.keys() <= known.keys():
        data = json.dumps({**known, **now}, indent=1)
        files.write_atomically(files.join(folder, CONTENTS), data.encode())


def check(folder: str, study: Study, resolved: Resolved) -> Record | None:
    """The record of a study that this goes on with, None where a new one may begin.

    Raises:
      WrongUse: settings changed, or the folder holds other things.
      SpotError: the folder's record is damaged.
    """
    where = files.join(folder, DECLARATION)
    if files.exists(where):
        before = read(where)
        changed = _changes(before, study, _recorded(resolved))
        if changed:
            raise WrongUse(
                f"The study in {folder} was begun with other settings than {study.place} has "
                f"now: {'; '.join(changed[:5])}. Put them back, or run it into another folder "
                "with --out."
            )
        return before
    others = [n for n in files.list_names(folder) if not n.startswith(".")]
    if others:
        raise WrongUse(
            f"The folder {folder} is no study's and not empty (it holds {others[0]}). Choose "
            "an empty or new folder with --out."
        )
    return None


def _recorded(resolved: Resolved) -> dict[str, Any]:
    return {f"{model} {r}": as_recorded(v) for (model, r), v in resolved.settings.items()}


def as_begun(folder: str, study: Study, resolved: Resolved) -> Resolved:
    """The settings to go on with a study by: of those of `BEFORE`, the ones it was begun with.

    Those that the declaration chooses stay, and so do all where no study was begun in the folder.
    """
    if not is_begun(folder):
        return resolved
    try:
        begun = read(files.join(folder, DECLARATION)).get("resolved", {})
    except SpotError:
        return resolved  # `begin` refuses the folder
    was: dict[str, Any] = {}
    for values in begun.values():
        if isinstance(values, dict):
            was = from_record(values) | was
    kept = {k: was[k] for k in BEFORE if k in was and k not in study.settings_by_hand}
    # Tunings of all weights have no such settings.
    settings = {
        role: {**values, **{k: v for k, v in kept.items() if k in values}}
        for role, values in resolved.settings.items()
    }
    return attrs.evolve(resolved, settings=settings)


def contents(folder: str) -> dict[str, Content]:
    """What the digests in the cells' files stand for; nothing where that file is damaged."""
    where = files.join(folder, CONTENTS)
    try:
        values = read(where) if files.exists(where) else {}
    except SpotError:
        return {}
    return {
        digest: parts
        for digest, parts in values.items()
        if isinstance(parts, dict) and all(isinstance(v, str) for v in parts.values())
    }


def read(where: str) -> dict[str, Any]:
    """A JSON file of a study.

    Raises:
      SpotError: it is damaged.
    """
    try:
        data = files.read_bytes(where, MOST)
        record = parse_json(data, most=MOST, values=MOST // 8)
        if not isinstance(record, dict):
            raise ValueError("no object")
        for key in ("study", "resolved"):
            if not isinstance(record.get(key, {}), dict):
                raise ValueError(f"its {key} is no object")
    except ValueError as error:
        raise SpotError(
            f"The study's record {where} is damaged ({error}). Remove it: a cell is then run "
            "again from its run folders."
        ) from error
    return record


def records(folder: str, cells: Iterable[Cell]) -> dict[str, Record]:
    """What came of the cells that have ended, by id; a damaged file counts as none."""
    names = set(files.list_names(files.join(folder, CELLS)))
    ended: dict[str, Record] = {}
    for cell in cells:
        for name in dict.fromkeys((cell.id, cell.before_code, cell.declared)):
            record = _readable(folder, name, cell) if f"{name}.json" in names else None
            # What stands under the id of spotfw 0.1 is of a time without contents.
            if record is not None and (name != cell.declared or name == cell.id or is_old(record)):
                ended[cell.id] = record
                break
    return ended


def outdated(folder: str, cells: Iterable[Cell]) -> dict[str, Record]:
    """Of cells that have not ended: a record of the same cell with other tasks or models."""
    names = sorted(files.list_names(files.join(folder, CELLS)))
    by_declared: dict[str, list[str]] = {}
    for name in names:
        by_declared.setdefault(name.rpartition("-")[0], []).append(name.removesuffix(".json"))
    records = {}
    for cell in cells:
        for name in by_declared.get(cell.declared, ()):
            record = _readable(folder, name, cell)
            if record is not None and name != cell.id and not is_old(record):
                records[cell.id] = record
    return records


def is_old(record: Record) -> bool:
    """Whether a cell's file is of spotfw 0.1, which did not note what tasks and models held."""
    return "content" not in record


def is_before_code(record: Record, cell: Cell) -> bool:
    """Whether a cell's file does not note the code of the plugins' parts that it depends on."""
    return cell.id != cell.before_code and not cell.content.keys() <= record["content"].keys()


def _readable(folder: str, name: str, cell: Cell) -> Record | None:
    try:
        record = read(files.join(folder, CELLS, f"{name}.json"))
        shapes.check(record, cell.kind)
    except (SpotError, ValueError):
        return None
    return record


def record(
    folder: str,
    cell: Cell,
    result: Mapping[str, Any] | None,
    error: str | None = None,
    trace: str = "",
) -> Record:
    """Writes what came of a cell; returns it."""
    made: dict[str, Any] = {
        "cell": cell.facts,
        "result": result,
        "error": error,
        "traceback": trace,
        "created": timestamp(),
    }
    if cell.content:
        made["content"] = dict(cell.content)
    files.write_atomically(_path(folder, cell), json.dumps(made, indent=1).encode())
    return made


def is_done(record: Record | None) -> bool:
    """Whether a cell has ended well and whole."""
    if record is None or record.get("error") is not None:
        return False
    return not (record.get("result") or {}).get("partial")


def _path(folder: str, cell: Cell) -> str:
    return files.join(folder, CELLS, f"{cell.id}.json")


def _changes(before: Mapping[str, Any], study: Study, settings: Mapping[str, Any]) -> list[str]:
    """What of the settings is not as it was, in words."""
    changes = []
    for role, was in before.get("resolved", {}).items():
        if not isinstance(was, dict):
            changes.append(f"{role} is no table of settings")
            continue
        was, now = from_record(was), from_record(settings.get(role, was))
        changes += [
            f"{key} of {role} was {was.get(key)!r}, now {now.get(key)!r}"
            for key in sorted({*was, *now})
            if was.get(key) != now.get(key)
        ]
    opened = before.get("study", {}).get("open", {})
    if not isinstance(opened, dict) or _kept(opened) != _kept(study.open):
        changes.append(f"[open] was {opened!r}, now {dict(study.open)!r}")
    return changes


def _kept(opening: Mapping[str, Any]) -> dict[str, Any]:
    """The options that results may depend on."""
    return {name: value for name, value in opening.items() if name not in _WHERE}
