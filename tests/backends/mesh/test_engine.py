"""Opening a model: what must be there, what must fit, and which configurations are read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import TuneRequest, TuningState
from spotfw.errors import SpotError, WrongUse
from spotfw.tasks import Task

SETTINGS = TuningSettings(
    steps=3,
    batch_size=4,
    prompt_length=4,
    checkpoint_every=3,
    max_input_length=16,
    max_target_length=4,
)
LINES = ["review: the film was good and fine", "review: the room was cold"]


def opened(*args: Any, **options: Any) -> Any:
    from spotfw.backends.mesh.engine import open_model

    return open_model(*map(str, args), threads=1, **options)


def tuned(engine: Any, task: Task, **changes: Any) -> TuningState:
    prompt = np.random.default_rng(0).standard_normal((4, engine.width)).astype(np.float32)
    settings = attrs.evolve(SETTINGS, **changes)
    request = TuneRequest(task=task, settings=settings, start=TuningState(step=0, prompt=prompt))
    state = list(engine.tune([request]))[-1].state
    assert state is not None
    return state


def changed(model: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of the model with its variables changed in place by `change`."""
    from spotfw.backends.mesh.folders.checkpoint import Checkpoint, write_checkpoint

    stored = Checkpoint(str(model))
    values = {name: stored.read(name) for name in stored.variables}
    change(values)
    write_checkpoint(str(folder), 1, values.items())
    for name in ("spiece.model", "operative_config.gin"):
        shutil.copy(model / name, folder / name)
    return folder


def test_what_initializers_are_given(tiny_engine: Any, tiny_model: Path) -> None:
    from spotfw.backends.mesh.folders.checkpoint import fingerprint

    context = tiny_engine.init_context(7, ["good", "bad"], "argument")
    assert (context.length, context.labels, context.argument) == (7, ("good", "bad"), "argument")
    assert context.embeddings.shape == (128, 16)
    assert context.embeddings.dtype == np.float32
    assert context.fingerprint == tiny_engine.fingerprint == fingerprint(str(tiny_model))
    assert context.vocabulary.decode(context.vocabulary.encode("good film")) == "good film"
    assert 0 < context.pieces <= 128
    assert context.vocabulary.decode([context.pieces - 1])
    assert tiny_engine.name == str(tiny_model)


def test_embeddings_are_the_session_s(tiny_engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tiny_engine.embeddings
    monkeypatch.delitem(vars(tiny_engine), "embeddings")
    monkeypatch.setattr(tiny_engine, "checkpoint", None)  # whose folder may be gone by now
    assert tiny_engine.embeddings.tobytes() == shown.tobytes()


def test_variables_that_do_not_fit_are_named(tiny_model: Path, tmp_path: Path) -> None:
    def change(values: dict[str, Any]) -> None:
        del values["encoder/block_000/layer_000/SelfAttention/q"]
        values["encoder/block_007/rms_norm/scale"] = np.ones(16, np.float32)
        values["decoder/logits/kernel"] = np.ones((16, 256), np.float32)

    with pytest.raises(SpotError) as error:
        opened(changed(tiny_model, tmp_path / "m", change))
    text = str(error.value)
    assert "1 missing (encoder/block_000/layer_000/SelfAttention/q)" in text
    assert "1 unexpected (encoder/block_007/rms_norm/scale)" in text
    assert "decoder/logits/kernel is [16, 256], not [16, 128]" in text
    assert "\n" not in text


def test_a_checkpoint_without_embeddings_is_no_t5(tiny_model: Path, tmp_path: Path) -> None:
    def flat(values: dict[str, Any]) -> None:
        values["shared/embedding"] = values["shared/embedding"].reshape(-1)

    with pytest.raises(SpotError, match="no matrix shared/embedding"):
        opened(changed(tiny_model, tmp_path / "m", lambda values: values.pop("shared/embedding")))
    with pytest.raises(SpotError, match="no matrix shared/embedding"):
        opened(changed(tiny_model, tmp_path / "flat", flat))


def test_a_kernel_of_another_rank_is_named(tiny_model: Path, tmp_path: Path) -> None:
    name = "encoder/block_000/layer_001/DenseReluDense/wi_0/kernel"

    def change(values: dict[str, Any]) -> None:
        values[name] = values[name].reshape(-1)

    with pytest.raises(SpotError, match=rf"1 of another shape \({name} is"):
        opened(changed(tiny_model, tmp_path / "m", change))


@pytest.mark.slow
def test_optimizer_slots_and_the_step_of_a_released_checkpoint_are_ignored(
    tiny_model: Path, tmp_path: Path, tiny_engine: Any
) -> None:
    def change(values: dict[str, Any]) -> None:
        for name in list(values):
            values[f"{name}_slot_vr"] = np.zeros(3, np.float32)
        values["global_step"] = np.zeros((), np.int64)

    engine = opened(changed(tiny_model, tmp_path / "m", change))
    assert engine.fingerprint == tiny_engine.fingerprint
    assert engine.predict(None, LINES, SETTINGS) == tiny_engine.predict(None, LINES, SETTINGS)
    engine.close()


def test_a_folder_without_what_is_needed_is_reported(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(SpotError, match="cannot be opened"):
        opened(tmp_path / "absent")
    with pytest.raises(SpotError, match="holds no checkpoint"):
        opened(tmp_path)
    for missing, message in (("operative_config.gin", "--gin"), ("spiece.model", "--vocabulary")):
        folder = shutil.copytree(tiny_model, tmp_path / missing)
        (folder / missing).unlink()
        with pytest.raises(SpotError, match=message):
            opened(folder)


def test_a_half_copied_checkpoint_is_reported(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "cut")
    (data,) = folder.glob("*.data-*")
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(SpotError, match="copy it again"):
        opened(folder)
    data.unlink()
    with pytest.raises(SpotError, match="copy it again"):
        opened(folder)


@pytest.mark.parametrize("text", ["d_model = ", "not gin at all {", "include 'absent.gin'"])
def test_a_configuration_that_cannot_be_read_is_reported(
    tiny_model: Path, tmp_path: Path, text: str
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "m")
    (folder / "operative_config.gin").write_text(text)
    with pytest.raises(SpotError, match="configuration") as error:
        opened(folder)
    assert "\n" not in str(error.value)


def test_a_configuration_that_describes_no_t5_is_reported(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "m")
    (folder / "operative_config.gin").write_text("d_model = 16\n")
    with pytest.raises(SpotError, match="configuration") as error:
        opened(folder)
    assert "\n" not in str(error.value)


def test_the_configuration_of_another_size_is_reported(tiny_model: Path) -> None:
    with pytest.raises(SpotError, match="do not fit the model"):
        opened(tiny_model, gin="tiny")


def test_an_unknown_kind_of_activations_is_reported(tiny_model: Path) -> None:
    with pytest.raises(WrongUse, match="bfloat16"):
        opened(tiny_model, activations="float31")


@pytest.mark.slow
def test_bfloat16_activations_run(tiny_model: Path, tiny_engine: Any, tiny_task: Task) -> None:
    engine = opened(tiny_model, activations="bfloat16")
    state, exact = tuned(engine, tiny_task), tuned(tiny_engine, tiny_task)
    assert state.prompt.dtype == np.float32
    assert state.prompt.tobytes() != exact.prompt.tobytes()
    assert np.corrcoef(state.prompt.ravel(), exact.prompt.ravel())[0, 1] > 0.7
    assert len(engine.predict(state.prompt, LINES, SETTINGS)) == 2
    held = engine.read_variables()
    for name, value in tiny_engine.read_variables().items():
        # As they are computed with; what prompts begin from is not rounded.
        assert held[name].tobytes() == value.astype(held[name].dtype).tobytes()
        assert held[name].itemsize == 2
    assert engine.embeddings.tobytes() == tiny_engine.embeddings.tobytes()
    engine.close()


#: What a released checkpoint's operative_config.gin has that a written one has not: modules
#: that are gone, T5's configurables that are gone, a vocabulary in a bucket, bindings in scopes.
RELEASED = """
import __main__
import mesh_tensorflow.optimize
import mesh_tensorflow.transformer.dataset
import mesh_tensorflow.transformer.learning_rate_schedules
import mesh_tensorflow.transformer.t2t_vocabulary
import mesh_tensorflow.transformer.transformer_layers
import mesh_tensorflow.transformer.utils
import t5.data.sentencepiece_vocabulary
import t5.models.mesh_transformer
import t5.models.mesh_transformer_main

# Macros:
# ==============================================================================
MIXTURE_NAME = 'c4_prefix_lm_objective_tokens'
inputs_length = 1024
tokens_per_batch = 1048576
train_steps = 1100000

# Parameters for absolute_position_embeddings... and others that are gone:
t5.gone.from.every.module.size = 3
mesh_tensorflow.transformer.gone.AnotherGoneThing.value = @also_gone()

# Parameters for Vocabulary:
# ==============================================================================
get_default_vocabulary.vocabulary = @t5.data.SentencePieceVocabulary()
t5.data.SentencePieceVocabulary.sentencepiece_model_file = \\
    'gs://t5-data/vocabs/cc_all.32000.100extra/sentencepiece.model'
t5.data.sentencepiece_vocabulary.SentencePieceVocabulary.extra_ids = 100

# Parameters for run:
# ==============================================================================
run.mesh_shape = 'model:8,batch:64'
run.layout_rules = 'batch:batch,d_ff:model,heads:model,vocab:model'
run.sequence_length = {'inputs': 1024, 'targets': 1024}
run.train_dataset_fn = @t5.models.mesh_transformer.mesh_train_dataset_fn
run.variable_filter = None
tpu_mesh_shape.model_parallelism = 8
utils.tpu_mesh_shape.tpu_topology = '8x8'
get_variable_dtype.activation_dtype = 'bfloat16'
get_variable_dtype.slice_dtype = 'float32'
mesh_train_dataset_fn.mixture_or_task_name = %MIXTURE_NAME
dropout_rate = 0.2
encoder/SelfAttention.dropout_rate = 0.3
decoder/Unitransformer.loss_on_targets_only = None
decoder/Unitransformer.z_loss = 0.5
AdafactorOptimizer.beta1 = 0.9
AdafactorOptimizer.clipping_threshold = 0.5
AdafactorOptimizer.factored = True
serialize_num_microbatches.tokens_per_microbatch_per_replica = 8192
"""


def test_a_released_configuration_opens_and_means_the_same(
    tiny_model: Path, tiny_engine: Any, tiny_task: Task, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "m")
    config = folder / "operative_config.gin"
    config.write_text(RELEASED + config.read_text() + RELEASED)
    engine = opened(folder)
    assert (
        tuned(engine, tiny_task).prompt.tobytes() == tuned(tiny_engine, tiny_task).prompt.tobytes()
    )
    assert engine.predict(None, LINES, SETTINGS) == tiny_engine.predict(None, LINES, SETTINGS)
    engine.close()


@pytest.mark.slow
def test_what_was_done_before_on_an_engine_changes_no_bit(
    tiny_model: Path, tiny_task: Task
) -> None:
    """Each program adds operations to one graph, whose optimizer looks at their names."""
    used, fresh = opened(tiny_model), opened(tiny_model)
    expected = tuned(fresh, tiny_task).prompt.tobytes()
    for batch_size in range(5, 18):
        tuned(used, tiny_task, batch_size=batch_size)
    assert tuned(used, tiny_task).prompt.tobytes() == expected
    used.close()
    fresh.close()


def test_the_oldest_released_layout_opens_and_means_the_same(
    tiny_model: Path, tiny_engine: Any, tiny_task: Task, tmp_path: Path
) -> None:
    """Layer norms under another name, and dropout in each stack's own setting."""

    def change(values: dict[str, Any]) -> None:
        for name in [name for name in values if "rms_norm" in name]:
            final = name.count("/") == 2
            values[name.replace("rms_norm", "final_layer_norm" if final else "layer_norm")] = (
                values.pop(name)
            )

    folder = changed(tiny_model, tmp_path / "m", change)
    config = folder / "operative_config.gin"
    text = config.read_text()
    for setting, value in (("dropout_rate", "0.4"), ("norm_epsilon", "1e-06")):
        assert text.count(f"LayerStack.{setting} = None") == 2
        text = text.replace(f"LayerStack.{setting} = None", f"LayerStack.{setting} = {value}")
    config.write_text(text)
    engine = opened(folder)
    assert engine.fingerprint == tiny_engine.fingerprint
    expected = tuned(tiny_engine, tiny_task)
    assert tuned(engine, tiny_task).prompt.tobytes() == expected.prompt.tobytes()
    assert engine.predict(None, LINES, SETTINGS) == tiny_engine.predict(None, LINES, SETTINGS)
    engine.close()


def test_opening_a_model_leaves_gin_as_it_was(tiny_model: Path, tiny_task: Task) -> None:
    import gin

    before = gin.config_str()
    engine = opened(tiny_model)
    tuned(engine, tiny_task)
    engine.close()
    assert gin.config_str() == before


@pytest.mark.slow
def test_t5_s_own_vocabulary_and_tiny_configuration(
    shared: Path, tiny_task: Task, tmp_path: Path
) -> None:
    from spotfw.backends.mesh.folders.checkpoint import write_checkpoint
    from spotfw.backends.mesh.folders.hf_names import T5Dimensions, variables
    from spotfw.backends.mesh.model import operative_config, size_gin

    vocabulary = shared / "vocab" / "t5.model"
    if not vocabulary.is_file():
        pytest.skip("needs ../shared/vocab/t5.model")
    config = operative_config(size_gin("tiny"), 32128)
    import re

    def macro(name: str) -> int:
        match = re.search(rf"^{name} = (\d+)$", config, re.MULTILINE)
        assert match
        return int(match[1])

    sizes = {name: macro(name) for name in ("d_model", "d_ff", "d_kv", "num_heads")}
    layers = macro("num_layers")
    dims = T5Dimensions(
        **sizes, encoder_layers=layers, decoder_layers=layers, vocabulary_size=32128
    )
    random = np.random.default_rng(0)
    tensors = (
        (v.mesh, (0.1 * random.standard_normal(v.shape) + v.mesh.endswith("/scale")).astype("f4"))
        for v in variables(dims)
    )
    write_checkpoint(str(tmp_path), 0, tensors)
    # No configuration beside it: the size is named, and so is the vocabulary.
    engine = opened(tmp_path, gin="tiny", vocabulary=str(vocabulary))
    assert engine.vocabulary.vocab_size == 32100
    state = tuned(engine, tiny_task)
    assert state.prompt.shape == (4, sizes["d_model"])
    answers = engine.predict(state.prompt, LINES, SETTINGS)
    assert len(answers) == 2
    assert engine.evaluate([state.prompt], tiny_task, "validation", SETTINGS)[0].examples == 20
    engine.close()
