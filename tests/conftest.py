"""What all tests share: no say of the surroundings, small models and tasks, the command line."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.places import SHARED

#: TensorFlow 2.15 has wheels for Python 3.10 and 3.11 alone, and with it the built-in engine.
_MESH = importlib.util.find_spec("mesh_tensorflow") is not None

#: Tests of that engine, of seqio's tasks, and of benchmarks that convert models.
collect_ignore = [
    "backends",
    "benchmarks/test_checkpoints.py",
    "benchmarks/test_where_time_goes.py",
    "tasks/scoring/test_same_as_t5.py",
    "tasks/seqio",
    "tasks/t5/test_same_as_t5.py",
    "tasks/test_vocabulary.py",
]
if _MESH:
    collect_ignore = []

if TYPE_CHECKING:
    from spotfw.tasks import Task
    from tests.hub_server import HubServer


_ABSENT = "the extra mesh (TensorFlow) is not installed"


@attrs.frozen
class Ran:
    """What a command line did."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _same_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> None:
    """Takes away what the shell that runs the tests may have set."""
    switches = ("PLUGINS", "DISABLE_PLUGINS", "STRICT_PLUGINS", "TRACE_PLUGINS", "DATA", "MODULES")
    for name in (f"SPOTFW_{switch}" for switch in switches):
        # Set, then deleted: what a test's command sets is put back afterwards too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    # Folders that the user has bound to tasks are kept there.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-config"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what is marked as needing the built-in engine where that is not installed."""
    if not _MESH:
        for item in items:
            if item.get_closest_marker("mesh"):
                item.add_marker(pytest.mark.skip(reason=_ABSENT))


@pytest.fixture(autouse=True)
def _own_plugins() -> Iterator[None]:
    """What is installed is loaded anew in each test that asks for it."""
    from spotfw.plugins import use_plugins

    with use_plugins(None):
        yield


@pytest.fixture
def spotfw_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs ``spotfw WORDS...`` in this process: ``spotfw_cli("tasks", "list")``."""
    from spotfw.cli import run

    def call(*words: str | Path) -> Ran:
        capsys.readouterr()
        status = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the data folder ../shared beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def tiny_model(spotfw_tiny_model: Path) -> Path:
    """A T5 1.1 of one layer, width 16, as a Mesh TF folder; see `spotfw.testing`."""
    return spotfw_tiny_model


@pytest.fixture(scope="session")
def tiny_task_file(spotfw_task_folder: Path) -> Path:
    """Sentiment of short reviews as TOML and JSONL: 40 to train on, 20 + 20 to score."""
    return spotfw_task_folder / "tiny_reviews.toml"


@pytest.fixture(scope="session")
def tiny_task(spotfw_tiny_tasks: tuple[Task, ...]) -> Task:
    """The task of `tiny_task_file`."""
    return spotfw_tiny_tasks[0]


@pytest.fixture(scope="session")
def tiny_engine(spotfw_opened_model: Any) -> Any:
    """The tiny model opened, once for all tests of a process."""
    return spotfw_opened_model


@pytest.fixture
def hub_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A local server in place of the Hugging Face hub, with a token that may write."""
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    from huggingface_hub import constants

    from tests.hub_server import TOKEN, HubServer

    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    yield server
    server.stop()
