"""Soft prompts as values, with where they come from."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spotfw.errors import SpotError
from spotfw.prompts.bytes import Array
from spotfw.prompts.provenance import Provenance, same_model


def _as_prompt(value: Any) -> Array:
    """A read-only float32 copy [L, E] of finite numbers."""
    array = np.array(value, dtype=np.float32, order="C")
    if array.ndim != 2 or 0 in array.shape:
        raise SpotError(
            f"A prompt is an array [length, width], but this one has the shape "
            f"{list(array.shape)}. Give a single prompt that is not empty."
        )
    bad = ~np.isfinite(array)
    if bad.any():
        row = int(np.argwhere(bad)[0][0])
        raise SpotError(
            f"The prompt holds {int(bad.sum())} values that are NaN or infinite (first in token "
            f"{row}). It was damaged or its tuning diverged: take an earlier checkpoint, or tune "
            "with a lower learning rate."
        )
    array.flags.writeable = False
    return array


@attrs.frozen(eq=False)
class SoftPrompt:
    """A learned prompt.

    Attributes:
      array: float32 [L, E], read-only and finite.
      provenance: where it comes from.
    """

    array: Array = attrs.field(converter=_as_prompt, repr=False)
    provenance: Provenance = attrs.field(factory=Provenance)

    @property
    def length(self) -> int:
        """Tokens L."""
        return int(self.array.shape[0])

    @property
    def width(self) -> int:
        """Embedding size E."""
        return int(self.array.shape[1])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SoftPrompt):
            return NotImplemented
        same = np.array_equal(self.array, other.array)
        return same and self.provenance == other.provenance

    __hash__ = None  # type: ignore[assignment]


def check_fits(
    prompt: SoftPrompt,
    *,
    width: int | None = None,
    length: int | None = None,
    fingerprint: str | None = None,
    name: str = "The prompt",
) -> None:
    """Refuses a prompt that was made for something else; an argument that is None is not checked.

    Raises:
      SpotError: it has another width or length, or was learned on another frozen model.
    """
    if width is not None and prompt.width != width:
        raise SpotError(
            f"{name} has the width {prompt.width}, but the frozen model has {width}: it was "
            "learned on another model. Use a prompt of this model."
        )
    theirs = prompt.provenance.fingerprint
    if fingerprint is not None and theirs is not None and not same_model(theirs, fingerprint):
        raise SpotError(
            f"{name} was learned on another frozen model (fingerprint {theirs}, "
            f"{prompt.provenance.model or 'name unknown'}) than this one ({fingerprint}); it means "
            "nothing here. Use a prompt of this model."
        )
    if length is not None and prompt.length != length:
        raise SpotError(
            f"{name} has {prompt.length} tokens, but {length} are asked for. Ask for "
            f"a prompt length of {prompt.length}, or use another prompt."
        )


def prompt_from(array: Array, provenance: Provenance, where: str) -> SoftPrompt:
    """The prompt, or an error that says which file is at fault."""
    try:
        return SoftPrompt(array, provenance)
    except SpotError as error:
        raise SpotError(f"The prompt in {where} cannot be used. {error}") from error
