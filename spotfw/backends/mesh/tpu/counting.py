"""What a program makes a device do, counted from its TensorFlow graph: nothing is run.

A graph that Mesh TF lowered for TPU cores is one core's program, with all shapes known. Operations
that no fetch depends on are not counted, for nothing would run them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from spotfw.backends.mesh.compat import tf

#: Operations that move nothing: their result is their input, a variable or a constant.
_STILL = {
    *("Const", "ExpandDims", "Fill", "Identity", "NoOp", "Placeholder", "ReadVariableOp"),
    *("Reshape", "Shape", "Squeeze", "TPUReplicatedInput", "VarHandleOp", "Assert"),
}
_PRODUCTS = {"BatchMatMulV2", "Einsum", "MatMul"}
_EXCHANGES = {"AllToAll", "CollectivePermute", "CrossReplicaSum"}
#: Their results lie in memory, their inputs may not.
_WRITTEN = {"GatherV2", "Max", "Min", "Prod", "Sum", "AssignVariableOp", "AssignSubVariableOp"}

#: A tensor that is waited with for so many operations lies in memory, fused or not: what the
#: backward pass needs of the forward pass.
_SOON = 100


@attrs.frozen(kw_only=True)
class Product:
    """A matrix product, `batch` times [m, k] by [k, n].

    Attributes:
      batch, m, n, k: sizes.
      bytes: of operands and result.
    """

    batch: int
    m: int
    n: int
    k: int
    bytes: int

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.batch * self.m * self.n * self.k

    def padded(self, lanes: tuple[int, int]) -> int:
        """`operations` with rows rounded up to the first, columns to the second number."""
        rows, columns = lanes
        m, n, k = (
            -(-size // to * to)
            for size, to in zip((self.m, self.n, self.k), (rows, columns, columns), strict=True)
        )
        return 2 * self.batch * m * n * k


@attrs.frozen(kw_only=True)
class Exchange:
    """A collective operation.

    Attributes:
      kind: TensorFlow's name of it.
      devices: of a group.
      sent: bytes that each device sends, in a ring.
    """

    kind: str
    devices: int
    sent: int


@attrs.frozen(kw_only=True)
class Work:
    """What one device does in a step.

    Attributes:
      products: matrix products.
      exchanges: collective operations.
      fused: bytes moved besides products where elementwise operations are compiled together.
      unfused: the same where every operation reads and writes memory.
      operations: that are run one by one where nothing is fused.
      weights: bytes of variables.
      activations: most bytes of results that lie in memory at once, fused.
    """

    products: tuple[Product, ...]
    exchanges: tuple[Exchange, ...]
    fused: int
    unfused: int
    operations: int
    weights: int
    activations: int

    @property
    def flops(self) -> int:
        """Of all matrix products."""
        return sum(product.operations for product in self.products)

    @property
    def bytes(self) -> int:
        """To and from memory, fused."""
        return sum(product.bytes for product in self.products) + self.fused

    @property
    def sent(self) -> int:
        """Bytes of collectives that a device sends."""
        return sum(exchange.sent for exchange in self.exchanges)

    @property
    def memory(self) -> int:
        """Bytes of a device's memory, at least."""
        return self.weights + self.activations


def count(fetches: Iterable[Any]) -> Work:
    """The work behind tensors and operations of one graph."""
    operations = _reached([getattr(fetch, "op", fetch) for fetch in fetches])
    place = {op: index for index, op in enumerate(operations)}
    counted = [op for op in operations if op.type not in _STILL]
    last = dict(place)
    readers: dict[Any, list[Any]] = {}
    for op in counted:
        for source in {root for root in map(_root, op.inputs) if root is not None}:
            readers.setdefault(source, []).append(op)
            last[source.op] = max(last.get(source.op, 0), place[op])
    fused = _fused(counted, readers)
    return Work(
        products=tuple(_product(op) for op in counted if op.type in _PRODUCTS),
        exchanges=tuple(_exchange(op) for op in counted if op.type in _EXCHANGES),
        fused=fused,
        unfused=sum(
            sum(map(_bytes, [*op.inputs, *op.outputs]))
            for op in counted
            if op.type not in _PRODUCTS and not _is_small(op)
        ),
        operations=sum(op.type not in _PRODUCTS for op in counted),
        weights=sum(_bytes_of_handle(op) for op in operations if op.type == "VarHandleOp"),
        activations=_most_alive(counted, place, last, readers),
    )


def _reached(roots: Sequence[Any]) -> list[Any]:
    """All operations that these depend on, in the order they were made."""
    seen: set[Any] = set()
    waiting = list(roots)
    while waiting:
        op = waiting.pop()
        if op in seen:
            continue
        seen.add(op)
        waiting += [tensor.op for tensor in op.inputs]
        waiting += op.control_inputs
    graph = roots[0].graph
    return [op for op in graph.get_operations() if op in seen]


def _root(tensor: Any) -> Any:
    """The tensor that this one is by another shape; None for constants and variables."""
    while tensor.op.type in _STILL:
        if tensor.op.type not in ("ExpandDims", "Identity", "Reshape", "Squeeze"):
            return None
        tensor = tensor.op.inputs[0]
    return tensor


def _size(tensor: Any) -> int:
    """Elements; 0 where the shape is not known, as a variable's handle's."""
    dims = tensor.shape.as_list() if tensor.shape.rank is not None else [0]
    return 0 if None in dims else math.prod(dims)


def _bytes(tensor: Any) -> int:
    return 0 if tensor.dtype == tf.resource else _size(tensor) * tensor.dtype.base_dtype.size


def _bytes_of_handle(op: Any) -> int:
    dims = tf.TensorShape(op.get_attr("shape")).as_list()
    return int(math.prod(dims) * tf.as_dtype(op.get_attr("dtype")).size)


def _is_small(op: Any) -> bool:
    """Whether it is about shapes and seeds."""
    return sum(map(_size, op.outputs)) <= 16 and sum(map(_size, op.inputs)) <= 64


def _lies(tensor: Any, readers: dict[Any, list[Any]]) -> bool:
    """Whether a fused program writes a result to memory."""
    kinds = {tensor.op.type, *(op.type for op in readers.get(tensor, ()))}
    return bool(kinds & (_PRODUCTS | _EXCHANGES) or tensor.op.type in _WRITTEN)


def _fused(counted: Sequence[Any], readers: dict[Any, list[Any]]) -> int:
    """Bytes moved by what is compiled together: each result that lies in memory is written by its
    producer and read by what is around, once; products and exchanges count their own."""
    total = 0
    own = _PRODUCTS | _EXCHANGES
    for op in counted:
        for tensor in op.outputs:
            if not _lies(tensor, readers):
                continue
            written = op.type not in own
            read = any(reader.type not in own for reader in readers.get(tensor, ()))
            total += (written + read) * _bytes(tensor)
    return total


def _most_alive(
    counted: Sequence[Any],
    place: dict[Any, int],
    last: dict[Any, int],
    readers: dict[Any, list[Any]],
) -> int:
    """Most bytes of results that lie in memory at once, in the order of the graph."""
    freed: dict[int, int] = {}
    alive = most = 0
    for op in counted:
        here = place[op]
        for tensor in op.outputs:
            if _lies(tensor, readers) or last[op] - here > _SOON:
                size = _bytes(tensor)
                alive += size
                freed[last[op]] = freed.get(last[op], 0) + size
        most = max(most, alive)
        alive -= freed.pop(here, 0)
    return most


def _product(op: Any) -> Product:
    moved = sum(map(_bytes, [*op.inputs, *op.outputs]))
    shapes = [tensor.shape.as_list() for tensor in op.inputs]
    if op.type == "Einsum":
        given, _, result = op.get_attr("equation").decode().partition("->")
        sides = [set(side) for side in given.split(",")]
        sizes = {
            label: size
            for side, dims in zip(given.split(","), shapes, strict=True)
            for label, size in zip(side, dims, strict=True)
        }
        first, second = sides[0], sides[-1]
        # Of a single operand there is a reduction: k alone.
        other = second if len(sides) > 1 else set()

        def of(labels: set[str]) -> int:
            return math.prod(sizes[label] for label in labels)

        out = set(result)
        return Product(
            batch=of(first & other & out),
            m=of((first - other) & out),
            n=of((other - first) & out),
            k=of((first | other) - out),
            bytes=moved,
        )
    *batch, m, k = shapes[0][::-1][:2][::-1] if op.type == "MatMul" else shapes[0]
    flags = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    if op.get_attr(flags[0]):
        m, k = k, m
    n = shapes[1][-2] if op.get_attr(flags[1]) else shapes[1][-1]
    return Product(batch=math.prod(batch), m=m, n=n, k=k, bytes=moved)


def _exchange(op: Any) -> Exchange:
    size = _bytes(op.inputs[0])
    groups = tf.get_static_value(op.inputs[1])
    if op.type == "CollectivePermute":
        return Exchange(kind=op.type, devices=len(groups), sent=size)
    devices = groups.shape[1]
    shares = 2 if op.type == "CrossReplicaSum" else 1
    return Exchange(kind=op.type, devices=devices, sent=shares * size * (devices - 1) // devices)
