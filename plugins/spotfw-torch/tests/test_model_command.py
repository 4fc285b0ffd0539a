"""`spotfw tune --method model`, and scoring and running what it makes."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import attrs
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")

from spotfw import cli

SETTINGS = ("--batch-size", "4", "--max-eval-examples", "8", "--threads", "1")
ENGINE = (*SETTINGS, "--backend", "torch")


@attrs.frozen
class Ran:
    """What a command line did."""

    exit_code: int
    stdout: str
    stderr: str


def run(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.run([str(word) for word in words])
    return Ran(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "all"
    ran = run("tune", "film_reviews", "--method", "model", "--steps", 2, "--out", out, *ENGINE)
    assert ran.exit_code == 0, ran.stderr
    return out, ran


def test_the_disk_is_said(tuned):
    out, ran = tuned
    assert "A checkpoint of all weights takes 4," in ran.stderr
    assert "Adafactor starts afresh" in ran.stderr
    assert f"best weights: {out / 'model'} (step 2" in ran.stdout


def test_the_runs_folder_is_scored_without_a_prompt(tuned):
    out, _ = tuned
    limits = ("--max-eval-examples", "8", "--threads", "1", "--json")
    ran = run("evaluate", out, "film_reviews", *limits)
    assert ran.exit_code == 0, ran.stderr
    about = json.loads(Path(out, "model", "model_tuning.json").read_text())
    assert json.loads(ran.stdout)["score"] == about["score"]
    assert (
        run("evaluate", out / "model", "film_reviews", *limits).stdout.replace(
            f"{out}/model", str(out)
        )
        == ran.stdout
    )
    refused = run("evaluate", out, "film_reviews", "--model", "playground")
    assert refused.exit_code == 2
    assert "Leave --model out" in refused.stderr


def test_it_answers_lines_of_text(tuned, tmp_path):
    out, _ = tuned
    (tmp_path / "lines.txt").write_text("film review: the film was good\n")
    ran = run("predict", out, tmp_path / "lines.txt", "--json", "--threads", "1")
    assert ran.exit_code == 0, ran.stderr
    (row,) = json.loads(ran.stdout)
    assert row["output"] is not None


def test_resuming_gives_the_same_as_json(tuned):
    out, _ = tuned
    words = ("tune", "film_reviews", "--method", "model", "--steps", 2, "--out", out, *ENGINE)
    assert "--resume" in run(*words).stderr
    ran = run(*words, "--resume", "--json")
    assert ran.exit_code == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["model"] == str(out / "model")
    assert document["parameters"] == 1_017_600
    assert [entry["step"] for entry in document["history"]] == [2]


@pytest.mark.parametrize(
    ("method", "option", "value"),
    [
        ("model", "--prompt-length", "4"),
        ("model", "--init", "class_label"),
        ("model", "--seeds", "0,1"),
        ("model", "--weight-decay", "0.1"),
        ("prompt", "--batch-tokens", "64"),
    ],
)
def test_options_of_the_other_method_are_refused(tmp_path, method, option, value):
    words = ("tune", "film_reviews", "--out", tmp_path / "run", option, value)
    ran = run(*words, "--method", method)
    assert ran.exit_code == 2
    assert f"{option} does not go with --method {method}" in ran.stderr


def test_lm_adaptation_makes_the_held_out_text_likelier(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(["the old film was good and the new book was bad"] * 60))
    words = ("models", "adapt", "playground", text, "--out", tmp_path / "run", "--steps", 4)
    more = ("--batch-size", 8, "--checkpoint-every", 2, "--threads", 1, "--json")
    ran = run(*words, *more, "--backend", "torch")
    assert ran.exit_code == 0, ran.stderr
    document = json.loads(ran.stdout)
    first, last = document["history"]
    assert 0 < document["before"]["metrics"]["likelihood"] < first["metrics"]["likelihood"]
    assert "Before the first step the model scores 0." in ran.stderr
    assert 0 < first["metrics"]["likelihood"] < last["metrics"]["likelihood"] < 100
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()
    again = run(*words, *more[:-1], "--resume")
    assert again.exit_code == 0, again.stderr
    steps = [line.split()[0] for line in again.stdout.splitlines()[:4]]
    assert steps == ["step", "0", "2", "4"]


@pytest.mark.slow
def test_a_playground_that_filled_gaps_only_is_adapted_on_the_worlds_text(tmp_path):
    """The playground's second phase by public commands."""
    from spotfw_playground.cli import main
    from spotfw_playground.pretrain import Recipe, pretrain

    recipe = Recipe.of_width(32, corruption_steps=40, lm_steps=0, batch=16, warmup=10, held_out=64)
    pretrain(tmp_path / "gaps", recipe, report=lambda line: None)
    text = tmp_path / "text.txt"
    main(["text", "--out", str(text), "-n", "400"], standalone_mode=False)
    words = ("models", "adapt", tmp_path / "gaps" / "huggingface", text, "--out", tmp_path / "run")
    more = ("--steps", 40, "--checkpoint-every", 20, "--batch-size", 16, "--learning-rate", 0.01)
    limits = ("--max-input-length", 48, "--max-eval-examples", 20, "--threads", 1, "--json")
    ran = run(*words, *more, *limits)
    assert ran.exit_code == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["score"] > 2 * document["before"]["score"] > 0
