"""Decoding with a prompt: the same text and scores however it is batched, and anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.backends.answers import warn_of_no_labels
from spotfw.config import TuningSettings
from spotfw.contracts import Array
from spotfw.errors import SpotError, UnknownName
from spotfw.tasks import Task
from spotfw.tasks.scoring.purpose import scoring_a_checkpoint

SETTINGS = TuningSettings(
    prompt_length=4, max_input_length=24, max_target_length=8, eval_batch_size=20
)
LINES = [
    "review: the film was good and fine",
    "review: the room was cold",
    "good",
    "review: the story was dull and awful and poor and cold and bad",
    "review: the song was great and fine",
]


def prompt(seed: int = 0, length: int = 4) -> Array:
    return np.random.default_rng(seed).standard_normal((length, 16)).astype(np.float32)


def test_a_prompt_changes_what_is_decoded(tiny_engine: Any) -> None:
    without = tiny_engine.predict(None, LINES, SETTINGS)
    assert tiny_engine.predict(3 * prompt(1), LINES, SETTINGS) != without
    # Asked again without one, the prompt left in the model is not seen.
    assert tiny_engine.predict(None, LINES, SETTINGS) == without


def test_answers_that_are_no_labels_are_reported_once(tiny_task: Task, caplog: Any) -> None:
    task = attrs.evolve(tiny_task, name="labelled", labels=("good", "bad"))
    warn_of_no_labels(task, "validation", ["good", "x, y", "bad", "good, bad"])
    assert not caplog.messages
    for _ in range(2):
        warn_of_no_labels(task, "validation", ["x", "good", "x", ""])
    (message,) = caplog.messages
    assert "3 of 4 answers" in message
    assert "(most often: 'x', '')" in message
    # What is scored by itself is not at the start of a tuning.
    assert "start of a tuning" not in message and "tuned on a task of other texts" in message
    caplog.clear()
    with scoring_a_checkpoint():
        warn_of_no_labels(task, "test", ["x", "y"])
    assert "as is usual at the start of a tuning" in caplog.text


def test_several_prompts_are_scored_apart(tiny_engine: Any, tiny_task: Task) -> None:
    prompts = [None, prompt(0), 3 * prompt(1), prompt(2, length=6)]
    together = tiny_engine.evaluate(prompts, tiny_task, "validation", SETTINGS)
    alone = [
        tiny_engine.evaluate([p], tiny_task, "validation", SETTINGS)[0] for p in reversed(prompts)
    ]
    assert together == alone[::-1]
    assert {e.examples for e in together} == {20}
    for evaluation in together:
        assert set(evaluation.metrics) == {"accuracy"}
        assert evaluation.score == evaluation.metrics["accuracy"]


@pytest.mark.parametrize("size", [1, 3, 64])
def test_batching_changes_no_answer(tiny_engine: Any, tiny_task: Task, size: int) -> None:
    given = 3 * prompt(1)
    settings = attrs.evolve(SETTINGS, eval_batch_size=size)
    assert tiny_engine.predict(given, LINES, settings) == tiny_engine.predict(
        given, LINES, SETTINGS
    )
    assert tiny_engine.predict(given, LINES[::-1], settings)[::-1] == tiny_engine.predict(
        given, LINES, settings
    )


def test_scores_are_those_of_what_is_predicted(
    tiny_engine: Any, tiny_task: Task, tiny_task_file: Path
) -> None:
    path = tiny_task_file.parent / "tiny_reviews-validation.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for given in (None, prompt(0), 3 * prompt(1)):
        lines = [f"review: {row['text']}" for row in rows]
        answers = tiny_engine.predict(given, lines, SETTINGS)
        right = [answer == row["label"] for answer, row in zip(answers, rows, strict=True)]
        evaluation = tiny_engine.evaluate([given], tiny_task, "validation", SETTINGS)[0]
        assert evaluation.score == pytest.approx(100 * np.mean(right))


def test_fewer_examples_are_scored_when_asked(tiny_engine: Any, tiny_task: Task) -> None:
    settings = attrs.evolve(SETTINGS, max_eval_examples=5)
    assert tiny_engine.evaluate([None], tiny_task, "validation", settings)[0].examples == 5


def test_an_unknown_split_is_reported(tiny_engine: Any, tiny_task: Task) -> None:
    with pytest.raises(UnknownName, match="validation"):
        tiny_engine.evaluate([None], tiny_task, "valid", SETTINGS)


def test_an_empty_line_is_reported(tiny_engine: Any) -> None:
    with pytest.raises(SpotError, match="Line 2"):
        tiny_engine.predict(None, ["good", "  "], SETTINGS)
    assert tiny_engine.predict(None, [], SETTINGS) == []


def test_a_prompt_of_another_width_is_reported(tiny_engine: Any) -> None:
    with pytest.raises(SpotError, match=r"\[4, 8\].*\[L, 16\]"):
        tiny_engine.predict(np.zeros((4, 8), np.float32), LINES, SETTINGS)


@pytest.mark.slow
def test_saved_and_loaded_in_another_process_it_says_and_scores_the_same(
    tiny_engine: Any, tiny_task: Task, tiny_model: Path, tiny_task_file: Path, tmp_path: Path
) -> None:
    from spotfw.prompts import Provenance, SoftPrompt, save_prompt

    given = 3 * prompt(1)
    assert tiny_engine.predict(given, LINES, SETTINGS) != tiny_engine.predict(None, LINES, SETTINGS)
    origin = Provenance(
        model=str(tiny_model),
        fingerprint=tiny_engine.fingerprint,
        settings={"max_input_length": 24, "max_target_length": 8},
    )
    path = tmp_path / "prompt.safetensors"
    save_prompt(SoftPrompt(given, origin), path)

    def spotfw(*words: str, lines: str = "") -> Any:
        ran = subprocess.run(
            [sys.executable, "-m", "spotfw", *words, "--json"],
            input=lines,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    answers = spotfw("predict", str(path), lines="".join(line + "\n" for line in LINES))
    assert [row["output"] for row in answers] == tiny_engine.predict(given, LINES, SETTINGS)
    scored = spotfw("evaluate", str(path), str(tiny_task_file))
    expected = tiny_engine.evaluate([given], tiny_task, "validation", SETTINGS)[0]
    assert scored["score"] == expected.score
    assert scored["metrics"] == dict(expected.metrics)
