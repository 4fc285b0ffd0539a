"""Rows whose columns stand in the text one after another, each under its name, as in GLUE.

``mnli hypothesis: ... premise: ...`` with a class as the target (Raffel et al. 2020,
appendix D); character for character what `t5.data.preprocessors.glue` and ``stsb`` make.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from spotfw.tasks.example import Example

#: The target of a row that TFDS gives without a label.
UNKNOWN = "<unk>"


@attrs.frozen
class NamedColumns:
    """A row's columns as inputs, its class as the target.

    Attributes:
      benchmark: what the inputs begin with.
      columns: in the order of the text.
      labels: names of the classes.
    """

    benchmark: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]

    def __call__(self, row: Mapping[str, Any]) -> tuple[Example, ...]:
        target = class_name(row, self.labels)
        return (Example(inputs=joined(self.benchmark, row, self.columns), targets=target),)


def joined(benchmark: str, row: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    """``benchmark column: value column: value``."""
    parts = (part for column in columns for part in (f"{column}:", row[column]))
    return " ".join((benchmark, *parts))


def class_name(row: Mapping[str, Any], labels: tuple[str, ...]) -> str:
    """The name of the row's class, `UNKNOWN` of one without."""
    return labels[row["label"]] if row["label"] != -1 else UNKNOWN


def stsb(row: Mapping[str, Any]) -> tuple[Example, ...]:
    """Two sentences, and how alike they are to the nearest 0.2 as the target."""
    five = np.float32(5)
    nearest = np.round(np.float32(row["label"]) * five) / five  # float32, so that ties fall alike
    inputs = joined("stsb", row, ("sentence1", "sentence2"))
    return (Example(inputs=inputs, targets=f"{float(nearest):.1f}"),)
