"""A library of a few prompts, and commands on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt


def prompt(number: int, **values: Any) -> SoftPrompt:
    """A prompt of the task ``tN``."""
    array = np.random.default_rng(number).normal(size=(3, 4))
    return SoftPrompt(array, Provenance(**{"fingerprint": "f", "task": f"t{number}", **values}))


@pytest.fixture
def plugins(spotfw_plugins: Plugins) -> Plugins:
    """What commands find: the built-in parts only."""
    return spotfw_plugins


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where `call` has its library."""
    return tmp_path / "lib"


@pytest.fixture
def call(spotfw_cli: Callable[..., Any], folder: Path, plugins: Plugins) -> Callable[..., Any]:
    """Runs ``spotfw library COMMAND WORDS...``."""

    def run(command: str, *words: str | Path) -> Any:
        return spotfw_cli("library", command, *words, "--library", folder)

    return run
