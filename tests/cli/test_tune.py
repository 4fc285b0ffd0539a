"""tune, evaluate, predict and transfer, over a stand-in for the engine that needs no TensorFlow.

The stand-in adds one to every number of the prompt at each step and scores a prompt by its
mean, so that every score below can be worked out by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import Evaluation, FrozenModel, InitContext, TuneProgress, TuningState
from spotfw.errors import SpotError
from spotfw.library import Library
from spotfw.prompts import load_prompt

WIDTH = 4


class Spelling:
    """A vocabulary of letters."""

    def encode(self, text):
        return [ord(c) % 50 for c in text]

    def decode(self, ids):
        return "".join(map(chr, ids))


class Counting(FrozenModel):
    name = "counting"
    fingerprint = "f00d"
    width = WIDTH
    seen: list[TuningSettings]

    def __init__(self, folder):
        self.name = folder
        self.seen = []

    def init_context(self, length, labels=(), argument=None):
        return InitContext(
            length=length,
            embeddings=np.zeros((50, WIDTH), np.float32),
            vocabulary=Spelling(),
            pieces=50,
            labels=tuple(labels),
            argument=argument,
            fingerprint=self.fingerprint,
        )

    def tune(self, requests):
        for index, request in enumerate(requests):
            state, settings = request.start, request.settings
            while state.step < settings.steps:
                state = TuningState(step=state.step + 1, prompt=state.prompt + 1, slots={})
                due = state.step % settings.checkpoint_every == 0 or state.step == settings.steps
                yield TuneProgress(
                    request=index,
                    step=state.step,
                    loss=0.5,
                    examples=2,
                    state=state if due else None,
                )

    def evaluate(self, prompts, task, split, settings):
        self.seen.append(settings)
        scores = [0.0 if p is None else float(p.mean()) for p in prompts]
        return [Evaluation(metrics={"accuracy": s}, score=s, examples=2) for s in scores]

    def predict(self, prompt, lines, settings):
        self.seen.append(settings)
        return [f"{line}:{prompt.mean():.0f}\nmore" for line in lines]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, with a task, a model's folder, and the stand-in engine."""
    (tmp_path / "model").mkdir()
    (tmp_path / "rows.jsonl").write_text('{"text": "good", "label": "yes"}\n')
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\n'
        'inputs = "mine: {text}"\n'
        'label_column = "label"\nlabels = ["yes", "no"]\n'
        '[splits]\ntrain = "rows.jsonl"\nvalidation = "rows.jsonl"\n'
    )
    model = Counting(str(tmp_path / "model"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("spotfw.plugins.builtin.backends.MeshBackend.missing", lambda self: None)
    monkeypatch.setattr(
        "spotfw.plugins.builtin.backends.MeshBackend.open", lambda self, folder, **_: model
    )
    return attrs.make_class("Place", ["folder", "model"])(tmp_path, model)


TUNE = ("tune", "mine.toml", "--model", "./model", "--prompt-length", "3", "--steps", "4")


def test_tune_writes_the_best_prompt_and_tells_the_scores(place, spotfw_cli):
    ran = spotfw_cli(*TUNE, "--checkpoint-every", "2", "--seed", "7", "--out", "run", "--json")
    assert ran.status == 0, ran.err
    document = json.loads(ran.out)
    assert (document["score"], document["best_step"], document["embedding_step"]) == (4.0, 4, 4)
    assert [(h["step"], h["score"]) for h in document["history"]] == [(2, 2.0), (4, 4.0)]
    best = load_prompt(document["best"])
    np.testing.assert_array_equal(best.array, np.full((3, WIDTH), 4, np.float32))
    assert (best.provenance.task, best.provenance.seed) == ("mine", 7)
    assert "tune mine: 4/4 steps" in ran.err


def test_tune_shows_people_a_table(place, spotfw_cli):
    ran = spotfw_cli(*TUNE, "--checkpoint-every", "2", "--out", "run")
    lines = ran.out.splitlines()
    assert lines[0].split() == ["step", "loss", "score", "accuracy"]
    assert lines[2].split() == ["4", "0.50", "4.00", "4.00", "best"]
    assert lines[-1] == "best prompt: run/best.safetensors (step 4, score 4.00)"


def test_a_second_run_in_a_folder_needs_resume(place, spotfw_cli):
    assert spotfw_cli(*TUNE, "--out", "run").status == 0
    ran = spotfw_cli(*TUNE, "--out", "run")
    assert (ran.status, ran.out) == (2, "")
    assert "--resume" in ran.err
    assert spotfw_cli(*TUNE, "--out", "run", "--resume").status == 0


def test_seeds_are_tuned_beside_each_other_and_shown_by_seed(place, spotfw_cli):
    words = (*TUNE, "--seeds", "0,2", "--out", "runs/seeds", "--library", "kept")
    ran = spotfw_cli(*words)
    assert ran.status == 0, ran.err
    assert "2 seeds" in ran.out and "±" in ran.out and "seed-2/best.safetensors" in ran.out
    again = spotfw_cli(*words, "--resume", "--json")
    document = json.loads(again.out)
    assert [entry["seed"] for entry in document["seeds"]] == [0, 2]
    ids = {entry["id"] for entry in document["seeds"]}
    assert ids == {entry.id for entry in Library("kept").entries()}
    scores = [entry["score"] for entry in document["seeds"]]
    assert document["mean"] == np.mean(scores) and document["std"] == np.std(scores)
    assert document["failed"] == []
    assert len(json.loads(spotfw_cli("library", "list", "--library", "kept", "--json").out)) == 2


def test_a_seed_that_fails_is_named_below_the_others(place, spotfw_cli, monkeypatch):
    tune = Counting.tune

    def failing(model, requests):
        for progress in tune(model, requests):
            if requests[progress.request].settings.seed == 1:
                progress = attrs.evolve(progress, error=SpotError("The loss is nan."))
            yield progress

    monkeypatch.setattr(Counting, "tune", failing)
    ran = spotfw_cli(*TUNE, "--seeds", "0,1", "--out", "runs/seeds")
    assert ran.status == 1 and "seed-0/best.safetensors" in ran.out and "failed" in ran.out
    assert "Seed 1: The loss is nan." in " ".join(ran.err.split())


@pytest.mark.parametrize("words", [("0,x",), ("",), ("0,0",), ("0,1", "--seed", "3")])
def test_seeds_that_make_no_sense_are_wrong_use(place, spotfw_cli, words):
    ran = spotfw_cli(*TUNE, "--out", "runs/seeds", "--seeds", *words)
    assert ran.status == 2 and "Traceback" not in ran.err


def test_every_setting_is_an_option_with_its_default(place, spotfw_cli):
    text = " ".join(spotfw_cli("tune", "--help").out.split())
    for field in attrs.fields(TuningSettings):
        assert f"--{field.name.replace('_', '-')} " in text
    assert "Number of updates [default: 262,144]" in text
    assert "None" not in text
    target = " ".join(spotfw_cli("transfer", "--help").out.split())
    # A model has steps of its own, which stand before.
    assert "Number of updates [default: the model's, else 100,000]" in target


@pytest.mark.parametrize("words", [("--steps", "many"), ("--steps", "0"), ("--dropout", "1")])
def test_settings_that_make_no_sense_are_wrong_use(place, spotfw_cli, words):
    assert spotfw_cli(*TUNE, "--out", "run", *words).status == 2


def test_evaluate_scores_with_the_lengths_the_prompt_was_tuned_with(place, spotfw_cli):
    spotfw_cli(*TUNE, "--out", "run", "--max-input-length", "33")
    ran = spotfw_cli("evaluate", "run/best.safetensors", "mine.toml", "--json")
    assert ran.status == 0, ran.err
    document = json.loads(ran.out)
    assert (document["score"], document["metrics"], document["examples"]) == (
        4.0,
        {"accuracy": 4.0},
        2,
    )
    assert place.model.seen[-1].max_input_length == 33
    spotfw_cli("evaluate", "run/best.safetensors", "mine.toml", "--max-input-length", "44")
    assert place.model.seen[-1].max_input_length == 44


def test_a_finished_run_s_folder_stands_for_its_best_prompt(place, spotfw_cli):
    spotfw_cli(*TUNE, "--out", "run")
    by_file = spotfw_cli("evaluate", "run/best.safetensors", "mine.toml")
    assert spotfw_cli("evaluate", "run", "mine.toml").out == by_file.out != ""


def test_predict_answers_line_by_line(place, spotfw_cli, monkeypatch, tmp_path):
    spotfw_cli(*TUNE, "--out", "run")
    (tmp_path / "lines").write_text("a\r\nb\n")
    with (tmp_path / "lines").open(newline="") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        ran = spotfw_cli("predict", "run/best.safetensors")
    assert (ran.status, ran.out) == (0, "a:4 more\nb:4 more\n")


def predicted(spotfw_cli, monkeypatch, tmp_path, data, *options):
    spotfw_cli(*TUNE, "--out", "run")
    (tmp_path / "lines").write_bytes(data)
    with (tmp_path / "lines").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        return spotfw_cli("predict", "run/best.safetensors", *options)


def test_predict_answers_the_rest_and_names_the_line(place, spotfw_cli, monkeypatch, tmp_path):
    ran = predicted(spotfw_cli, monkeypatch, tmp_path, b"a\ncaf\xe9\n\nb\n \n")
    assert (ran.status, ran.out) == (1, "a:4 more\n\n\nb:4 more\n\n")
    assert "Not UTF-8, and not answered: line 2 of standard input" in ran.err
    assert "Blank, and not answered: lines 3 and 5" in ran.err
    assert "unforeseen" not in ran.err


def test_predict_names_no_answer_in_json(place, spotfw_cli, monkeypatch, tmp_path):
    ran = predicted(spotfw_cli, monkeypatch, tmp_path, b"\xef\xbb\xbfa\n\xff\n\n", "--json")
    assert ran.status == 1
    assert json.loads(ran.out) == [
        {"input": "a", "output": "a:4\nmore"},
        {"input": None, "output": None},
        {"input": "", "output": None},
    ]


def test_predict_of_blank_lines_alone_is_no_fault(place, spotfw_cli, monkeypatch, tmp_path):
    ran = predicted(spotfw_cli, monkeypatch, tmp_path, b"\n" * 9)
    assert (ran.status, ran.out) == (0, "\n" * 9)
    assert "lines 1, 2, 3, 4, 5 and 4 more" in ran.err


def test_predict_from_a_closed_stdin(place, spotfw_cli, monkeypatch):
    spotfw_cli(*TUNE, "--out", "run")
    monkeypatch.setattr(sys, "stdin", None)
    ran = spotfw_cli("predict", "run/best.safetensors")
    assert ran.status == 2
    assert "Standard input is closed" in ran.err


def test_predict_of_nothing_is_nothing(place, spotfw_cli, monkeypatch, tmp_path):
    spotfw_cli(*TUNE, "--out", "run")
    (tmp_path / "lines").write_text("")
    with (tmp_path / "lines").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        ran = spotfw_cli("predict", "run/best.safetensors", "--json")
    assert (ran.status, json.loads(ran.out)) == (0, [])


def test_a_bare_prompt_must_be_given_its_model(place, spotfw_cli, tmp_path):
    np.save(tmp_path / "bare.npy", np.zeros((3, WIDTH), np.float32))
    ran = spotfw_cli("evaluate", "bare.npy", "mine.toml")
    assert ran.status == 2
    assert "--model" in ran.err


def test_transfer_starts_the_target_from_the_library(place, spotfw_cli, tmp_path):
    text = (tmp_path / "mine.toml").read_text()
    (tmp_path / "source.toml").write_text(text.replace('name = "mine"', 'name = "source"'))
    made = spotfw_cli("tune", "source.toml", *TUNE[2:], "--out", "source", "--library", "library")
    assert made.status == 0, made.err
    (entry,) = Library("library").entries()
    assert f"in the library library: {entry.id}" in made.out
    ran = spotfw_cli("transfer", *TUNE[1:], "--library", "library", "-k", "1", "--json")
    assert ran.status == 0, ran.err
    document = json.loads(ran.out)
    # Four steps from the source's best prompt, which is four already.
    assert (document["target"], document["score"], len(document["outcomes"])) == ("mine", 8.0, 1)
    assert [row["task"] for row in document["ranking"]] == ["source"]
    assert document["outcomes"][0]["from"] == "source (seed 0)"
    assert "more than" not in ran.err
    more = spotfw_cli("transfer", *TUNE[1:], "--library", "library", "-k", "9")
    assert (more.status, "-k 9 is more than the 1 prompts" in more.err) == (0, True)
    assert "scratch, for ranking" in more.out
    assert document["scratch"]["score"] <= document["score"]


def test_transfer_mixes_for_the_steps_asked_for_and_keeps_all_runs_together(place, spotfw_cli):
    text = (place.folder / "mine.toml").read_text()
    (place.folder / "other.toml").write_text(text.replace('"mine"', '"other"'))
    (place.folder / "library").mkdir()
    words = (*TUNE[2:], "--library", "library", "--out", "all", "--mixture-steps", "2")
    words = ("transfer", "mine.toml", "other.toml", *words)
    empty = spotfw_cli(*words)
    assert (empty.status, "is empty. `spotfw tune" in empty.err) == (1, True)
    for name in ("mine", "other"):
        made = ("tune", f"{name}.toml", *TUNE[2:], "--out", name, "--library", "library")
        assert spotfw_cli(*made).status == 0
    ran = spotfw_cli(*words, "--strategy", "top_k_multitask_mixture")
    assert ran.status == 0, ran.err
    records = [json.loads(file.read_text()) for file in (place.folder / "all").glob("*/run.json")]
    assert {record["task"]: record["settings"]["steps"] for record in records} == {
        "mine": 4,
        "other": 4,
        "mine+other": 2,
        "other+mine": 2,
    }
    assert not (place.folder / "runs").exists()


def test_transfer_to_several_targets(place, spotfw_cli, tmp_path):
    text = (tmp_path / "mine.toml").read_text()
    for name in ("source", "second"):
        (tmp_path / f"{name}.toml").write_text(text.replace('name = "mine"', f'name = "{name}"'))
    words = (*TUNE[2:], "--out", "source", "--library", "library")
    assert spotfw_cli("tune", "source.toml", *words).status == 0
    both = ("transfer", "mine.toml", "second.toml", *TUNE[2:], "--library", "library", "-k", "1")
    ran = spotfw_cli(*both, "--json")
    assert ran.status == 0, ran.err
    assert [transfer["target"] for transfer in json.loads(ran.out)] == ["mine", "second"]
    assert "mine, tuned by" in spotfw_cli(*both).out
    refused = spotfw_cli(*both, "--embedding", "source/embedding.safetensors")
    assert (refused.status, "is one target's" in refused.err) == (2, True)


@pytest.mark.parametrize("command", ["tune", "adapt"])
def test_weights_are_not_gone_on_with_by_another_engine(place, spotfw_cli, monkeypatch, command):
    monkeypatch.setattr("spotfw.plugins.models.weight_engines", lambda plugins: ["mesh", "torch"])
    (place.folder / "run" / "checkpoints" / "step-000002").mkdir(parents=True)
    record = {"method": "model", "identity": {"configuration": "torch:0f"}, "settings": {}}
    (place.folder / "run" / "run.json").write_text(json.dumps(record))
    words = ("tune", "mine.toml", "--model", "./model", "--method", "model")
    if command == "adapt":
        words = ("models", "adapt", "./model", "mine.txt")
    ran = spotfw_cli(*words, "--out", "run", "--backend", "mesh", "--resume")
    assert ran.status == 2
    assert "The run in run was begun with the engine torch" in ran.err
    assert "Leave --backend out" in ran.err


def test_weights_are_tuned_under_a_seed_at_a_time(place, spotfw_cli):
    ran = spotfw_cli("tune", "mine.toml", "--out", "run", "--seeds", "0,1", "--method", "model")
    assert ran.status == 2
    assert "one run for each seed: --seed 0, then --seed 1, each with an --out" in ran.err


@pytest.mark.parametrize("command", ["tune", "adapt"])
def test_a_batch_has_one_size(place, spotfw_cli, command):
    words = ("tune", "mine.toml", "--model", "./model", "--method", "model")
    if command == "adapt":
        words = ("models", "adapt", "./model", "mine.txt")
    ran = spotfw_cli(*words, "--out", "run", "--batch-tokens", "512", "--batch-size", "8")
    assert ran.status == 2
    assert "--batch-tokens 512 and --batch-size 8 both say" in ran.err


def test_a_misspelt_task_is_named_before_a_folder_that_is_missing(place, spotfw_cli):
    ran = spotfw_cli("tune", "mime", "--model", "playground")
    assert ran.status == 2 and "no task named 'mime'" in ran.err and "--out" not in ran.err
    ran = spotfw_cli("tune", "mine.toml", "--model", "playground")
    assert ran.status == 2 and "such as --out runs/mine" in ran.err
    Path("rows.csv").write_text("text,label\n")
    ran = spotfw_cli("tune", "rows.csv", "--model", "playground")
    assert ran.status == 2 and "such as --out runs/rows" in ran.err
