"""Lengths raised for a task, and refusals before anything is tuned; with any engine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw import Session
from spotfw.config import TuningSettings
from spotfw.contracts import NamedModel
from spotfw.errors import SpotError
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins
from spotfw.prompts import write_peft
from spotfw.recipe import fitting
from spotfw.recipe.fitting import fitted
from spotfw.tasks import Example, Mixture, Task
from spotfw.testing import NumpyBackend, NumpyModel

LABELS = ("not good at all", "good")


def task_of(name: str = "long", labels: tuple[str, ...] = LABELS) -> Task:
    rows = [Example(inputs=f"film {n}", targets=labels[n % 2]) for n in range(8)]
    return Task(
        name=name,
        family="other",
        type="classification",
        labels=labels,
        metrics=("accuracy",),
        splits={"train": 8, "validation": 8},
        examples=lambda split: rows,
        score=lambda examples, texts: {
            "accuracy": 100.0 * sum(e.targets == t for e, t in zip(examples, texts, strict=True))
        },
    )


class Small:
    """A named model with short lengths of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @hookimpl
    def spotfw_models(self) -> list[NamedModel]:
        settings = {"max_target_length": 2, "steps": 2, "prompt_length": 2, "checkpoint_every": 2}
        return [NamedModel(name="small", folder=lambda: str(self._folder), settings=settings)]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    plugins = Plugins(entry_points=False)
    plugins.register(NumpyBackend(answers=LABELS), "numpy")
    (tmp_path / "model").mkdir()
    plugins.register(Small(tmp_path / "model"), "small")
    runs = str(tmp_path / "runs")
    return Session("small", plugins=plugins, backend="numpy", runs=runs)


@pytest.fixture(autouse=True)
def _warned_anew() -> None:
    fitting._warned.forget()


def test_a_model_s_own_length_is_raised_to_the_longest_label(session: Session, caplog: Any):
    with caplog.at_level(logging.WARNING, logger="spotfw"):
        tuned = session.tune(task_of())
    assert tuned.best.provenance.settings["max_target_length"] == 5
    assert (
        "max_target_length is raised from 2 to 5 for task 'long', because the label "
        "'not good at all' needs 5 tokens."
    ) in caplog.text
    # Scored and run as it was tuned, without being given the length again.
    assert session.evaluate(tuned.best, task_of()).examples == 8


def test_a_length_set_by_hand_stays_and_is_reported(session: Session, caplog: Any):
    with caplog.at_level(logging.WARNING, logger="spotfw"):
        tuned = session.tune(task_of(), max_target_length=3)
    assert tuned.best.provenance.settings["max_target_length"] == 3
    assert "1 of 2 labels of task 'long' are cut at 3 tokens" in caplog.text
    assert "raised" not in caplog.text


def test_labels_alike_are_refused_and_leave_no_run(session: Session, tmp_path: Path):
    task = task_of(labels=("good story", "good play"))
    with pytest.raises(SpotError, match=r"--max-target-length 3"):
        session.tune(task, max_target_length=2, out=str(tmp_path / "run"))
    assert not (tmp_path / "run" / "run.json").exists()
    with pytest.raises(SpotError, match=r"--max-target-length 3"):
        session.evaluate(None, task, max_target_length=2)


def test_a_mixture_is_raised_for_each_member(session: Session):
    mixture = Mixture(name="mixed", tasks=(task_of("short", ("yes", "no")), task_of()))
    assert session.tune(mixture).best.provenance.settings["max_target_length"] == 5


def test_free_text_is_raised_to_the_paper_s_length_at_most():
    rows = [Example(inputs=f"film {n}", targets="story " * 100 + str(n)) for n in range(4)]
    task = Task(
        name="text", family="other", type="generation", examples=lambda split: rows, score=None
    )
    short = TuningSettings(max_target_length=4)
    assert fitted(NumpyModel(), task, short).max_target_length == 64
    assert fitted(NumpyModel(), task, short, by_hand=["max_target_length"]) == short


def test_inputs_alike_up_to_the_limit_raise_it():
    rows = [Example(inputs=f"{'film ' * 9}{n}", targets="good") for n in range(4)]
    task = Task(name="late", family="other", type="qa", examples=lambda split: rows, score=None)
    short = TuningSettings(max_input_length=4)
    assert fitted(NumpyModel(), task, short).max_input_length == 11


def test_a_batch_larger_than_the_data_is_reported(session: Session, caplog: Any):
    mixture = Mixture(name="mixed", tasks=(task_of("short", ("yes", "no")), task_of()))
    with caplog.at_level(logging.WARNING, logger="spotfw"):
        session.tune(task_of(), batch_size=8)
        session.tune(mixture, batch_size=16)
    assert "A batch of" not in caplog.text
    with caplog.at_level(logging.WARNING, logger="spotfw"):
        session.tune(task_of(), batch_size=9)
        session.tune(mixture, batch_size=8, max_train_examples=3)
    batches = [text for text in caplog.messages if text.startswith("A batch of")]
    assert batches == [
        "A batch of 9 is more than the 8 training examples of long: each update has examples "
        "several times over. --batch-size takes fewer.",
        "A batch of 8 is more than the 6 training examples of mixed: each update has examples "
        "several times over. --batch-size takes fewer.",
    ]


def test_that_inputs_are_cut_is_not_said_again(session: Session, caplog: Any):
    rows = [Example(inputs=f"{n} {'film ' * 9}", targets=LABELS[n % 2]) for n in range(8)]
    task = attrs.evolve(task_of("cut"), examples=lambda split: rows)
    fitting.cut_is_known(task, 4)
    with caplog.at_level(logging.WARNING, logger="spotfw"):
        for length in (4, 5):
            settings = TuningSettings(max_input_length=length, max_target_length=5, batch_size=2)
            fitting.check_before_tuning(session.model, task, settings)
    (message,) = caplog.messages
    assert "are cut at 5 tokens" in message


def test_an_adapter_of_another_base_model_is_reported(
    session: Session, tmp_path: Path, caplog: Any
):
    tuned = session.tune(task_of())
    write_peft(tuned.best, tmp_path / "adapter", base_model="google/t5-v1_1-base")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "google/t5-v1_1-base"
    for use in (
        lambda: session.evaluate(str(tmp_path / "adapter"), task_of()),
        lambda: session.tune(task_of(), init=f"prompt:{tmp_path / 'adapter'}", keep=False),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="spotfw"):
            use()
        assert "made for the model google/t5-v1_1-base" in caplog.text
        assert "used on the model small" in caplog.text
    write_peft(tuned.best, tmp_path / "own", base_model="hub/Small/")
    caplog.clear()
    session.evaluate(str(tmp_path / "own"), task_of())
    assert "made for the model" not in caplog.text
