"""The tracker on a real MLflow file store, following real tunings of a stand-in model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import Evaluation, FrozenModel, InitContext, TuneProgress, TuningState
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.prompts import load_prompt
from spotfw.recipe.tuning import tune
from spotfw.tasks import Task

REASON = "needs spotfw-mlflow and MLflow: pip install ./plugins/spotfw-mlflow"
pytest.importorskip("mlflow", reason=REASON)
pytest.importorskip("spotfw_mlflow", reason=REASON)

pytestmark = [
    # What MLflow and what it brings say to each other.
    pytest.mark.filterwarnings("ignore"),
]


class Counter(FrozenModel):
    """Each update adds one; the score is ten times the number of updates.

    Args:
      fails_at: step at which tuning raises `error`.
    """

    name, fingerprint, width = "counter", "00112233aabbccdd", 3

    def __init__(self, fails_at: int = 0, error: BaseException | None = None) -> None:
        self.fails_at, self.error = fails_at, error

    def init_context(
        self, length: int, labels: Sequence[str] = (), argument: str | None = None
    ) -> InitContext:
        table = np.zeros((9, 3), np.float32)
        return InitContext(
            length=length, embeddings=table, vocabulary=None, pieces=9, argument=argument
        )  # type: ignore[arg-type]

    def tune(self, requests: Any) -> Iterator[TuneProgress]:
        (request,) = requests
        for done in range(request.start.step + 1, request.settings.steps + 1):
            if done == self.fails_at and self.error:
                raise self.error
            prompt = np.full_like(request.start.prompt, done)
            at_checkpoint = done % request.settings.checkpoint_every == 0
            yield TuneProgress(
                request=0,
                step=done,
                loss=1.0,
                examples=1,
                state=TuningState(step=done, prompt=prompt) if at_checkpoint else None,
            )

    def evaluate(self, prompts: Any, task: Any, split: str, settings: Any) -> list[Evaluation]:
        steps = [float(prompt[0, 0]) for prompt in prompts]
        metrics = [{"accuracy": 10 * s, "exact match (%)": 10 * s} for s in steps]
        return [
            Evaluation(metrics=m, score=10 * s, examples=1)
            for m, s in zip(metrics, steps, strict=True)
        ]

    def predict(self, prompt: Any, lines: Any, settings: Any) -> list[str]:
        raise NotImplementedError


SETTINGS = {"steps": 4, "checkpoint_every": 2, "prompt_length": 2, "embedding_step": 2, "seed": 3}
TASK = Task(
    name="reviews", family="sentiment", type="classification", build=lambda vocabulary: None
)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """MLflow's client on a store of this test alone."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    return mlflow.MlflowClient()


def run(folder: Path, model: FrozenModel | None = None, **changes: Any) -> Plugins:
    """Tunes with a tracker of its own, as a process of its own would."""
    from spotfw_mlflow.tracker import Tracker

    plugins = Plugins(entry_points=False)
    plugins.register(Tracker(), "mlflow")
    resume = changes.pop("resume", False)
    settings = TuningSettings.from_dict(TuningSettings().to_dict() | SETTINGS | changes)
    try:
        tune(model or Counter(), TASK, settings, plugins=plugins, out=str(folder), resume=resume)
    finally:
        assert not plugins.failures
    return plugins


def runs(client: Any, experiment: str = "spotfw") -> list[Any]:
    known = client.get_experiment_by_name(experiment)
    return list(client.search_runs([known.experiment_id]))


def metric(client: Any, identity: str, name: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in client.get_metric_history(identity, name)]


def test_a_run_from_start_to_end(client: Any, tmp_path: Path) -> None:
    run(tmp_path / "run")
    (logged,) = runs(client)
    assert (logged.info.status, logged.info.run_name) == ("FINISHED", "reviews-seed3")
    params = logged.data.params
    assert (params["task"], params["steps"], params["seed"]) == ("reviews", "4", "3")
    assert params["max_train_examples"] == "None" and params["fingerprint"] == Counter.fingerprint
    assert metric(client, logged.info.run_id, "validation/accuracy") == [(2, 20.0), (4, 40.0)]
    assert metric(client, logged.info.run_id, "validation/exact match ___") == [
        (2, 20.0),
        (4, 40.0),
    ]
    assert logged.data.metrics["best/score"] == 40
    assert logged.data.tags["spotfw.folder"] == str(tmp_path / "run")
    assert logged.data.tags["version.numpy"] == np.__version__
    kept = client.download_artifacts(logged.info.run_id, "best.safetensors", str(tmp_path))
    assert load_prompt(kept).provenance.step == 4


def test_a_failed_run_says_why(client: Any, tmp_path: Path) -> None:
    with pytest.raises(SpotError):
        run(tmp_path / "run", Counter(3, SpotError("The loss is nan at step 3.")))
    (logged,) = runs(client)
    assert logged.info.status == "FAILED"
    assert logged.data.tags["spotfw.error"] == "SpotError: The loss is nan at step 3."
    assert metric(client, logged.info.run_id, "validation/accuracy") == [(2, 20.0)]


def test_a_run_stopped_by_hand_is_killed(client: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", Counter(3, KeyboardInterrupt()))
    assert [r.info.status for r in runs(client)] == ["KILLED"]


def test_a_resumed_run_goes_on_in_its_own(client: Any, tmp_path: Path) -> None:
    with pytest.raises(SpotError):
        run(tmp_path / "it's", Counter(3, SpotError("power cut")))
    run(tmp_path / "other")
    run(tmp_path / "it's", resume=True, steps=6)  # more steps than it began with
    assert len(runs(client)) == 2
    (logged,) = [r for r in runs(client) if r.data.tags["spotfw.folder"].endswith("it's")]
    assert logged.info.status == "FINISHED"
    assert metric(client, logged.info.run_id, "validation/accuracy") == [
        (2, 20.0),
        (4, 40.0),
        (6, 60.0),
    ]
    assert (logged.data.params["steps"], logged.data.tags["spotfw.steps"]) == ("4", "6")


def test_a_run_begun_anew_in_a_folder_is_another(client: Any, tmp_path: Path) -> None:
    import shutil

    run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    run(tmp_path / "run", seed=4)
    assert sorted(r.info.run_name for r in runs(client)) == ["reviews-seed3", "reviews-seed4"]


def test_the_experiment_can_be_named(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    run(tmp_path / "run")
    assert len(runs(client, "mine")) == 1


def test_without_a_tracking_uri_it_logs_to_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        # Set, then deleted: what the plugin sets is put back afterwards.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    run(tmp_path / "run")
    assert list(tmp_path.glob("mlruns/*/*/artifacts/best.safetensors"))


def test_a_run_of_the_surrounding_program_is_left_alone(client: Any, tmp_path: Path) -> None:
    import mlflow

    with mlflow.start_run() as outer:
        run(tmp_path / "run")
        active = mlflow.active_run()
        assert active is not None and active.info.run_id == outer.info.run_id
    assert client.get_run(outer.info.run_id).data.params == {}


def test_a_store_that_fails_stops_no_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spotfw_mlflow.tracker import Tracker

    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "file" / "store").as_uri())
    plugins = Plugins(entry_points=False)
    plugins.register(Tracker(), "mlflow")
    settings = TuningSettings.from_dict(TuningSettings().to_dict() | SETTINGS)
    done = tune(Counter(), TASK, settings, plugins=plugins, out=str(tmp_path / "run"))
    assert done.score == 40
    (failure,) = plugins.failures
    assert failure.plugin == "mlflow" and "spotfw_run_started" in failure.error


def test_it_follows_every_kind_of_run(client: Any) -> None:
    from spotfw.testing import check_tracker
    from spotfw_mlflow.tracker import Tracker

    check_tracker(Tracker())


def test_the_entry_point_is_light() -> None:
    import subprocess
    import sys

    code = "import sys, spotfw_mlflow.tracker; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
