"""What metrics compare, made of a text: a label's place, a number, all right answers.

Postprocessing follows seqio's convention: it is called with the text, the model's or the right
one, with ``example`` and with ``is_target``, which says whose text it is.
"""

from __future__ import annotations

import math
from typing import Any

import attrs

from spotfw.tasks.example import Example

#: A prediction that is no number or no label becomes this, as in ``t5.data.postprocessors``.
WRONG = -1


@attrs.frozen
class ToLabel:
    """The place of a label among the labels, `WRONG` for anything else."""

    labels: tuple[str, ...]

    def __call__(self, text: str, **_: Any) -> int:
        """The place, from 0."""
        return self.labels.index(text) if text in self.labels else WRONG


def to_number(text: str, **_: Any) -> float:
    """The number a text says, `WRONG` where it says none or no finite one."""
    try:
        value = float(text)
    except ValueError:
        return float(WRONG)
    return value if math.isfinite(value) else float(WRONG)


def to_answers(text: str, example: Example, is_target: bool = False, **_: Any) -> Any:
    """All right answers for a target, of the example's ``answers``; else the text itself."""
    return list(example.extra["answers"]) if is_target else text
