"""Gin text of strangers: what of T5's own is taken, and that nothing else is, let alone run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from spotfw.backends.mesh import model
from spotfw.backends.mesh.gin_text import model_gin
from spotfw.errors import SpotError
from tests.backends.mesh.test_engine import opened

T5_GIN = sorted([*model._T5_GIN.rglob("*.gin"), *model._MESH_GIN.rglob("*.gin")])


@pytest.mark.parametrize("path", T5_GIN, ids=lambda path: path.stem)
def test_all_of_t5s_own_texts_are_taken(path: Path) -> None:
    taken = model_gin(model._inlined(path))
    assert model_gin(taken) == taken


def test_what_is_taken_of_a_text_is_what_concerns_the_model() -> None:
    text = """
import mesh_tensorflow.transformer.transformer as mesh_tensorflow2
d_ff = 32
MIXTURE_NAME = 'all'
encoder/DenseReluDense:
  hidden_size = %d_ff
  activation = ['gelu', 'linear']
make_layer_stack.layers = [@transformer_layers.SelfAttention, @DenseReluDense]
run.mesh_shape = @mesh_tensorflow.transformer.utils.tpu_mesh_shape()
mesh_train_dataset_fn.mixture_or_task_name = %MIXTURE_NAME
"""
    assert model_gin(text).splitlines() == [
        "d_ff = 32",
        "MIXTURE_NAME = 'all'",
        "encoder/DenseReluDense.hidden_size = %d_ff",
        "encoder/DenseReluDense.activation = ['gelu', 'linear']",
        "make_layer_stack.layers = [@transformer_layers.SelfAttention, @DenseReluDense]",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "from __gin__ import dynamic_registration",
        "import __gin__.dynamic_registration",
        "import stranger",
        "from stranger import thing",
        "import os as transformer",
        "import mesh_tensorflow_stranger",
        "include 'other.gin'",
        "include '/etc/passwd'",
        "make_layer_stack.layers = @utils.run()",
        "make_layer_stack.layers = [@utils.run]",
        "make_layer_stack.layers = [@transformer.sublayer_dropout()]",
        "make_layer_stack.layers = @stranger",
        "stranger.value = 1",
        "os.environ = 'x'",
        "gin.singleton.constructor = @utils.run",
        "x/gin.singleton.constructor = @DenseReluDense",
        "Unitransformer.d_model = %nobody",
        "Unitransformer.d_model = %gin.REQUIRED",
        "DenseReluDense.activation = 'Print'",
        "DenseReluDense.activation = ['gelu', 'import_tf_tensor']",
        "make_layer_stack.num_layers = 1000000000",
        "num_layers = 1000000000\nmake_layer_stack.num_layers = %num_layers",
        "make_layer_stack.num_layers = 0.5",
        "make_layer_stack.layers = [" + "@DenseReluDense, " * 70 + "]",
        "Unitransformer.d_model = " + "9" * 400,
        "Unitransformer.d_model = " + "9" * 20,
        "Unitransformer.d_model = 1e999",
        "Unitransformer.d_model = " + "[" * 500 + "]" * 500,
        "Unitransformer.d_model = 'a\x1b[31m'",
        "Unitransformer.d_model = '" + "x" * 2000 + "'",
        "Unitransformer.d_model = %a\na = %a",
        "Unitransformer.d_model = b'bytes'",
        "Unitransformer.d_model = (lambda: 1)()",
        "Unitransformer.d_model =",
        "'''",
        "  x = 1\n y = 2",
    ],
)
def test_anything_else_is_refused_by_name_and_line(line: str) -> None:
    with pytest.raises(SpotError, match=r"line 2|line 3|cannot be read") as error:
        model_gin(f"d_kv = 8\n{line}\n")
    text = str(error.value)
    assert "\n" not in text and "--gin" in text and len(text) < 700


def test_a_text_of_any_length_is_refused_before_it_is_read() -> None:
    with pytest.raises(SpotError, match="more than"):
        model_gin("d_kv = 8\n" * 200_000)


@pytest.mark.parametrize(
    "attack",
    [
        "from __gin__ import dynamic_registration\nimport stranger\n"
        "make_layer_stack.layers = @stranger.thing()\n",
        "import stranger\n",
    ],
)
def test_opening_a_strangers_model_runs_nothing_of_it(
    attack: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "stranger.py").write_text(f"open({str(ran)!r}, 'w')\nthing = print\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(tiny_model, tmp_path / "m")
    config = folder / "operative_config.gin"
    config.write_text(config.read_text() + attack)
    with pytest.raises(SpotError, match=r"stranger|__gin__"):
        opened(folder)
    assert not ran.exists() and "stranger" not in sys.modules
