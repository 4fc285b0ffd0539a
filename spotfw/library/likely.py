"""Which rows of an index may be among those most like a query."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.library.vectors import VectorIndex

Places = npt.NDArray[np.int64]

#: Numbers of which the largest is looked at first, where few of many are chosen.
_BLOCK = 256
#: More rows than asked for that are looked at closely at first, and given at most.
_FIRST, _MOST = 400, 1000
#: A product's standard deviations that its rounding is taken to be off by at most.
_DEVIATIONS = 6


def likely(
    index: VectorIndex, query: npt.NDArray[Any], products: npt.NDArray[np.float32], count: int
) -> Places:
    """Places of rows of half precision that may be among the `count` most like a query.

    With the exact products of these rows, the first `count` are those of all rows, unless so many
    are so much alike that no such number tells them apart.

    Args:
      index: of the rows.
      query: a vector [D].
      products: with each row, as `VectorIndex.products` gives them.
      count: of the most alike.

    Returns:
      int64, by falling products with the query; `count` + 1,000 at most.
    """
    vector = np.asarray(query, np.float32)
    taken = count + _FIRST
    while True:
        places = largest(products, taken)
        places = places[products[places] > -np.inf]
        if not len(places):
            return places
        vectors = index.vectors_of(places, len(vector))
        near = vectors @ vector
        # Columns are off by up to half a step, each by another part of it: 2^-8 / 3^0.5 of them.
        spread = np.sqrt(np.square(vectors) @ np.square(vector))
        off = _DEVIATIONS * 2**-8 / 3**0.5 * spread
        least = np.sort(near - off)[-min(count, len(near))]
        chosen = np.flatnonzero(near + off >= least)
        # What the rough products of the others are off by, these ones show.
        beyond = products[places].min() + 2 * np.abs(near - products[places]).max() + off.max()
        if beyond < least or len(places) < taken or len(chosen) > count + _MOST:
            order = chosen[np.argsort(-near[chosen], kind="stable")]
            given: Places = places[order[: count + _MOST]]
            return given
        taken *= 4


def largest(values: npt.NDArray[Any], count: int) -> Places:
    """Places of the `count` largest of values [n], in no order; all where there are no more."""
    among = np.arange(len(values))
    if not 0 < count < len(values):
        return among[:count]
    blocks = len(values) // _BLOCK
    if count < blocks:
        # As many blocks have a value that is at least this one: what is less is not chosen.
        peaks = values[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        among = np.flatnonzero(values >= np.partition(peaks, blocks - count)[blocks - count])
    chosen: Places = among[np.argpartition(values[among], len(among) - count)[-count:]]
    return chosen
