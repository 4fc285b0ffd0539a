"""A TPU's programs, built whole without one, and the loop of updates, run here."""

from __future__ import annotations

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

    def __init__(self, updates: int) -> None:
        from spotfw.backends.mesh.machines import LocalMachine

        self._local = LocalMachine()
        self.layout = self._local.layout
        self.updates = updates
        self.runs = 0

    def session(self, graph: Any, threads: int) -> Any:
        return self._local.session(graph, threads)

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


def test_a_loop_of_updates_learns_what_single_updates_do(tiny_model: Any, tiny_task: Any) -> None:
    """Steps 0 to 10 with a checkpoint at 4 and 8, three updates a run at most; and resumed at 4."""
    from spotfw.backends.mesh.engine import MeshModel
    from spotfw.backends.mesh.folders.checkpoint import Checkpoint
    from spotfw.backends.mesh.model import read_gin

    settings = TuningSettings(
        prompt_length=4,
        steps=10,
        checkpoint_every=4,
        batch_size=8,
        learning_rate=0.1,
        dropout=0.0,  # masks have the shape of the padding, which differs
        max_input_length=16,
        max_target_length=4,
    )
    start = np.random.default_rng(0).standard_normal((4, 16)).astype(np.float32)

    def states(machine: Any, begin: TuningState) -> dict[int, TuningState]:
        checkpoint = Checkpoint(str(tiny_model))
        model = MeshModel(checkpoint, read_gin(str(tiny_model)), None, "float32", 1, None, machine)
        reports = list(model.tune([TuneRequest(task=tiny_task, settings=settings, start=begin)]))
        model.close()
        assert all(report.error is None for report in reports)
        return {report.step: report.state for report in reports if report.state is not None}

    begin = TuningState(step=0, prompt=start)
    loops = Loops(3)
    single, looped = states(None, begin), states(loops, begin)
    assert list(single) == list(looped) == [4, 8, 10] and loops.runs == 1
    for step, state in single.items():
        np.testing.assert_allclose(looped[step].prompt, state.prompt, rtol=0, atol=1e-4)
    resumed = states(Loops(3), looped[4])
    np.testing.assert_array_equal(resumed[10].prompt, looped[10].prompt)
