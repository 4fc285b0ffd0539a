"""What spotfw's lifecycle hooks tell, written to MLflow.

MLflow is imported by the first run, and used through its client only: a run that the
surrounding program has active is none of this plugin's business.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spotfw import files
from spotfw.hookspecs import hookimpl

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Tag by which a resumed tuning finds its run.
IDENTITY = "spotfw.run"
#: The longest value of a parameter and of a tag that every version of MLflow takes.
_PARAMETER, _TAG = 500, 5000


class Tracker:
    """Follows the runs of one process. MLflow's identity of a run is that of its folder."""

    #: Versions of the plugin API that this is made for.
    spotfw_api = ">=1,<2"

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    @hookimpl
    def spotfw_run_started(self, run: dict[str, Any]) -> None:
        """Creates the run, or takes up the one that this folder's tuning began."""
        client = _client()
        experiment = _experiment(client)
        place = _place(run)
        identity = _latest(client, experiment, place) if _goes_on(run["folder"]) else None
        if identity is None:
            settings = run["settings"]
            identity = client.create_run(
                experiment, run_name=f"{run['task']}-seed{settings['seed']}"
            ).info.run_id
        else:
            client.update_run(identity, status="RUNNING")
        self._ids[place] = identity
        self._describe(client, identity, place, run)

    @hookimpl
    def spotfw_checkpoint_saved(
        self, run: dict[str, Any], step: int, scores: dict[str, float]
    ) -> None:
        """Logs the checkpoint's validation scores at its step."""
        _log_metrics(_client(), self._id(run), "validation", scores, step)

    @hookimpl
    def spotfw_run_finished(self, run: dict[str, Any], scores: dict[str, float]) -> None:
        """Logs the best score and the best prompt, and ends the run."""
        client, identity = _client(), self._id(run)
        _log_metrics(client, identity, "best", scores, 0)
        _log_prompt(client, identity, files.join(run["folder"], "best.safetensors"))
        client.set_terminated(identity, "FINISHED")

    @hookimpl
    def spotfw_run_failed(self, run: dict[str, Any], error: BaseException) -> None:
        """Says why, and ends the run."""
        client, identity = _client(), self._id(run)
        message = f"{type(error).__name__}: {error}"
        client.set_tag(identity, "spotfw.error", message[:_TAG])
        stopped = isinstance(error, KeyboardInterrupt)
        client.set_terminated(identity, "KILLED" if stopped else "FAILED")

    def _id(self, run: dict[str, Any]) -> str:
        return self._ids[_place(run)]

    @staticmethod
    def _describe(client: MlflowClient, identity: str, place: str, run: dict[str, Any]) -> None:
        from mlflow.entities import Param, RunTag

        names = ("task", "model", "fingerprint", "initializer")
        values = {name: run[name] for name in names} | run["settings"]
        known = client.get_run(identity).data.params  # MLflow refuses another value
        parameters = [
            Param(name, str(value)[:_PARAMETER])
            for name, value in values.items()
            if name not in known
        ]
        tags = {
            IDENTITY: _digest(place),
            "spotfw.folder": place,
            "spotfw.steps": run["settings"]["steps"],
            **{f"version.{name}": version for name, version in run["versions"].items()},
        }
        client.log_batch(
            identity,
            params=parameters,
            tags=[RunTag(name, str(value)[:_TAG]) for name, value in tags.items()],
        )


def _client() -> MlflowClient:
    import mlflow

    chosen = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else ""
    # Left alone, newer versions would want a database, and its driver.
    uri = chosen or Path("mlruns").absolute().as_uri()
    if "://" not in uri or uri.startswith("file:"):
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return mlflow.MlflowClient(uri)


def _experiment(client: MlflowClient) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "spotfw")
    experiment = client.get_experiment_by_name(name)
    return client.create_experiment(name) if experiment is None else experiment.experiment_id


def _goes_on(folder: str) -> bool:
    """Whether the folder holds a checkpoint: a run begun anew there is another run."""
    return files.exists(files.join(folder, "state.safetensors"))


def _latest(client: MlflowClient, experiment: str, place: str) -> str | None:
    """The latest run that was logged for a folder."""
    logged = client.search_runs(
        [experiment], f"tags.`{IDENTITY}` = '{_digest(place)}'", max_results=1
    )
    return logged[0].info.run_id if logged else None


def _place(run: dict[str, Any]) -> str:
    folder: str = run["folder"]
    return folder if files.is_remote(folder) else os.path.abspath(folder)


def _digest(place: str) -> str:
    """Of a folder's path, which may hold what a query cannot quote."""
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def _log_metrics(
    client: MlflowClient, identity: str, kind: str, scores: dict[str, float], step: int
) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    client.log_batch(
        identity,
        metrics=[
            Metric(re.sub(r"[^\w./ -]", "_", f"{kind}/{name}"), float(value), now, step)
            for name, value in scores.items()
        ],
    )


def _log_prompt(client: MlflowClient, identity: str, path: str) -> None:
    if not files.is_remote(path):
        if os.path.exists(path):
            client.log_artifact(identity, path)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.rpartition("/")[2]
        copy.write_bytes(files.read_bytes(path))
        client.log_artifact(identity, str(copy))


#: What the entry point names.
tracker = Tracker()
