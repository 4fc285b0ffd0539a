"""How alike two task embeddings are: the paper's two metrics (3.1.2).

Both are computed in double precision and lie in [-1, 1]. A vector of zeros has no
direction: its cosine with anything is taken as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.errors import WrongUse

__all__ = [
    "average_token_cosine",
    "mean_token_direction",
    "mean_unit_token",
    "per_token_cosine",
]

Vector = npt.NDArray[np.float64]


def average_token_cosine(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Cosine similarity of average tokens: cos(mean_i a_i, mean_j b_j).

    Args:
      a, b: prompts [L, E] of one width.

    Raises:
      WrongUse: an array is no prompt, holds NaN or infinity, or the widths differ.
    """
    return _dot(mean_token_direction(a), mean_token_direction(b))


def per_token_cosine(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Per-token average cosine similarity: the mean of cos(a_i, b_j) over all i and j.

    Args:
      a, b: prompts [L, E] of one width.

    Raises:
      WrongUse: an array is no prompt, holds NaN or infinity, or the widths differ.
    """
    return _dot(mean_unit_token(a), mean_unit_token(b))


def mean_token_direction(prompt: npt.ArrayLike) -> Vector:
    """The mean token of a prompt [L, E], scaled to length 1: float64 [E].

    The dot product of two of these is `average_token_cosine`.
    """
    array = _checked(prompt)
    largest = np.abs(array).max() or 1.0
    mean: Vector = (array / largest).mean(axis=0, keepdims=True)
    direction: Vector = _units(mean)[0]
    return direction


def mean_unit_token(prompt: npt.ArrayLike) -> Vector:
    """The mean of a prompt's tokens, each scaled to length 1: [L, E] -> float64 [E].

    The dot product of two of these is `per_token_cosine`, because
    mean_ij cos(a_i, b_j) = mean_i(a_i / |a_i|) . mean_j(b_j / |b_j|).
    """
    mean: Vector = _units(_checked(prompt)).mean(axis=0)
    return mean


def _units(rows: Vector) -> Vector:
    """Rows scaled to length 1, zeros left alone; no square overflows or vanishes."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    scaled = rows / np.where(largest > 0, largest, 1.0)
    norms = np.linalg.norm(scaled, axis=1, keepdims=True)
    units: Vector = scaled / np.where(norms > 0, norms, 1.0)
    return units


def _checked(prompt: npt.ArrayLike) -> Vector:
    array: npt.NDArray[Any] = np.asarray(prompt, dtype=np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise WrongUse(
            f"A prompt to compare is an array [length, width], but this one has the shape "
            f"{list(array.shape)}."
        )
    if not np.isfinite(array).all():
        raise WrongUse("A prompt to compare holds NaN or infinity, so no similarity is defined.")
    return array


def _dot(a: Vector, b: Vector) -> float:
    if a.shape != b.shape:
        raise WrongUse(
            f"Prompts of width {len(a)} and {len(b)} cannot be compared: they belong to different "
            "models."
        )
    return float(np.clip(a @ b, -1.0, 1.0))
