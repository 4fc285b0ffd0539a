"""Parts that XLA compiles, and attention as one operation, give what the plain formulas give."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.backends.mesh import compiled, fused, joint_attention
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.placement import LocalMesh
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import Runtime

ROWS = [mtf.Dimension("cohort", 1), mtf.Dimension("batch", 3)]
HEADS, LENGTH, KEYS = (mtf.Dimension(n, s) for n, s in (("heads", 2), ("length", 5), ("keys", 7)))
WIDTH = mtf.Dimension("d_kv", 4)
#: Of float32's values, which the same rounded numbers are put into; bfloat16 has eight bits.
TOLERANCE = 2e-2

pytestmark = pytest.mark.skipif(not compiled.available(), reason="this TensorFlow has no XLA")


@pytest.fixture(autouse=True)
def _all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_LARGE", 0)


def _outcome(
    function: Callable[..., Any], shapes: Sequence[Any], *, compile: bool
) -> tuple[list[np.ndarray], set[str]]:
    """A function's value and its gradients by all it is given, and TensorFlow's operations.

    In bfloat16 where it is compiled, of the same numbers in float32 where it is not.
    """
    random = np.random.RandomState(0)
    kind = tf.bfloat16 if compile else tf.float32
    with tf.Graph().as_default() as graph, tf.Session() as session:
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        given = []
        for shape in shapes:
            drawn = tf.constant(random.standard_normal(shape.to_integer_list), tf.bfloat16)
            given.append(mtf.import_tf_tensor(mesh, tf.cast(drawn, kind), shape))
        with compiled.compiling(compile):
            made = function(*given)
            toward = random.standard_normal(made.shape.to_integer_list)
            toward = tf.cast(tf.constant(toward, tf.bfloat16), made.dtype)
            slopes = [mtf.import_tf_tensor(mesh, toward, made.shape)]
            asked = [made, *mtf.gradients([made], given, grad_ys=slopes)]
            lowering = mtf.Lowering(mesh.graph, {mesh: LocalMesh()}, autostack=False)
        tensors = [lowering.export_to_tf_tensor(tensor) for tensor in asked]
        values = session.run([tf.cast(tensor, tf.float32) for tensor in tensors])
        return values, {operation.type for operation in graph.get_operations()}


def _context(train: bool) -> Any:
    """As much of Mesh TF's as attention looks at."""
    model = type("Model", (), {"layout": None, "mesh_shape": None})
    return type("Context", (), {"train": train, "model": model})()


def _attention(q: Any, k: Any, v: Any, *bias: Any) -> Any:
    given = {"context": _context(train=False), "dropout_broadcast_dims": [LENGTH]}
    return joint_attention.attention(q, k, v, KEYS, WIDTH, WIDTH, *bias, **given)


def _across(asked: Any, memory: Any, *bias: Any) -> Any:
    if asked.dtype == tf.bfloat16:
        wide = mtf.cast(memory, tf.float32)
        return joint_attention.asked_of_output(asked, memory, wide, *(bias or (None,)))
    scores = mtf.einsum([asked, memory], output_shape=[*asked.shape.dims[:-1], KEYS])
    shares = mtf.softmax(scores + bias[0] if bias else scores, KEYS)
    return mtf.einsum([shares, memory], output_shape=asked.shape)


_Q, _K = mtf.Shape([*ROWS, HEADS, LENGTH, WIDTH]), mtf.Shape([*ROWS, HEADS, KEYS, WIDTH])
_MEMORY = mtf.Shape([*ROWS, KEYS, WIDTH])
_ALL = mtf.Shape([*ROWS, LENGTH, WIDTH])
_THERE = np.array([[[1, 1, 0, 1, 1], [1, 1, 1, 0, 0], [1, 0, 1, 1, 1]]], np.float32)


def _norm(x: Any, scale: Any) -> Any:
    there = mtf.import_tf_tensor(x.mesh, tf.constant(_THERE), mtf.Shape([*ROWS, LENGTH]))
    return fused.masked_norm(x, scale, mtf.cast(there, x.dtype), 1e-6)


_CASES = {
    "gated gelu": (fused.gated_gelu, [_ALL, _ALL]),
    "gated gelu without slopes": (lambda x, y: fused.gated_gelu(x, y, slopes=False), [_ALL, _ALL]),
    "norm": (_norm, [_ALL, mtf.Shape([WIDTH])]),
    "attention": (_attention, [_Q, _K, _K]),
    "attention with a bias": (_attention, [_Q, _K, _K, mtf.Shape([HEADS, LENGTH, KEYS])]),
    "attention with padding": (_attention, [_Q, _K, _K, mtf.Shape([*ROWS, KEYS])]),
    "cross attention": (_across, [mtf.Shape([*ROWS, LENGTH, HEADS, WIDTH]), _MEMORY]),
    "cross attention of one position": (
        _across,
        [mtf.Shape([*ROWS, HEADS, WIDTH]), _MEMORY, mtf.Shape([*ROWS, KEYS])],
    ),
}


@pytest.mark.parametrize("case", _CASES)
def test_values_and_gradients(case: str) -> None:
    function, shapes = _CASES[case]
    ours, operations = _outcome(function, shapes, compile=True)
    exact, plain = _outcome(function, shapes, compile=False)
    assert {"PartitionedCall", "StatefulPartitionedCall"} & operations
    assert not {"PartitionedCall", "StatefulPartitionedCall"} & plain
    assert len(ours) == len(exact) == len(shapes) + 1
    for mine, true in zip(ours, exact, strict=True):
        assert np.linalg.norm(mine - true) < TOLERANCE * np.linalg.norm(true)


def test_the_layers_of_a_program_share_what_is_compiled() -> None:
    def twice(x: Any, scale: Any) -> Any:
        return _norm(_norm(x, scale), scale)

    with tf.Graph().as_default():
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        x, scale = (mtf.zeros(mesh, shape, tf.bfloat16) for shape in (_ALL, mtf.Shape([WIDTH])))
        with compiled.compiling(True):
            twice(x, scale)
            mtf.Lowering(mesh.graph, {mesh: LocalMesh()}, autostack=False)
        (made,) = tf.get_collection(compiled._MADE)
        assert len(made) == 1
        graph = tf.get_default_graph().as_graph_def()
        assert len(graph.library.function) == 1, [f.signature.name for f in graph.library.function]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_small_parts_and_float32_are_not_compiled(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if dtype == "bfloat16":
        monkeypatch.setattr(compiled, "_LARGE", 9)
    with tf.Graph().as_default(), compiled.compiling(True):
        given = tf.zeros([2, 4], dtype)
        assert compiled.compiled(tf.square, given).op.type == "Square"
        assert not tf.get_collection(compiled._MADE)


def test_whether_a_part_is_compiled_does_not_depend_on_how_many_members_there_are(
    tiny_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a member ends as it would have ended alone, bit for bit."""
    known = tiny_engine.runtime
    lone = Shapes(batch=4, inputs=16, targets=4, prompt_length=4)
    kinds = []
    for least in (2**10, 2**12):
        for members in (1, 5):
            monkeypatch.setattr(compiled, "_LARGE", least)
            about = {"rows": tiny_engine.rows, "width": tiny_engine.width, "threads": 1}
            runtime = Runtime("tiny", known._config, activations="bfloat16", **about)
            runtime.program("update", attrs.evolve(lone, members=members))
            kinds.append(sum("PartitionedCall" in o.type for o in runtime.graph.get_operations()))
            runtime.close()
    assert kinds[0] == kinds[1] > 0
    assert kinds[2] == kinds[3] == 0


def test_without_xla_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "available", lambda: False)
    with compiled.compiling(True):
        assert not compiled.wanted()
    _, operations = _outcome(*_CASES["norm"], compile=True)
    assert "PartitionedCall" not in operations


def test_compiling_writes_nothing_to_the_error_stream() -> None:
    code = """
from spotfw.backends.mesh import compiled
from spotfw.backends.mesh.compat import tf
compiled._LARGE = 0
with tf.Graph().as_default(), compiled.compiling(True), tf.Session() as session:
    given = tf.placeholder(tf.bfloat16, [2])
    made = compiled.compiled(tf.square, given)
    assert made.op.type != "Square"
    print(session.run(made, {given: [1.0, 3.0]}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[1 9]\n", "")


def test_with_dropout_attention_stays_mesh_tf_s() -> None:
    with tf.Graph().as_default(), compiled.compiling(True):
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        q, k = (mtf.zeros(mesh, shape, tf.bfloat16) for shape in (_Q, _K))
        for train in (True, False):
            made = joint_attention.attention(
                *(q, k, k, KEYS, WIDTH, WIDTH),
                dropout_rate=0.1,
                dropout_broadcast_dims=[LENGTH],
                context=_context(train),
            )
            name = made.operation.name.rpartition("/")[2]
            assert name.startswith("attention") is not train
