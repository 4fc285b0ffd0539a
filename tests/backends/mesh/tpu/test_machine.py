"""A TPU's programs, built whole without one, and the loop of updates, run here."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import TuneRequest, TuningState
from spotfw.errors import SpotError

CONFIG = {"d_model": 32, "d_ff": 64, "d_kv": 8, "num_heads": 4, "num_layers": 1}
ROWS, LENGTH = 256, 4


def runtime(machine: Any) -> Any:
    from spotfw.backends.mesh.model import size_gin
    from spotfw.backends.mesh.runtime import Runtime

    return Runtime(
        "a T5",
        size_gin("tiny", **CONFIG),
        rows=ROWS,
        width=CONFIG["d_model"],
        activations="bfloat16",
        threads=1,
        machine=machine,
    )


@pytest.mark.parametrize(("topology", "parallelism", "devices"), [("v3-8", 4, 8), ("v4-8", 1, 4)])
def test_every_program_is_built_for_a_tpu_that_is_not_there(
    topology: str, parallelism: int, devices: int
) -> None:
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.tpu.opening import open_machine

    machine = open_machine(
        tpu="dry", tpu_topology=topology, model_parallelism=parallelism, iterations_per_loop=7
    )
    built = runtime(machine)
    shapes = Shapes(batch=8, inputs=12, targets=4, prompt_length=LENGTH, dropout=0.1)
    update = built.program("update", shapes)
    assert update.feeds["inputs"].shape.as_list() == [7, 1, 8, 12]
    assert update.fetches["loss"].shape.as_list() == [7, 1]
    prompts = f"shared/prompt_1x{LENGTH}"
    assert {prompts, f"{prompts}_slot_v", "shared/embedding"} <= update.copies.keys()
    assert machine.work.memory > 0
    decoded = built.program("decode", attrs.evolve(shapes, dropout=0.0))
    assert decoded.fetches["ids"].shape.as_list() == [1, 8, 4]
    operations = built.graph.get_operations()
    compiled = {
        op.get_attr("_tpu_replicate") for op in operations if "_tpu_replicate" in op.node_def.attr
    }
    assert len(compiled) == 2
    (first, _) = (op for op in operations if op.type == "TPUReplicateMetadata")
    assert first.get_attr("num_replicas") == devices
    # bfloat16 on the devices, but for prompts and their second moments.
    slices = {
        op.name: op.get_attr("dtype").name
        for op in operations
        if "_slice_0" in op.name and op.type == "VarHandleOp"
    }
    assert {slices[name] for name in slices if "prompt" in name} == {"float32"}
    assert {slices[name] for name in slices if "prompt" not in name} == {"bfloat16"}


def test_an_update_that_does_not_fit_is_refused_before_it_is_built() -> None:
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.tpu.opening import open_machine

    machine = open_machine(tpu="dry", tpu_topology="v3-8")
    huge = Shapes(batch=2**17, inputs=500, targets=4, prompt_length=LENGTH)
    with pytest.raises(SpotError, match=r"does not fit into v3-8.*has 16 GiB"):
        runtime(machine).program("update", huge)


class Loops:
    """A machine of this processor that does updates in a loop, as a TPU does."""

    def __init__(self, updates: int, target: str | None = None) -> None:
        from spotfw.backends.mesh.machines import LocalMachine

        self._local = LocalMachine()
        self._target = target
        self.layout = self._local.layout
        self.updates = updates
        self.runs = 0

    def session(self, graph: Any, threads: int) -> Any:
        from spotfw.backends.mesh.compat import tf
        from spotfw.backends.mesh.tpu.watching import TpuSession

        if self._target is None:
            return self._local.session(graph, threads)
        address = self._target.removeprefix("grpc://")
        return TpuSession(tf.Session(self._target, graph=graph), "my-tpu", [address], pulse=0.2)

    def program(self, feeds: Any, plan: Any, layout: Any) -> Any:
        from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
        from spotfw.backends.mesh.compat import tf
        from spotfw.backends.mesh.machines import Program
        from spotfw.backends.mesh.placement import LocalMesh
        from spotfw.backends.mesh.tpu.looping import classic_control_flow, looped, stacked

        if "seed" not in feeds:
            return self._local.program(feeds, plan, layout)
        self.runs += 1
        many = stacked(feeds, self.updates)
        fed = {name: tf.placeholder(feed.dtype, feed.shape) for name, feed in many.items()}

        def once(given: Any) -> Any:
            made = plan(given)
            mesh = LocalMesh(given["seed"], given["step"], layout)
            lowering = mtf.Lowering(made.mesh.graph, {made.mesh: mesh}, autostack=False)
            results = {n: lowering.export_to_tf_tensor(t) for n, t in made.fetches.items()}
            return results, tf.group([lowering.lowered_operation(op) for op in made.updates])

        members = feeds["seed"].shape
        with classic_control_flow():
            results = looped(once, fed, self.updates, {"loss": members, "finite": members})
        with tf.control_dependencies(list(results.values())):
            update = tf.no_op()
        return Program(feeds=fed, fetches={**results, "update": update})


def settings(dropout: float) -> TuningSettings:
    """Ten steps with checkpoints at 4, 8 and the last."""
    return TuningSettings(
        prompt_length=4,
        steps=10,
        checkpoint_every=4,
        batch_size=8,
        learning_rate=0.1,
        dropout=dropout,
        max_input_length=16,
        max_target_length=4,
    )


def states(
    folder: Any,
    task: Any,
    machine: Any,
    begin: TuningState | None = None,
    dropout: float = 0.0,
    wanted: Any = lambda: True,
) -> tuple[dict[int, TuningState], Exception | None]:
    """The checkpoints of a tuning on a machine, and what ended it."""
    from spotfw.backends.mesh.engine import MeshModel
    from spotfw.backends.mesh.folders.checkpoint import Checkpoint
    from spotfw.backends.mesh.model import read_gin

    start = np.random.default_rng(0).standard_normal((4, 16)).astype(np.float32)
    begin = begin or TuningState(step=0, prompt=start)
    checkpoint = Checkpoint(str(folder))
    model = MeshModel(checkpoint, read_gin(str(folder)), None, "float32", 1, None, machine)
    kept: dict[int, TuningState] = {}
    error = None
    request = TuneRequest(task=task, settings=settings(dropout), start=begin, wanted=wanted)
    for report in model.tune([request]):
        error = report.error
        if report.state is not None:
            kept[report.step] = report.state
            wanted.__dict__["seen"] = report.step
    if error is None:
        model.close()
    return kept, error


def test_a_loop_of_updates_learns_what_single_updates_do(tiny_model: Any, tiny_task: Any) -> None:
    """Checkpoints at 4, 8 and 10, with three updates a run at most; without dropout, whose masks
    have the shape of the padding, which differs."""
    loops = Loops(3)
    single, _ = states(tiny_model, tiny_task, None)
    looped, _ = states(tiny_model, tiny_task, loops)
    assert list(single) == list(looped) == [4, 8, 10] and loops.runs == 1
    for step, state in single.items():
        np.testing.assert_allclose(looped[step].prompt, state.prompt, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_told_and_the_run_goes_on_elsewhere(
    tiny_model: Any, tiny_task: Any
) -> None:
    """TensorFlow's own server in a process of its own stands for a TPU worker.

    It is killed once the first checkpoint is reported. A run that goes on from there on another
    worker ends as one that was never interrupted, bit for bit. That one has such a worker too:
    TensorFlow's graph optimizer, which a session of this process goes without, rounds otherwise.
    """
    with worker() as (_, target):
        expected, error = states(tiny_model, tiny_task, Loops(3, target), dropout=0.1)
    assert error is None
    with worker() as (process, target):

        def wanted() -> bool:
            if wanted.__dict__.get("seen") == 4 and process.poll() is None:
                process.kill()
                process.wait()
            return True

        kept, error = states(tiny_model, tiny_task, Loops(3, target), dropout=0.1, wanted=wanted)
    assert list(kept) == [4]
    assert isinstance(error, SpotError) and "The TPU my-tpu is gone" in str(error)
    assert "--resume" in str(error) and "\n" not in str(error)
    with worker() as (_, target):
        resumed, error = states(tiny_model, tiny_task, Loops(3, target), begin=kept[4], dropout=0.1)
    assert error is None
    np.testing.assert_array_equal(resumed[10].prompt, expected[10].prompt)


@contextlib.contextmanager
def worker() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process with TensorFlow's server, and its address."""
    code = (
        "from spotfw.backends.mesh.compat import tf\n"
        "server = tf.train.Server.create_local_server()\n"
        "print(server.target, flush=True)\n"
        "server.join()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
