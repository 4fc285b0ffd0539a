"""What all tests share: fixed seeds, no say of the surroundings, the command line as a call."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs
import hypothesis
import pytest

# Before anything loads TensorFlow: no chatter, and no GPU that only some machines have.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

hypothesis.settings.register_profile("spotfw", deadline=None, derandomize=True)
hypothesis.settings.load_profile("spotfw")


@attrs.frozen
class Ran:
    """What a command line did."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _same_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what the shell that runs the tests may have set."""
    for name in ("SPOTFW_PLUGINS", "SPOTFW_DISABLE_PLUGINS"):
        # Set, then deleted: what a test's command sets is put back afterwards too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


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
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared beside the repository")
    return folder
