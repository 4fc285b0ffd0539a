"""Elementwise parts of a program, compiled by XLA: in bfloat16, on this machine's processor.

TensorFlow's own operations in bfloat16 go over an activation once each, at a fraction of float32's
speed. XLA makes one loop of a gated GELU, of a norm, or of their gradients, computes in float32
within, and takes a fifth to a half of the time. A part is compiled once for each shape, in 0.02 to
0.1 s, so small ones are left as they are; and in float32 so little is gained that all are.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

from spotfw.backends.mesh.compat import tf

#: Elements that the largest tensor has of each member from which on compiling pays. Of each, not
#: of all: a cohort's member ends as it would alone, bit for bit, and XLA rounds otherwise.
_LARGE = 2**18
#: The collection of a graph's compiled functions, a dictionary.
_MADE = "spotfw_compiled"

#: Elements from which on a part is compiled; None where none is.
_least: int | None = None


@contextlib.contextmanager
def compiling(wanted: bool, members: int = 1) -> Iterator[None]:
    """A context in which `compiled` compiles, if that is wanted and XLA is there.

    Args:
      wanted: whether it is.
      members: of the cohort whose program is built.
    """
    global _least
    before = _least
    _least = _LARGE * members if wanted and available() else None
    try:
        yield
    finally:
        _least = before


def wanted() -> bool:
    """Whether this is within a context that compiles."""
    return _least is not None


def compiled(function: Callable[..., Any], *given: Any) -> Any:
    """function(*given), by XLA where that pays; the values are the same up to rounding.

    Args:
      function: of tensors, made of TensorFlow's operations; one defined in a module or a
        `functools.partial` of it, so that the layers of a program share what is compiled.
      given: tensors of TensorFlow.
    """
    if _least is None or not any(tensor.dtype == tf.bfloat16 for tensor in given):
        return function(*given)
    if max(tensor.shape.num_elements() or 0 for tensor in given) < _least:
        return function(*given)
    # A variable would be compiled for anew.
    tensors = [tf.convert_to_tensor(tensor) for tensor in given]
    collection = tf.get_collection_ref(_MADE)
    if not collection:
        collection.append({})
    (made,) = collection
    key = _key(function)
    if key not in made:
        made[key] = tf.function(function, jit_compile=True, autograph=False)
    return made[key](*tensors)


def _key(function: Callable[..., Any]) -> Any:
    if isinstance(function, functools.partial):
        return (function.func, function.args, tuple(sorted(function.keywords.items())))
    return function


@functools.cache
def available() -> bool:
    """Whether this TensorFlow compiles for the processor that it computes with."""
    if tf.config.list_physical_devices("GPU"):
        return False
    try:
        with tf.Graph().as_default(), tf.Session() as session, _silent():
            given = tf.placeholder(tf.bfloat16, [2])  # a constant's sum would be folded
            doubled = tf.function(lambda x: x + x, jit_compile=True, autograph=False)(given)
            return bool((session.run(doubled, {given: [1.0, 2.0]}) == [2.0, 4.0]).all())
    except (tf.errors.OpError, RuntimeError, ValueError):
        return False


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without the line that XLA writes to the error stream when it first compiles, once."""
    try:
        kept = os.dup(2)
    except OSError:  # closed
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
