"""Soft prompts as values, with where they come from."""

from __future__ import annotations

import logging
import os
from typing import Any

import attrs
import numpy as np

from spotfw.errors import Once, SpotError
from spotfw.prompts.bytes import Array
from spotfw.prompts.provenance import Provenance, same_model

_log = logging.getLogger(__name__)

#: Prompts and models of which it was said that they are not of one kind.
_warned = Once()


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


def warn_of_other_model(prompt: SoftPrompt, model: str, name: str | None = None) -> None:
    """Warns where a prompt names another model than the one it is used on, and no fingerprint.

    A PEFT adapter names its base model so. The same model may lie in folders and hubs of many
    names: only the last part of each name is compared.

    Args:
      prompt: what is used.
      model: the name or folder of the frozen model.
      name: what to call the prompt; by default an adapter by its folder's name.
    """
    theirs = prompt.provenance.model
    if theirs is None or prompt.provenance.fingerprint is not None:
        return
    if name is None:
        adapter = prompt.provenance.extra.get("peft")
        name = "The prompt" if adapter is None else f"The adapter {adapter}"
    if _last_part(theirs) != _last_part(model) and _warned.first((name, theirs, model)):
        _log.warning(
            "%s was made for the model %s, as it says, and is used on the model %s. It does not "
            "say for which weights it was learned; on others it means nothing. Name its own model "
            "by --model, unless these are two names of one model.",
            name,
            theirs,
            model,
        )


def _last_part(name: str) -> str:
    return os.path.basename(name.rstrip("/\\").replace("\\", "/")).casefold()


def prompt_from(array: Array, provenance: Provenance, where: str) -> SoftPrompt:
    """The prompt, or an error that says which file is at fault."""
    try:
        return SoftPrompt(array, provenance)
    except SpotError as error:
        raise SpotError(f"The prompt in {where} cannot be used. {error}") from error
