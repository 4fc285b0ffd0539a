"""Fixtures for authors of plugins; pytest loads this module wherever spotfw is installed.

| fixture | what | loads TensorFlow |
|---|---|---|
| ``spotfw_tiny_model`` | folder of a frozen T5 of one layer, width 16 | yes |
| ``spotfw_opened_model`` | the same, opened by the built-in backend | yes |
| ``spotfw_numpy_model`` | a frozen model in plain NumPy that learns in milliseconds | no |
| ``spotfw_numpy_backend`` | the backend that opens such models | no |
| ``spotfw_tiny_tasks`` | three tasks of 80 rows; their files lie in ``spotfw_task_folder`` | no |
| ``spotfw_filled_library`` | a library with two prompts of each task, not tuned but random | no |
| ``spotfw_plugins`` | built-in parts alone, for the command line and sessions too | no |

Only pytest is imported here, so that its start stays quick.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spotfw.contracts import FrozenModel
    from spotfw.library import Library
    from spotfw.plugins import Plugins
    from spotfw.tasks import Task
    from spotfw.testing import NumpyBackend, NumpyModel


@pytest.fixture(scope="session")
def spotfw_tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 1.1 of one layer, width 16 and seeded random weights, as a Mesh TF folder."""
    # Looked for and not imported: only after the backend's shims does Mesh TF import at all.
    if importlib.util.find_spec("mesh_tensorflow") is None:
        pytest.skip("the extra mesh is not installed")
    from spotfw.testing.tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("spotfw") / "model")


@pytest.fixture(scope="session")
def spotfw_opened_model(spotfw_tiny_model: Path) -> Iterator[FrozenModel]:
    """The tiny model opened by the built-in backend, once for all tests of a process."""
    from spotfw.plugins.builtin.backends import MeshBackend

    model = MeshBackend().open(str(spotfw_tiny_model), threads=1)
    yield model
    model.close()


@pytest.fixture(scope="session")
def spotfw_numpy_model() -> NumpyModel:
    """A frozen model in plain NumPy, once for all tests of a process; see `NumpyModel`."""
    from spotfw.testing import NumpyModel

    return NumpyModel()


@pytest.fixture
def spotfw_numpy_backend(spotfw_plugins: Plugins) -> NumpyBackend:
    """The backend ``numpy``, which `spotfw_plugins` have in this test; it opens any folder."""
    from spotfw.testing import NumpyBackend

    backend = NumpyBackend()
    spotfw_plugins.register(backend, "numpy")
    return backend


@pytest.fixture(scope="session")
def spotfw_task_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the tiny tasks' files, ``tiny_reviews.toml`` and the others."""
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    folder = tmp_path_factory.mktemp("spotfw_tasks")
    write_tiny_tasks(folder)
    return folder


@pytest.fixture(scope="session")
def spotfw_tiny_tasks(spotfw_task_folder: Path) -> tuple[Task, Task, Task]:
    """``tiny_reviews`` and ``tiny_words`` (sentiment), ``tiny_things`` (free text)."""
    from spotfw.testing.tiny_tasks import load_tiny_tasks

    return load_tiny_tasks(spotfw_task_folder)


@pytest.fixture
def spotfw_filled_library(tmp_path: Path, spotfw_tiny_tasks: tuple[Task, Task, Task]) -> Library:
    """A library of this test's own: two prompts [4, 16] of each tiny task, of the tiny model."""
    from spotfw.testing.tiny_library import fill_library

    return fill_library(tmp_path / "spotfw_library", spotfw_tiny_tasks)


@pytest.fixture
def spotfw_plugins() -> Iterator[Plugins]:
    """A plugin manager with the built-in parts only; add yours with `Plugins.register`.

    In this test it is the process's: the command line and a `spotfw.Session` use it and see no
    other plugin. A process that the test starts loads what is installed.
    """
    from spotfw.plugins import Plugins, use_plugins

    with use_plugins(Plugins(entry_points=False)) as plugins:
        yield plugins
