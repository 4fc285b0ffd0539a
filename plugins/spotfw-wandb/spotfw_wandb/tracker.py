"""What spotfw's lifecycle hooks tell, written to Weights & Biases.

wandb is imported by the first run. Each tuning is a run of its own beside what the surrounding
program has active. Its id is kept in the run's folder, so that a resumed tuning goes on in it.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

from spotfw import files
from spotfw.errors import SpotError
from spotfw.hookspecs import hookimpl

if TYPE_CHECKING:
    from wandb import Run

#: In a run's folder: the id of its run at W&B.
ID_FILE = ".wandb-id"


class Tracker:
    """Follows the runs of one process."""

    #: Versions of the plugin API that this is made for.
    spotfw_api = ">=1,<2"

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    @hookimpl
    def spotfw_run_started(self, run: dict[str, Any]) -> None:
        """Begins the run, or takes up the one that this folder's tuning began."""
        import wandb

        settings = run["settings"]
        before = _kept_id(run["folder"])
        identity = before or secrets.token_hex(8)
        names = ("task", "model", "fingerprint", "initializer")
        # A resumed run has its process's files only where nothing is sent.
        online = os.environ.get("WANDB_MODE", "online") == "online"
        self._runs[run["folder"]] = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "spotfw"),
            name=f"{run['task']}-seed{settings['seed']}",
            id=identity,
            # wandb reads the variable once a process.
            dir=os.environ.get("WANDB_DIR"),
            resume="allow" if before and online else None,
            reinit="create_new",
            config={name: run[name] for name in names} | settings | {"versions": run["versions"]},
            # What is printed belongs to the program, not to one of its runs.
            settings=wandb.Settings(silent=True, console="off"),
        )
        files.write_atomically(files.join(run["folder"], ID_FILE), identity.encode())

    @hookimpl
    def spotfw_checkpoint_saved(
        self, run: dict[str, Any], step: int, scores: dict[str, float]
    ) -> None:
        """Logs the checkpoint's validation scores at its step."""
        values = {f"validation/{name}": float(value) for name, value in scores.items()}
        self._runs[run["folder"]].log(values, step=step)

    @hookimpl
    def spotfw_run_finished(self, run: dict[str, Any], scores: dict[str, float]) -> None:
        """Notes the best score and ends the run."""
        tracked = self._runs.pop(run["folder"])
        for name, value in scores.items():
            tracked.summary[f"best/{name}"] = float(value)
        tracked.finish(exit_code=0)

    @hookimpl
    def spotfw_run_failed(self, run: dict[str, Any], error: BaseException) -> None:
        """Says why, and ends the run."""
        tracked = self._runs.pop(run["folder"], None)
        if tracked is not None:
            tracked.summary["error"] = f"{type(error).__name__}: {error}"[:1000]
            tracked.finish(exit_code=1)


def _kept_id(folder: str) -> str | None:
    """The id of the run that the folder's tuning began, where it goes on from a checkpoint."""
    if not files.exists(files.join(folder, "state.safetensors")):
        return None
    try:
        kept = files.read_bytes(files.join(folder, ID_FILE), 100).decode("ascii", "replace").strip()
    except SpotError:
        return None
    return kept if kept.isalnum() else None


#: What the entry point names.
tracker = Tracker()
