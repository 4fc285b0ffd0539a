"""A part that fails during a tuning fails that tuning only, and what was saved stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spotfw
from spotfw.config import TuningSettings
from spotfw.contracts import (
    Evaluation,
    FrozenModel,
    InitContext,
    SimilarityMetric,
    TuneProgress,
    TuneRequest,
    TuningState,
)
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.plugins.loading import PluginFault
from spotfw.recipe.session import Session
from spotfw.tasks import Task

SHORT = {"steps": 4, "batch_size": 2, "prompt_length": 2, "checkpoint_every": 2}
OWNER = r"[Tt]he plugin odd \(spotfw-odd 0\.7\)"


class Model(FrozenModel):
    """Adds one a step; on the task `cursed` it fails in step 3, until it is healed."""

    name, fingerprint, width = "odd", "00ff", 3
    healed = False

    def init_context(
        self, length: int, labels: Sequence[str] = (), argument: str | None = None
    ) -> InitContext:
        embeddings = np.ones((9, 3), np.float32)
        return InitContext(length=length, embeddings=embeddings, vocabulary=None, pieces=9)

    def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        (request,) = requests
        for step in range(request.start.step + 1, request.settings.steps + 1):
            if step == 3 and request.task.name == "cursed" and not self.healed:
                raise KeyError("weights")
            state = TuningState(step=step, prompt=np.full((2, 3), step, np.float32))
            kept = state if step % request.settings.checkpoint_every == 0 else None
            yield TuneProgress(request=0, step=step, loss=1.0, examples=2, state=kept)

    def evaluate(
        self, prompts: Sequence[Any], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        return [Evaluation(metrics={"f1": 1.0}, score=1.0, examples=2) for _ in prompts]

    def predict(self, prompt: Any, lines: Sequence[str], settings: TuningSettings) -> list[str]:
        raise RuntimeError("cannot speak")


class Named:
    """A part that does what a function does."""

    def __init__(self, name: str, does: Any) -> None:
        self.name, self.does = name, does

    def __call__(self, *values: Any) -> Any:
        return self.does(*values)

    def open(self, folder: str, **options: Any) -> Any:
        return self.does()


class Metric(SimilarityMetric):
    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value

    def features(self, prompt: Any) -> Any:
        return prompt.ravel()

    def compare(self, query: Any, stack: Any) -> Any:
        return self.value(len(stack))


def fail(*_: Any) -> Any:
    raise ZeroDivisionError("odd")


class Odd:
    """The plugin of these tests."""

    name = "tasks"

    def __init__(self) -> None:
        self.model = Model()

    def tasks(self) -> list[Task]:
        return [
            Task(name=name, family="f", type="qa", build=fail) for name in ("cursed", "sound", "t")
        ]

    @spotfw.hookimpl
    def spotfw_task_sources(self) -> list[Any]:
        return [self]

    @spotfw.hookimpl
    def spotfw_backends(self) -> list[Any]:
        return [Named("odd", lambda: self.model), Named("closed", fail)]

    @spotfw.hookimpl
    def spotfw_prompt_initializers(self) -> list[Any]:
        wide = Named("wide", lambda context, rng: np.zeros((2, 9)))
        ones = Named("ones", lambda context, rng: context.embeddings[:2])
        return [Named("fails", fail), wide, ones, Named("words", lambda *_: "words")]

    @spotfw.hookimpl
    def spotfw_similarity_metrics(self) -> list[Any]:
        return [Metric("fails", fail), Metric("short", lambda n: [1.0] * (n + 1))]

    @spotfw.hookimpl
    def spotfw_selection_strategies(self) -> list[Any]:
        return [Named("fails", fail), Named("word", lambda ranking, k: ["word"])]


@pytest.fixture
def odd() -> Odd:
    return Odd()


@pytest.fixture
def fw(odd: Odd, tmp_path: Path) -> Session:
    return session(odd, tmp_path)


def session(odd: Odd, folder: Path, backend: str = "odd") -> Session:
    plugins = Plugins(environ={}, entry_points=False)
    plugins.register(odd, "odd", distribution="spotfw-odd", version="0.7")
    places = {"library": str(folder / "library"), "runs": str(folder / "runs")}
    return Session(str(folder), backend=backend, plugins=plugins, **places)


@pytest.mark.parametrize("name", ["fails", "wide", "words"])
def test_an_initializer(fw: Session, name: str) -> None:
    with pytest.raises(PluginFault, match=rf"initializer '{name}'.*{OWNER}"):
        fw.tune("sound", init=name, **SHORT)
    assert fw.tune("sound", init="ones", **SHORT).score == 1.0


def test_a_backend(fw: Session, odd: Odd, tmp_path: Path) -> None:
    out = tmp_path / "cursed"
    with pytest.raises(PluginFault, match=rf"backend 'odd'.*{OWNER}.*KeyError: 'weights'"):
        fw.tune("cursed", init="ones", out=str(out), **SHORT)
    assert (out / "checkpoints" / "step-000002.safetensors").exists()
    assert fw.tune("sound", init="ones", **SHORT).score == 1.0
    odd.model.healed = True
    resumed = fw.tune("cursed", init="ones", out=str(out), resume=True, **SHORT)
    assert [entry.step for entry in resumed.history] == [2, 4]


def test_a_backend_that_does_not_open(odd: Odd, tmp_path: Path) -> None:
    with pytest.raises(PluginFault, match=rf"backend 'closed'.*{OWNER}.*ZeroDivisionError: odd"):
        session(odd, tmp_path, "closed").tune("sound", init="ones", **SHORT)


def test_a_backend_that_does_not_predict(fw: Session) -> None:
    with pytest.raises(PluginFault, match=rf"{OWNER}.*cannot speak"):
        fw.predict(None, ["x"])


@pytest.mark.parametrize("kind", ["metric", "strategy"])
def test_retrieval(fw: Session, kind: str) -> None:
    fw.tune("sound", init="ones", **SHORT)
    target = fw.tune("t", init="ones", keep=False, **SHORT)
    for name in {"metric": ("fails", "short"), "strategy": ("fails", "word")}[kind]:
        with pytest.raises(PluginFault, match=rf"{kind} .*{OWNER}"):
            fw.transfer("t", embedding=target, k=1, **{kind: name}, **SHORT)
    result = fw.transfer("t", embedding=target, k=1, **SHORT)
    assert result.score == 1.0


def test_a_function_of_the_caller_is_nobody_elses_fault(fw: Session) -> None:
    fw.tune("sound", init="ones", **SHORT)
    target = fw.tune("t", init="ones", keep=False, **SHORT)
    with pytest.raises(ZeroDivisionError):
        fw.transfer("t", strategy=fail, embedding=target, k=1, **SHORT)
    with pytest.raises(SpotError, match=r"is no candidate\..*contracts\.$"):
        fw.transfer("t", strategy=lambda ranking, k: [1], embedding=target, k=1, **SHORT)
