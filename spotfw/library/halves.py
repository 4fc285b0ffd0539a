"""Vectors in half precision, and their dot products with a query.

Two bfloat16 share a word of 32 bits, the even column in its lower half: in the memory of a
little-endian machine that is a row of bfloat16, one behind the other. NumPy has no product of
such numbers. The library SimSIMD has one (`pip install 'spotfw[fast]'`), which takes half the
time of NumPy's in float32; without it words are widened block by block, which takes longer.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]

#: Rows that are widened at once; they stay in a core's cache.
_BLOCK = 1024
#: Half a step of bfloat16, as a share of numbers between 1 and 2 that are as frequent as their
#: logarithms: 2^-8 times the mean of their inverse.
_HALF_STEP = 0.72 * 2**-8


def halved(vectors: Floats) -> Words:
    """Vectors [n, D] as pairs of bfloat16, uint32 [n, D / 2]; D is even."""
    bits = np.ascontiguousarray(vectors, np.float32).view(np.uint32).astype(np.int64)
    even, odd = bits[:, ::2], bits[:, 1::2]
    low = (even + 0x7FFF + ((even >> 16) & 1)) >> 16
    # Of the words with this lower half, the one that is nearest to the odd column; one near zero
    # keeps its sign.
    high = np.maximum((odd - low + 0x8000) >> 16, odd >> 31 << 15)
    words: Words = ((high << 16) | low).astype(np.uint32)
    return words


def widened(words: Words) -> Floats:
    """Halved vectors [n, D / 2] as float32 [n, D], each off by half a step of bfloat16 at most."""
    vectors = np.empty((len(words), 2 * words.shape[1]), np.float32)
    vectors[:, ::2] = (words << 16).view(np.float32)
    # A word read as float32 is its upper half, whose rounding took the lower into account.
    vectors[:, 1::2] = words.view(np.float32)
    return vectors


def products(words: Words, query: Floats, out: Floats) -> None:
    """The dot products of a vector [D] with halved vectors [n, D / 2], into `out` [n]."""
    even, odd = (np.ascontiguousarray(query[start::2]) for start in (0, 1))
    shifted = np.empty((min(_BLOCK, len(out)), words.shape[1]), np.uint32)
    for start in range(0, len(out), _BLOCK):
        block = words[start : start + _BLOCK]
        part = out[start : start + _BLOCK]
        np.dot(block.view(np.float32), odd, out=part)
        lower = np.left_shift(block, 16, out=shifted[: len(block)]).view(np.float32)
        part += np.dot(lower, even)


def fast_products(words: Words, query: Floats, out: Floats) -> bool:
    """As `products`, with the query rounded to bfloat16 too; False where no library has them.

    An odd column is taken without the half below it, which its rounding took into account. On the
    average it is half a step of bfloat16 too near to zero then, for which the query makes up.
    """
    dot = _dot()
    if dot is None or not len(out):
        return False
    raised = np.array(query, np.float32)
    raised[1::2] *= 1 + _HALF_STEP
    rows = np.ascontiguousarray(words).view(np.uint16)
    dot(rows, _rounded(raised), "bf16", out=out, out_dtype="f32")
    return True


def _rounded(vector: Floats) -> npt.NDArray[np.uint16]:
    """A vector [D] rounded to bfloat16."""
    bits = vector.view(np.uint32).astype(np.int64)
    rounded: npt.NDArray[np.uint16] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return rounded


@functools.cache
def _dot() -> Callable[..., Any] | None:
    """The library's product of rows and a vector; None where it is not installed or does not fit.

    What one machine's kernels make of four numbers is looked at once.
    """
    if sys.byteorder != "little":
        return None
    try:
        from simsimd import dot, get_capabilities
    except Exception:  # absent, or made for another machine
        return None
    words = halved(np.array([[1, 2], [-3, 0.5]], np.float32)).view(np.uint16)
    out = np.zeros(2, np.float32)
    try:
        # Its plain loops, which serve a processor without such products, are slower than ours.
        if not any(here for name, here in get_capabilities().items() if name != "serial"):
            return None
        dot(words, words[0], "bf16", out=out, out_dtype="f32")
    except Exception:  # a version that is called otherwise
        return None
    return dot if np.allclose(out, [5, -2], atol=2**-6) else None
