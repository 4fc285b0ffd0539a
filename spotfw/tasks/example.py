"""One example of a task: text that the model reads, and text that it should write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Example:
    """A row, or a part of one, as text.

    Attributes:
      inputs: what the model reads.
      targets: what it should write.
      extra: what scoring needs beside the texts, as plain JSON values: all right answers, an
        index that groups rows. ``line``, where it is there, is given in messages.
      tokens: inputs and targets as token ids, of a task that makes its own sequences over a
        vocabulary (seqio's span corruption); the texts may then be empty. None for all others,
        whose texts the engine cuts into tokens.
    """

    inputs: str
    targets: str
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    tokens: tuple[Sequence[int], Sequence[int]] | None = attrs.field(
        default=None, eq=False, repr=False
    )
