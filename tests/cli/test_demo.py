"""``spotfw demo``: which engine it takes and how that opens the model, and who does the work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw.backends.answers import _warned, warn_of_no_labels
from spotfw.contracts import DemoPlan, FrozenModel, NamedModel
from spotfw.errors import WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins
from spotfw.study import run
from spotfw.study.grid.declaration import Study
from spotfw.study.work.workers import workers_for
from spotfw.testing.numpy_model import NumpyModel
from spotfw.testing.tiny_tasks import write_tiny_tasks

SHORT = {
    **{"steps": 4, "checkpoint_every": 2, "embedding_step": 2},
    **{"prompt_length": 4, "batch_size": 4},
}
TPU = {"tpu": "local", "tpu_topology": "v3-8", "model_parallelism": 2}


class Opening:
    """A backend of one model, which remembers how it was asked to open it."""

    name = "opening"

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def open(self, model: str, **options: Any) -> FrozenModel:
        self.asked.append(options)
        return NumpyModel()


class Parts:
    """The plugin of these tests: that backend, and a model with a demo of one source."""

    def __init__(self, folder: Path) -> None:
        self.engine = Opening()
        self.folder = folder

    @hookimpl
    def spotfw_backends(self) -> list[Any]:
        return [self.engine]

    @hookimpl
    def spotfw_models(self) -> list[NamedModel]:
        plan = DemoPlan(
            sources=("tiny_words",),
            targets=("tiny_reviews",),
            strategies=(("best_of_top_k", 1, "best of top-1"),),
            source=SHORT,
            target=SHORT,
        )
        return [NamedModel(name="small", folder=lambda: self.folder, demo=plan)]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spotfw_plugins: Plugins) -> Opening:
    write_tiny_tasks(tmp_path / "tasks")
    monkeypatch.setenv("SPOTFW_TASKS", str(tmp_path / "tasks"))
    parts = Parts(tmp_path)
    spotfw_plugins.register(parts, "parts")
    return parts.engine


@pytest.fixture
def demo(spotfw_cli: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: str) -> Any:
        return spotfw_cli(
            *("demo", "--model", "small", "--backend", "opening", "--seeds", "1", "--json"), *words
        )

    return call


def test_it_opens_the_model_as_other_commands_do(engine: Opening, demo: Callable[..., Any]) -> None:
    words = "--workers 0 --mesh-shape batch:2 --layout batch:batch --devices CPU:0,CPU:1"
    ran = demo(*words.split(), "--activations", "bfloat16", "--threads", "3")
    assert ran.status == 0, ran.err
    assert engine.asked == [
        {
            **{"mesh_shape": "batch:2", "layout": "batch:batch", "devices": "CPU:0,CPU:1"},
            **{"activations": "bfloat16", "threads": 3},
        }
    ]
    assert len(json.loads(ran.out)["rows"]) == 1
    assert "Opening the model" in ran.err


class Unlearned(NumpyModel):
    """Whose answers are no labels, and which says so as engines do."""

    def evaluate(self, prompts: Any, task: Any, split: str, settings: Any) -> Any:
        labelled = attrs.evolve(task, name=f"{task.name}{len(prompts)}", labels=("good", "bad"))
        warn_of_no_labels(labelled, split, ["said the", "."])
        return super().evaluate(prompts, task, split, settings)


def test_it_says_nothing_of_answers_that_are_no_labels(
    engine: Opening,
    demo: Callable[..., Any],
    spotfw_cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(engine, "open", lambda model, **options: Unlearned())
    _warned.forget()
    assert demo("--workers", "0").status == 0
    assert not caplog.messages
    _warned.forget()
    words = ["tune", "tiny_reviews", "--model", "small", "--backend", "opening", "--steps", "2"]
    ran = spotfw_cli(*words, "--prompt-length", "4", "--out", tmp_path / "run")
    assert ran.status == 0, ran.err
    assert any("are none of its labels" in message for message in caplog.messages)


def test_with_a_tpu_all_is_done_in_this_process(engine: Opening, demo: Callable[..., Any]) -> None:
    ran = demo("--tpu", "local", "--tpu-topology", "v3-8", "--model-parallelism", "2")
    assert ran.status == 0, ran.err
    assert engine.asked == [{"threads": 1, **TPU}]


def test_no_workers_beside_a_tpu(engine: Opening, demo: Callable[..., Any]) -> None:
    ran = demo("--tpu", "local", "--workers", "2")
    assert ran.status == 2
    assert "The TPU local belongs to the process that opens it, and 2 worker processes" in ran.err
    assert not engine.asked


def test_a_study_s_tpu_too_belongs_to_one_process(engine: Opening, tmp_path: Path) -> None:
    study = Study(
        name="small",
        models=("small",),
        targets=("tiny_reviews",),
        seeds=(0,),
        settings=SHORT,
        open={"backend": "opening", **TPU},
    )
    with pytest.raises(WrongUse, match="1 worker process was asked for"):
        run(study, str(tmp_path / "out"), workers=1)
    assert not run(study, str(tmp_path / "out")).failed  # no workers are asked for: in here
    assert engine.asked == [{"threads": 1, **TPU}]


def test_without_a_tpu_there_are_as_many_workers_as_asked_for() -> None:
    assert [workers_for({}, count) for count in (None, 0, 3)] == [None, 0, 3]
    assert [workers_for(TPU, count) for count in (None, 0)] == [0, 0]
