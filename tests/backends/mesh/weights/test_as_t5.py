"""Checkpoints of t5 and ours: one goes on from the other's, weights and optimizer.

t5 here is Mesh TF's transformer and optimizer as t5 trains them, by a configuration of theirs,
without a line of this engine, and TensorFlow's own `Saver`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gin
import numpy as np
import pytest

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer_utils
from spotfw.backends.mesh.engine import open_model
from spotfw.backends.mesh.folders.checkpoint import Checkpoint, write_checkpoint
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.weights.folder import slots_of, write_folder
from spotfw.backends.mesh.weights.requests import begun
from spotfw.backends.mesh.weights.tuning import TunedWeights
from spotfw.config import ModelTuningSettings
from spotfw.errors import SpotError

FACTORED_FROM = 16
SETTINGS = ModelTuningSettings(batch_size=4, dropout=0.0, factored_from=FACTORED_FROM)


class T5:
    """Mesh TF's T5 of a folder under training, its batch [4, 16] and [4, 4]."""

    def __init__(self, folder: Path) -> None:
        config = [
            (folder / "operative_config.gin").read_text(),
            f"AdafactorOptimizer.min_dim_size_to_factor = {FACTORED_FROM}",
            "Unitransformer.z_loss = 1e-4\ndecoder/Unitransformer.z_loss = 1e-4",
            # Losses are summed, and divided by the real tokens below.
            "Unitransformer.loss_denominator = 1.0",
            "decoder/Unitransformer.loss_denominator = 1.0",
        ]
        with gin.unlock_config():
            gin.clear_config()
            gin.parse_config(config, skip_unknown=True)
        try:
            self._build()
        finally:
            gin.clear_config()

    def _build(self) -> None:
        with tf.Graph().as_default() as graph:
            mesh = mtf.Mesh(mtf.Graph(), "mesh")
            self._fed, ids = [], []
            for length in (16, 4):
                dims = [mtf.Dimension("batch", 4), mtf.Dimension("length", length)]
                self._fed.append(tf.placeholder(tf.int32, [4, length]))
                shape = mtf.Shape(dims)
                ids.append(mtf.import_fully_replicated(mesh, self._fed[-1], shape, "ids"))
            step = tf.train.get_or_create_global_step()
            model = transformer_utils.build_model(
                model_type="bitransformer", input_vocab_size=128, output_vocab_size=128
            )
            _, total = model.call_simple(
                *ids, compute_loss=True, mode="train", variable_dtype=mtf.VariableDType(tf.float32)
            )
            real = mtf.reduce_sum(mtf.cast(mtf.greater(ids[1], 0), tf.float32))
            variables = mesh.graph.trainable_variables
            gradients = mtf.gradients([total / real], [v.outputs[0] for v in variables])
            # Its rate is ours; its decay is what t5 binds by default, a function of the step.
            optimizer = mtf.optimize.AdafactorOptimizer(learning_rate=SETTINGS.learning_rate)
            updates = optimizer.apply_grads(gradients, variables)
            one = mtf.placement_mesh_impl.PlacementMeshImpl([], [], [""])
            lowering = mtf.Lowering(mesh.graph, {mesh: one}, autostack=False)
            done = [lowering.lowered_operation(update) for update in updates]
            with tf.control_dependencies(done):
                self._update = tf.assign_add(step, 1)
            self._saver = tf.train.Saver(tf.global_variables())
            self._weights = {
                v.op.name: v for v in tf.global_variables() if "_slot_" not in v.op.name
            }
            self._weights.pop("global_step")
            self._all = {v.op.name: v for v in tf.global_variables()}
            self.session = tf.Session(graph=graph)
            self._anew = tf.global_variables_initializer()

    def restore(self, folder: Path) -> None:
        """All of a checkpoint: weights, optimizer and step."""
        with self.session.graph.as_default():
            self._saver.restore(self.session, tf.train.latest_checkpoint(str(folder)))

    def begin(self, weights: dict[str, Any]) -> None:
        """At step 0, from weights alone."""
        self.session.run(self._anew)
        for name, variable in self._weights.items():
            self.session.run(variable.initializer, {variable.initializer.inputs[1]: weights[name]})

    def save(self, folder: Path, step: int) -> None:
        """As t5 writes a checkpoint."""
        with self.session.graph.as_default():
            self._saver.save(self.session, str(folder / "model.ckpt"), global_step=step)

    def step(self, inputs: Any, targets: Any) -> None:
        """An update."""
        self.session.run(self._update, dict(zip(self._fed, (inputs, targets), strict=True)))

    def values(self) -> dict[str, Any]:
        """Weights, second moments and step."""
        read: dict[str, Any] = self.session.run(self._all)
        return read


@pytest.fixture(scope="module")
def t5(tiny_model: Path) -> Any:
    made = T5(tiny_model)
    yield made
    made.session.close()


def _copied(tiny_model: Path, folder: Path) -> Path:
    """A model's folder without its weights."""
    folder.mkdir()
    for name in ("operative_config.gin", "spiece.model"):
        (folder / name).write_bytes((tiny_model / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def pretrained(t5: T5, tiny_model: Path, batches: Any, tmp_path_factory: Any) -> Path:
    """The tiny model after three updates by t5, whose checkpoint has the optimizer's state."""
    folder = _copied(tiny_model, tmp_path_factory.mktemp("t5") / "model")
    start = Checkpoint(str(tiny_model))
    t5.begin({name: start.read(name) for name in start.variables})
    for step in range(3):
        t5.step(*batches(20 + step))
    t5.save(folder, 3)
    return folder


def agree(ours: dict[str, Any], theirs: dict[str, Any], atol: float) -> None:
    """Weights within `atol`, second moments to a part in 10^4 of the tensor's largest."""
    assert ours.keys() == theirs.keys() - {"global_step"}
    for name, value in ours.items():
        if "_slot_" in name:
            size = np.abs(theirs[name]).max()
            assert size > 0
            np.testing.assert_allclose(value, theirs[name], atol=1e-4 * size, err_msg=name)
        else:
            np.testing.assert_allclose(value, theirs[name], atol=atol, rtol=0, err_msg=name)


@pytest.mark.slow
def test_tuning_begins_with_the_optimizer_of_pre_training(
    t5: T5, pretrained: Path, batches: Any
) -> None:
    """The paper's ModelTuning goes on from T5's own state; so t5's next updates are ours."""
    model = open_model(str(pretrained), threads=1)
    assert model.has_optimizer_state
    first = shapes(SETTINGS)
    weights = begun(model.origin(), model.checkpoint, FACTORED_FROM, first)
    assert weights.updates == 3
    t5.restore(pretrained)
    before = t5.values()
    agree(dict(weights.runtime.newest(slots=True)), before, 0.0)
    for step in range(2):
        weights.step(*batches(30 + step), SETTINGS, step)
        t5.step(*batches(30 + step))
        agree(dict(weights.runtime.newest(slots=True)), t5.values(), 1e-6)
    moved = {name: np.abs(v - before[name]).max() for name, v in t5.values().items()}
    assert min(moved.values()) > 0
    # It does change the update: afresh, the same batches lead elsewhere.
    afresh = begun(
        model.origin(), _without_state(pretrained, pretrained / "afresh"), FACTORED_FROM, first
    )
    assert afresh.updates == 0
    for step in range(2):
        afresh.step(*batches(30 + step), SETTINGS, step)
    apart = [
        np.abs(value - t5.values()[name]).max()
        for name, value in afresh.runtime.newest(slots=False)
    ]
    assert max(apart) > 1e-4
    for each in (weights.runtime, afresh.runtime, model):
        each.close()


def test_t5_goes_on_from_our_checkpoint(
    t5: T5, tiny_engine: Any, begin: Callable[..., TunedWeights], batches: Any, tmp_path: Path
) -> None:
    weights = begin(tiny_engine, FACTORED_FROM)
    for step in range(3):
        weights.step(*batches(40 + step), SETTINGS, step)
    tensors = weights.runtime.newest(slots=True)
    write_folder(tmp_path, tiny_engine.origin().files, tensors, weights.updates)
    t5.restore(tmp_path)
    restored = t5.values()
    assert restored["global_step"] == 3
    agree(dict(weights.runtime.newest(slots=True)), restored, 0.0)
    weights.step(*batches(50), SETTINGS, 3)
    t5.step(*batches(50))
    agree(dict(weights.runtime.newest(slots=True)), t5.values(), 1e-6)
    files = {path.name.partition("-")[0] for path in tmp_path.iterdir()}
    assert files == {"checkpoint", "model.ckpt", "operative_config.gin", "spiece.model"}


def test_a_state_that_does_not_fit_is_refused(pretrained: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(str(pretrained))
    with pytest.raises(SpotError, match=r"slot_v is not there, .* the factored_from it was made"):
        slots_of(checkpoint, 128)
    slot = "encoder/rms_norm/scale_slot_v"
    values = {name: checkpoint.read(name) for name in checkpoint.variables}
    values |= {name: checkpoint.read_slot(name) for name in checkpoint.slots}

    def changed(name: str, value: Any) -> Checkpoint:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        write_checkpoint(str(folder), 3, {**values, name: value}.items())
        return Checkpoint(str(folder))

    assert changed("more", np.ones(1, np.float32)).updates == 3  # by the file's name
    with pytest.raises(SpotError, match="NaN or infinite"):
        slots_of(changed(slot, np.full(16, np.nan, np.float32)), FACTORED_FROM)(slot)
    with pytest.raises(SpotError, match="hold a number below 0"):
        slots_of(changed(slot, np.full(16, -1, np.float32)), FACTORED_FROM)(slot)
    with pytest.raises(SpotError, match=r"has the shape \[15\]"):
        slots_of(changed(slot, np.ones(15, np.float32)), FACTORED_FROM)
    with pytest.raises(SpotError, match=r"global_step .* is damaged"):
        _ = changed("global_step", np.array(-1, np.int64)).updates


def _without_state(folder: Path, to: Path) -> Checkpoint:
    checkpoint = Checkpoint(str(folder))
    weights = [(name, checkpoint.read(name)) for name in checkpoint.variables]
    write_checkpoint(str(to), checkpoint.step, weights)
    return Checkpoint(str(to))


def shapes(settings: ModelTuningSettings) -> Any:
    return Shapes(
        batch=settings.rows, inputs=16, targets=4, prompt_length=0, dropout=settings.dropout
    )
