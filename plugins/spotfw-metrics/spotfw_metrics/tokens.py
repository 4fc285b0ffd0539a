"""A prompt's values made ready to compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.errors import WrongUse

Floats = npt.NDArray[np.float64]


def tokens(prompt: npt.ArrayLike) -> Floats:
    """The prompt [L, E] in double precision.

    Raises:
      WrongUse: it is no prompt, or holds NaN or infinity.
    """
    array: npt.NDArray[Any] = np.asarray(prompt, dtype=np.float64)
    if array.ndim != 2 or 0 in array.shape or not np.isfinite(array).all():
        raise WrongUse(
            f"A prompt to compare is an array [length, width] of finite numbers, but this one "
            f"has the shape {list(array.shape)}"
            f"{'' if np.isfinite(array).all() else ' and holds NaN or infinity'}."
        )
    return array


def unit(array: Floats) -> Floats:
    """The array divided by its Frobenius norm; zeros stay zeros, and no square overflows."""
    largest = np.abs(array).max(initial=0.0)
    if largest == 0:
        return array
    scaled = array / largest
    divided: Floats = scaled / np.linalg.norm(scaled)
    return divided


def unit_rows(array: Floats) -> Floats:
    """Each row [N, D] divided by its length; zeros stay zeros, and no square overflows."""
    largest = np.abs(array).max(axis=-1, keepdims=True)
    scaled = array / np.where(largest > 0, largest, 1.0)
    lengths = np.linalg.norm(scaled, axis=-1, keepdims=True)
    divided: Floats = scaled / np.where(lengths > 0, lengths, 1.0)
    return divided
