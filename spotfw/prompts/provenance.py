"""Where a prompt comes from, as it stands in the header of its file."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from spotfw.errors import SpotError
from spotfw.prompts.bytes import plain_json


def _as_tuple(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(labels)


@attrs.frozen(kw_only=True)
class Provenance:
    """Where a prompt comes from; whatever is unknown is None or empty.

    Attributes:
      task: name of the task or mixture it was tuned on.
      task_digest: of that task's definition and data (`spotfw.tasks.content`).
      family: the task's family.
      labels: the task's class labels.
      model: name or folder of the frozen model.
      fingerprint: of the frozen model.
      seed: of the tuning.
      step: updates done when it was saved.
      score: mean of the metrics on validation, 0-100.
      metrics: each metric's value on validation; None where it was not a number.
      settings: of the tuning, as plain values.
      started_from: the initializer, or the library ids it was started from.
      versions: of spotfw and what it ran on.
      created: ISO 8601, UTC.
      extra: anything else; keys of a later version end here and are kept.
    """

    task: str | None = None
    task_digest: str | None = None
    family: str | None = None
    labels: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    model: str | None = None
    fingerprint: str | None = None
    seed: int | None = None
    step: int | None = None
    score: float | None = None
    metrics: Mapping[str, float | None] = attrs.field(factory=dict)
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    started_from: str | None = None
    versions: Mapping[str, str] = attrs.field(factory=dict)
    created: str | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; what is unknown is left out, NaN becomes null."""
        values = attrs.asdict(self, recurse=False)
        extra = values.pop("extra")
        empty: tuple[Any, ...] = (None, (), {})
        known = {k: plain_json(v) for k, v in values.items() if v not in empty}
        return {**plain_json(extra), **known}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "a prompt") -> Provenance:
        """The provenance of `to_dict`.

        Raises:
          SpotError: a value is of the wrong kind.
        """
        known = {k: v for k, v in values.items() if k in _KINDS and v is not None}
        for name, value in known.items():
            kinds = _KINDS[name]
            if type(value) in kinds:  # as nearly always; a library has a hundred thousand of these
                continue
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise SpotError(
                    f"The provenance in {where} has {name} = {value!r:.80}, which is of the wrong "
                    "kind. Take another copy of the file, or make it again."
                )
        for name, texts in (
            ("labels", known.get("labels", ())),
            ("versions", known.get("versions", {}).values()),
        ):
            if not all(isinstance(text, str) for text in texts):
                raise SpotError(
                    f"The provenance in {where} has {name} = {known[name]!r:.80}, which are not "
                    "texts. Take another copy of the file, or make it again."
                )
        if not all(_is_number(v) for v in known.get("metrics", {}).values()):
            raise SpotError(
                f"The provenance in {where} has metrics {known['metrics']!r:.80} that are not "
                "numbers. Take another copy of the file, or make it again."
            )
        extra = {k: v for k, v in values.items() if k not in _KINDS}
        return cls(**known, extra=extra)


#: Field of `Provenance` -> what its JSON value may be.
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("task", "task_digest", "family", "model", "fingerprint"), (str,)),
    **dict.fromkeys(("started_from", "created"), (str,)),
    **dict.fromkeys(("seed", "step"), (int,)),
    **dict.fromkeys(("metrics", "settings", "versions"), (dict,)),
    "score": (int, float),
    "labels": (list,),
}


def same_model(fingerprint: str | None, other: str | None) -> bool:
    """Whether two fingerprints can be of one frozen model.

    One of spotfw 0.1 (16 digits) is the beginning of today's (32 digits) for the same weights, so
    that prompts of that version still find their model. Two unknown ones are alike.
    """
    if fingerprint is None or other is None:
        return fingerprint is other
    shorter, longer = sorted((fingerprint, other), key=len)
    if len(shorter) == _SHORT and len(longer) == 2 * _SHORT:
        return longer.startswith(shorter)
    return shorter == longer


#: Digits of a fingerprint of spotfw 0.1.
_SHORT = 16


def timestamp() -> str:
    """Now, as `Provenance.created` has it."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
