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

#: Between these, no square of a length is near the ends of double precision.
_LEAST, _MOST = 1e-100, 1e100


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
    with np.errstate(over="ignore", under="ignore"):
        mean: Vector = array.mean(axis=0)
        length = np.sqrt(mean @ mean)
    if not _LEAST < length < _MOST:
        largest = np.abs(array).max() or 1.0
        mean = (array / largest).mean(axis=0)
        largest = np.abs(mean).max() or 1.0
        mean = mean / largest
        length = np.sqrt(mean @ mean) or 1.0
    direction: Vector = mean / length
    return direction


def mean_unit_token(prompt: npt.ArrayLike) -> Vector:
    """The mean of a prompt's tokens, each scaled to length 1: [L, E] -> float64 [E].

    The dot product of two of these is `per_token_cosine`, because
    mean_ij cos(a_i, b_j) = mean_i(a_i / |a_i|) . mean_j(b_j / |b_j|).
    """
    array = _checked(prompt)
    with np.errstate(over="ignore", under="ignore"):
        lengths = np.sqrt(np.einsum("le,le->l", array, array))
    if not (lengths.min() > _LEAST and lengths.max() < _MOST):
        # A square overflows or vanishes, or a token is of zeros, which has no direction.
        largest = np.abs(array).max(axis=1, keepdims=True)
        array = array / np.where(largest > 0, largest, 1.0)
        lengths = np.linalg.norm(array, axis=1)
        lengths = np.where(lengths > 0, lengths, 1.0)
    mean: Vector = (1.0 / lengths) @ array / len(array)
    return mean


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
