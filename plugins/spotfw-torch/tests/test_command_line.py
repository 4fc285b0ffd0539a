"""The backend as a plugin: in processes of its own, with and without PyTorch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")

from spotfw_torch.plugin import TorchBackend

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"
)


def test_settings_of_the_backend():
    from spotfw.plugins.settings import configured, parse

    given = parse("device=cuda:1,dtype=bfloat16,compile=true,members=8", "it")
    made = configured(TorchBackend(), given, "the backend 'torch'")
    assert attrs.astuple(made) == ("cuda:1", None, "bfloat16", True, 8)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The environment of a process that has the plugin, installed or not."""
    paths = [entry for entry in sys.path if entry]
    try:
        importlib.metadata.distribution("spotfw-torch")
    except importlib.metadata.PackageNotFoundError:
        folder = tmp_path_factory.mktemp("site")
        facts = folder / "spotfw_torch-0.1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: spotfw-torch\nVersion: 0.1.0\n"
        )
        (facts / "entry_points.txt").write_text("[spotfw]\ntorch = spotfw_torch.plugin\n")
        paths.append(str(folder))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def spotfw(environment, folder: Path, *words: str, given: str | None = None) -> str:
    command = [sys.executable, "-m", "spotfw", *words]
    ended = subprocess.run(
        command, cwd=folder, env=environment, input=given, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@needs_torch
def test_the_command_line_tunes_scores_and_predicts(environment, tmp_path):
    settings = ("--prompt-length", "8", "--batch-size", "8", "--max-eval-examples", "40")
    model = ("--model", "playground", "--backend", "torch:device=cpu")
    tune = ("tune", "film_reviews", *model, *settings, "--out", "run", "--checkpoint-every", "20")
    spotfw(environment, tmp_path, *tune, "--steps", "20")
    spotfw(environment, tmp_path, *tune, "--steps", "40", "--resume")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert {"torch", "numpy", "spotfw"} <= {*record["versions"]}
    assert "tensorflow" not in record["versions"]
    best = ("run/best.safetensors",)
    evaluate = ("evaluate", *best, "film_reviews", "--max-eval-examples", "40", "--json")
    ours = json.loads(spotfw(environment, tmp_path, *evaluate, *model))
    theirs = json.loads(spotfw(environment, tmp_path, *evaluate, "--model", "playground"))
    assert ours == theirs
    lines = "the film was lovely\nthe film was dull\n"
    said = spotfw(environment, tmp_path, "predict", *best, *model, given=lines)
    assert len(said.splitlines()) == 2


@needs_torch
def test_a_process_with_this_backend_imports_no_tensorflow(environment, tmp_path):
    code = """
import sys
import spotfw
from spotfw.testing.tiny_tasks import write_tiny_tasks
(task, *_) = write_tiny_tasks("tasks")
fw = spotfw.Session("playground", backend="torch:device=cpu", library="library")
fw.tune(task, steps=2, checkpoint_every=1, batch_size=4, prompt_length=4, max_eval_examples=4)
fw.rank("tiny_reviews", steps=2, batch_size=4, prompt_length=4, checkpoint_every=1)
heavy = sorted(m for m in sys.modules if m.split(".")[0] in {"tensorflow", "t5", "seqio"})
print("loaded", heavy[:3])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("loaded []\n")


def test_listing_needs_no_pytorch(environment, tmp_path):
    """Where PyTorch is not installed the plugin is listed, and its use says what to do."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")
    without = {**environment, "PYTHONPATH": f"{hidden}{os.pathsep}{environment['PYTHONPATH']}"}
    listed = spotfw(without, tmp_path, "--strict-plugins", "plugins")
    assert "torch" in listed
    words = ["tune", "film_reviews", "--backend", "torch", "--out", "run"]
    ended = subprocess.run(
        [sys.executable, "-m", "spotfw", *words],
        cwd=tmp_path,
        env=without,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "needs PyTorch, which is not installed here" in ended.stderr
    assert "Traceback" not in ended.stderr
