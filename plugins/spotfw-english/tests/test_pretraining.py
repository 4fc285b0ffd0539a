"""From text to a model, in miniature: it learns, goes on, and opens in both engines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from spotfw.errors import SpotError, WrongUse

torch = pytest.importorskip("torch", reason="pre-training needs PyTorch")

#: A run of seconds: of the smallest size, with few pieces and short rows.
TINY: dict[str, Any] = {
    "size": "tiny",
    "pieces": 400,
    "steps": 60,
    "rows": 8,
    "input_tokens": 64,
    "target_tokens": 24,
    "save_every": 20,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than so small a model."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(text: Path, out: Path, **changes: Any) -> list[Mapping[str, Any]]:
    from spotfw_english.pretraining.running import pretrain

    log: list[Mapping[str, Any]] = []
    pretrain(text, out, observer=log.append, **{**TINY, **changes})
    return log


@pytest.fixture(scope="module")
def trained(generated_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    run(generated_text, out)
    return out


def test_the_loss_falls_well_below_the_start(generated_text: Path, tmp_path: Path) -> None:
    log = run(generated_text, tmp_path / "run", steps=150, save_every=150)
    first, last = log[0], log[-2]
    assert (first["step"], last["step"]) == (1, 150)
    for kind in ("span", "task"):
        assert last[kind] < 0.5 * first[kind], kind
    held_out = log[-1]["held_out"]
    assert held_out["span"] < 0.5 * first["span"] and "lm" in held_out


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(
    generated_text: Path, trained: Path
) -> None:
    from spotfw_english.pretraining.training import Training

    out = trained.parent / "stopped"
    shutil.copytree(trained, out)
    shutil.rmtree(out / "model")
    (out / "state.safetensors").unlink()
    (out / "log.jsonl").unlink()

    class Stopped(Exception):
        pass

    def stop(training: Training, *rest: Any) -> Any:
        if training.step == 30:
            raise Stopped
        return update(training, *rest)

    update = Training._update
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Training, "_update", stop)
        run(generated_text, out)
    assert not (out / "model").exists()
    run(generated_text, out)
    once = (trained / "model" / "model.safetensors").read_bytes()
    assert (out / "model" / "model.safetensors").read_bytes() == once


def test_a_training_of_one_step_has_held_out_losses(generated_text: Path, tmp_path: Path) -> None:
    *_, last = run(generated_text, tmp_path / "run", steps=1)
    assert "span" in last["held_out"] and (tmp_path / "run" / "model").is_dir()


def test_workers_make_the_same_batches(trained: Path) -> None:
    import numpy as np

    from spotfw_english.pretraining.batches import BatchMaker, Mix, Recipe
    from spotfw_english.pretraining.feeding import batches
    from spotfw_english.pretraining.sizes import RowSize

    recipe = Recipe(
        corpus=trained / "corpus",
        part="train",
        vocabulary=trained / "spiece.model",
        table=500,
        steps=6,
        size=RowSize(inputs=64, targets=24),
        mix=Mix(rows=8),
    )
    maker = BatchMaker(recipe)
    with batches(recipe, 2, workers=1) as made:
        for step, batch in zip(range(2, 6), made, strict=True):
            own = maker.batch(step)
            assert np.array_equal(batch.inputs, own.inputs)
            assert np.array_equal(batch.targets, own.targets)


def test_another_training_is_not_gone_on_with(generated_text: Path, trained: Path) -> None:
    with pytest.raises(SpotError, match="begun with other text, sizes or settings"):
        run(generated_text, trained, rate=0.5)


def test_both_engines_open_the_model_and_name_it_alike(trained: Path) -> None:
    torch_plugin = pytest.importorskip("spotfw_torch", reason="the engine on PyTorch")
    assert torch_plugin
    import spotfw
    from spotfw.backends.mesh.folders.hf_model import HFModel

    folder = str(trained / "model")
    session = spotfw.Session(folder, backend="torch")
    assert session.model.fingerprint == HFModel(folder).fingerprint
    session.close()


@pytest.mark.slow
def test_mesh_tensorflow_reads_it_too(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="the engine on Mesh TensorFlow")
    from spotfw.backends.mesh.engine import open_model
    from spotfw.backends.mesh.folders.convert import hf_to_mesh
    from spotfw.backends.mesh.folders.hf_model import HFModel
    from spotfw.config import TuningSettings

    hf_to_mesh(str(trained / "model"), str(tmp_path / "mesh"), "bfloat16")
    model = open_model(str(tmp_path / "mesh"))
    assert model.fingerprint == HFModel(str(trained / "model")).fingerprint
    settings = TuningSettings(max_input_length=32, max_target_length=8)
    (answer,) = model.predict(None, ["correct: The farmer bought"], settings)
    assert isinstance(answer, str)
    model.close()


def test_the_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "spotfw_english.pretraining", "train", str(tmp_path)]
    ran = subprocess.run(
        [*words, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        check=False,
    )
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr.startswith("Error: There is no text in")


def test_text_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="one paragraph or dialogue a line"):
        run(tmp_path, tmp_path / "out")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe broken \xff\n" * 300)
    with pytest.raises(SpotError, match="It must be UTF-8"):
        run(tmp_path, tmp_path / "out")
    (tmp_path / "bad.txt").write_text("short\n")
    with pytest.raises(SpotError, match="Give more text"):
        run(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / "corpus").exists()
