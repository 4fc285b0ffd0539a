"""The conformance suite of backends, with a tiny model to open and a tiny task to tune on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spotfw.contracts import Backend, FolderKind
from spotfw.tasks import Task
from spotfw.testing import backend_losses, backend_weights  # noqa: F401 - checks join the suite
from spotfw.testing.backend_promises import SUITE, BackendSubject
from spotfw.testing.suites import Outcome, name_of


def check_backend(
    backend: Backend,
    *,
    model: str | Path | None = None,
    task: Task | None = None,
    **options: Any,
) -> None:
    """Checks a backend against `spotfw.contracts.Backend` and `FrozenModel`.

    Args:
      backend: the backend.
      model: folder of a small model it can open; by default a tiny T5 of random weights,
        made for the checks in the layout that the backend reads (`FolderKind`).
      task: what to tune on; by default tiny reviews.
      **options: for `Backend.open`.

    Raises:
      AssertionError: a promise is not kept; a sentence for each.
    """
    __tracebackhide__ = True
    SUITE.demand(name_of(backend), outcomes(backend, model=model, task=task, **options))


def outcomes(
    backend: Any,
    *,
    model: str | Path | None = None,
    task: Task | None = None,
    only: tuple[str, ...] = (),
    **options: Any,
) -> list[Outcome]:
    """As `check_backend`, but returns the outcomes instead of raising."""
    kind = backend.reads if isinstance(backend, FolderKind) else "mesh"
    with _made(model, task, kind) as (folder, chosen):
        try:
            opened = backend.open(folder, **options)
        except Exception as error:
            what = " ".join(str(error).split())
            said = (
                f"expected the backend to open the model {folder}, but it raised "
                f"{type(error).__name__}: {what:.300} (give one it can open as model=)"
            )
            return [Outcome("opening", "failed", said, error)]
        subject = BackendSubject(
            backend=backend, model=folder, opened=opened, task=chosen, options=options
        )
        try:
            return SUITE.outcomes(subject, only)
        finally:
            opened.close()


@contextmanager
def _made(model: str | Path | None, task: Task | None, kind: str) -> Iterator[tuple[str, Task]]:
    """The model and task; what is not given is made in a temporary folder.

    Args:
      model: a folder, None for the tiny model's.
      task: to tune on, None for tiny reviews.
      kind: of the tiny model's folder, ``mesh`` or ``huggingface``.
    """
    from spotfw.testing.tiny_model import write_tiny_model
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    with tempfile.TemporaryDirectory(prefix="spotfw-") as folder:
        place = Path(folder)
        if model is None:
            model = write_tiny_model(place / "model")
            if kind == "huggingface":
                from spotfw.backends.mesh.folders.convert import mesh_to_hf

                mesh_to_hf(str(model), str(place / "huggingface"))
                model = place / "huggingface"
        if task is None:
            task, *_ = write_tiny_tasks(place / "tasks")
        yield str(model), task
