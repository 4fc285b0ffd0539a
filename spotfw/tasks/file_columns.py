"""Which columns of a user's own file hold texts and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class Columns:
    """The columns of a file of labelled texts.

    Attributes:
      texts: what the model reads.
      label: what it should write.
      why: how they were chosen where they were not named, in words; empty where they were.
    """

    texts: tuple[str, ...]
    label: str
    why: str = ""

    @property
    def lead(self) -> str:
        """What stands before a text where a prompt is learned from such a file.

        Of several columns, each text stands behind its column's name already.
        """
        return "" if len(self.texts) > 1 else f"{self.texts[0]}: "

    def describe(self) -> str:
        """Which columns were chosen, where any was."""
        return (
            f"Texts are taken from the column {', '.join(self.texts)}, labels from {self.label}"
            f"{self.why}; --text-column and --label-column name others."
        )

    def to_dict(self) -> dict[str, Any]:
        """As a prompt's file and a task's file have them."""
        return {"texts": list(self.texts), "label": self.label}

    @classmethod
    def from_dict(cls, values: Any) -> Columns | None:
        """The columns of `to_dict`; None where it is nothing of the kind, as in anyone's file."""
        if not isinstance(values, Mapping) or values.keys() != {"texts", "label"}:
            return None
        texts, label = values["texts"], values["label"]
        named = isinstance(texts, list) and texts and all(isinstance(t, str) for t in texts)
        return cls(tuple(texts), label) if named and isinstance(label, str) else None
