"""The C library's settings for memory that is given back and asked for again at every step."""

from __future__ import annotations

import contextlib
import ctypes

#: glibc's names: from which size on a piece is mapped by itself; free memory that is kept.
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
_PIECE, _KEPT = 2**30, 2**31 - 1


def keep_freed_memory() -> None:
    """Has the process keep what it frees, where its C library is glibc.

    A step's activations are some megabytes each. By default each is mapped anew and filled with
    zeros page by page when first written, which is a tenth of a step's time in bfloat16. Does
    not change the most that is in use at once.
    """
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_MMAP_THRESHOLD, _PIECE)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)
