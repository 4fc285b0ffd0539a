"""What columns alone do not tell: rows that t5's preprocessors stop at, or take for others.

Each function says what is wrong with a row whose columns are right, None where nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spotfw.tasks.rows.kinds import label_places
from spotfw.tasks.t5.coreference import pronoun_fault

#: STS-B's scale.
_LOWEST, _HIGHEST = 0.0, 5.0


def stsb_fault(row: Mapping[str, Any]) -> str | None:
    """A score beside the scale, which t5 would write as it is."""
    score = row["label"]
    if _LOWEST <= score <= _HIGHEST:
        return None
    return f"the score {score} of 'label' is not between {_LOWEST:g} and {_HIGHEST:g}"


def wsc_fault(row: Mapping[str, Any]) -> str | None:
    """A pronoun that is not where the row says; t5 would stop at it.

    A label that is neither 0 nor 1 would be left out of training in silence.
    """
    if row["label"] not in (0, 1):
        return f"the label {row['label']} of 'label' is not {label_places(('False', 'True'))}"
    return pronoun_fault(row)
