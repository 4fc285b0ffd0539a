"""The record of a run that was begun: read from its folder, and compared with what is asked now."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from spotfw import files
from spotfw.config import BEFORE, TuningSettings, from_record
from spotfw.errors import SpotError, WrongUse
from spotfw.prompts import same_model
from spotfw.reading import MOST_JSON, parse_json
from spotfw.tasks.content import changes

_TEXTS = (
    *("task", "task_digest", "model", "fingerprint"),
    *("initializer", "initializer_digest", "source"),
)
_TABLES = ("task_content", "identity")


def read_record(where: str) -> dict[str, Any]:
    """A run's ``run.json``; settings that its version did not have yet are as they were then.

    Raises:
      SpotError: it is damaged.
    """
    try:
        record = parse_json(files.read_bytes(where, MOST_JSON))
        if not isinstance(record, dict) or not isinstance(record.get("settings"), dict):
            raise ValueError("no run with its settings")
        known = {field.name for field in attrs.fields(TuningSettings)}
        record["settings"] = from_record(record["settings"])
        TuningSettings.from_dict({k: v for k, v in record["settings"].items() if k in known})
        for key in _TEXTS:
            if not isinstance(record.get(key), (str, type(None))):
                raise ValueError(f"its {key} is no text")
        for key in _TABLES:
            table = record.get(key, {})
            if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
                raise ValueError(f"its {key} is no table of texts")
    except (ValueError, WrongUse) as error:
        why = str(error).rstrip(".")
        raise SpotError(
            f"The run's record {where} is damaged: {why}. Choose another folder with --out."
        ) from error
    return record


def as_begun(where: str, settings: TuningSettings, by_hand: Collection[str]) -> TuningSettings:
    """The settings to go on with a run by: of those of `BEFORE`, the ones it was begun with.

    Args:
      where: its ``run.json``, which need not be there.
      settings: those asked for now.
      by_hand: names of those that were chosen; they stay.

    Raises:
      SpotError: the record is damaged.
    """
    if not files.exists(where):
        return settings
    was = read_record(where)["settings"]
    return attrs.evolve(settings, **{k: was[k] for k in BEFORE if k in was and k not in by_hand})


def check_same(folder: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuses to go on with a run that was begun as another one; versions and steps may differ.

    Args:
      folder: the run's.
      old, new: records of `spotfw.recipe.record.run_record`, of then and of now.

    Raises:
      WrongUse: something differs; the message says what, and of a task which part.
    """
    settings, data = _settings(old, new), _data(old, new)
    if settings:
        raise WrongUse(
            f"The run in {folder} was begun with other settings: {'; '.join([*settings, *data])}. "
            "Resume it as it was begun, or choose another folder with --out."
        )
    if data:
        raise WrongUse(
            f"The run in {folder} was begun with another state of the task {new['task']!r}: since "
            f"then, {', '.join(data)}. Put that back, or tune anew in another folder (--out)."
        )


def engine_in(record: Mapping[str, Any]) -> str | None:
    """The engine that a record names, if it does."""
    # What stands before a colon is the engine: only what one engine says can be compared.
    engine, colon, _ = record.get("identity", {}).get("configuration", "").partition(":")
    return engine if colon else None


def check_engine(folder: str, begun: str | None, now: str | None) -> None:
    """Refuses to go on with a run by another engine, which does not read its checkpoints.

    Args:
      folder: the run's.
      begun, now: names of engines, None where they are not known.

    Raises:
      WrongUse: the engines differ; of one that does not say which it is, nothing is known.
    """
    if begun is not None and now is not None and begun != now:
        raise WrongUse(
            f"The run in {folder} was begun with the engine {begun}, and {now} is to go on with "
            "it. Leave --backend out: a run keeps its engine. Or tune anew in another folder "
            "(--out)."
        )


def not_known(old: Mapping[str, Any]) -> str | None:
    """What an older version did not note of a run, a sentence; None where it is all there."""
    if "task_content" in old:
        return None
    return (
        f"Not known of a run of spotfw 0.1: whether the data of the task {old.get('task')!r}, its "
        "task file or the model's vocabulary have changed since it was begun."
    )


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    differing = []
    for key in ("task", "fingerprint", "precision", "initializer"):
        same = same_model if key == "fingerprint" else operator.eq
        if not same(old.get(key), new.get(key)):
            differing.append(f"{key} {old.get(key)!r}, now {new.get(key)!r}")
    if old.get("initializer_digest", "") != new.get("initializer_digest", "") and (
        "initializer_digest" in old
    ):
        differing.append(f"the file of the initializer {new.get('initializer')!r} has changed")
    was, now = old.get("identity", {}), new.get("identity", {})
    for key in sorted(was.keys() & now.keys()):
        # What stands before a colon is the engine: only what one engine says can be compared.
        alike = was[key].partition(":")[0] == now[key].partition(":")[0] or ":" not in was[key]
        if alike and was[key] != now[key]:
            differing.append(f"the model's {key} has changed")
    was, now = (from_record(record.get("settings", {})) for record in (old, new))
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key) and key != "steps":
            differing.append(f"{key} {was.get(key)!r}, now {now.get(key)!r}")
    return differing


def _data(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    if "task_content" not in old or old.get("task") != new.get("task"):
        return []
    return changes(old["task_content"], new.get("task_content", {}))
