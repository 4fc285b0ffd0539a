"""Takes operations out of a Mesh TF graph that nothing asked for depends on.

Mesh TF differentiates an einsum by each of its operands, frozen weights among them, and lowers
whatever its graph holds; a decoder in a loop is built once more beside it. TensorFlow would not run
these operations, but building them takes longer than all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf


def prune(graph: Any, tensors: Iterable[Any], operations: Iterable[Any]) -> None:
    """Leaves what these need.

    Args:
      graph: Mesh TF's, before it is lowered.
      tensors: of it, to be fetched.
      operations: of it, to be run.
    """
    kept = _reached([*operations, *(tensor.operation for tensor in tensors)], _needed)
    graph.operations[:] = [operation for operation in graph.operations if operation in kept]


def _needed(operation: Any) -> Iterator[Any]:
    """The operations that one needs at once; a loop's own are among them."""
    if isinstance(operation, mtf.ops.WhileLoopOperation):
        _prune_loop(operation)
        for inner in (*operation._cond_ops, *operation._body_ops):
            yield from _needed(inner)
    for tensor in operation.inputs:
        yield tensor.operation
    if isinstance(operation, mtf.ops.Assign):
        yield from operation.variables


def _prune_loop(loop: Any) -> None:
    for operations, outputs in (
        (loop._cond_ops, [loop._cond_output]),
        (loop._body_ops, loop._body_outputs),
    ):
        inside = set(operations)

        def within(operation: Any, inside: set[Any] = inside) -> list[Any]:
            return [t.operation for t in operation.inputs if t.operation in inside]

        wanted = [t.operation for t in outputs if t.operation in inside]
        wanted.extend(op for op in operations if isinstance(op, mtf.ops.Assign))
        kept = _reached(wanted, within)
        operations[:] = [operation for operation in operations if operation in kept]


def _reached(wanted: Iterable[Any], needed: Callable[[Any], Iterable[Any]]) -> set[Any]:
    """What is wanted, and all that it needs, at once or by what it needs."""
    waiting, reached = list(wanted), set[Any]()
    while waiting:
        operation = waiting.pop()
        if operation not in reached:
            reached.add(operation)
            waiting.extend(needed(operation))
    return reached
