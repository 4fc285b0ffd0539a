"""Models whose weights are tuned, and Adafactor in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks import random_t5
from spotfw.backends.mesh.engine import MeshModel, open_model
from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.backends.mesh.folders.convert import hf_to_mesh
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.weights.requests import begun
from spotfw.backends.mesh.weights.tuning import TunedWeights

Floats = npt.NDArray[Any]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A two-layer T5 1.1 as Hugging Face's folder and as Mesh TF's."""
    place = tmp_path_factory.mktemp("two_layer")
    random_t5.write_folder(place / "hf", random_t5.TWO_LAYER, 0, 2.0)
    hf_to_mesh(str(place / "hf"), str(place / "mesh"))
    return place / "hf", place / "mesh"


@pytest.fixture(scope="session")
def two_layer(folders: tuple[Path, Path]) -> Iterator[MeshModel]:
    """The same, opened."""
    model = open_model(str(folders[1]), threads=1)
    yield model
    model.close()


@pytest.fixture
def begin() -> Iterator[Callable[..., TunedWeights]]:
    """A function that begins to tune all weights of an opened model, from a checkpoint of it."""
    opened: list[TunedWeights] = []

    def start(
        model: MeshModel,
        factored_from: int = 128,
        checkpoint: Checkpoint | None = None,
        **shapes: Any,
    ) -> TunedWeights:
        first = Shapes(**{"batch": 4, "inputs": 16, "targets": 4, "prompt_length": 0, **shapes})
        checkpoint = checkpoint or model.checkpoint
        opened.append(begun(model.origin(), checkpoint, factored_from, first))
        return opened[-1]

    yield start
    for weights in opened:
        weights.runtime.close()


@pytest.fixture(scope="session")
def batches() -> Callable[[int], tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """A function giving inputs [4, 16] and targets [4, 4] of random ids and lengths, by a seed."""

    def make(seed: int, size: int = 4) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        drawn = random_t5.batch(
            random_t5.TWO_LAYER, seed, size=size, length=16, target_length=4, prompt_length=1
        )
        # Ids that the tiny model's table has too; the end is 1 and padding 0.
        return drawn.inputs % 128, drawn.targets % 128

    return make


@pytest.fixture(scope="session")
def reference_update() -> Callable[..., Floats]:
    """Adafactor's update of one tensor in NumPy: a function giving its new value."""

    def update(
        value: Floats,
        moments: dict[str, Any],
        gradient: Floats,
        step: int,
        factored_from: int,
        rate: float = 0.001,
        decay: float = 0.8,
    ) -> Floats:
        """Shazeer and Stern 2018, algorithms 4 and 8, in float64; changes `moments`."""
        beta = 1.0 - (step + 1.0) ** -decay
        squares = gradient**2 + 1e-30
        if value.ndim == 2 and min(value.shape) >= factored_from:
            rows, columns = moments.get("rows", 0.0), moments.get("columns", 0.0)
            moments["rows"] = beta * rows + (1 - beta) * squares.mean(1)
            moments["columns"] = beta * columns + (1 - beta) * squares.mean(0)
            second = np.outer(moments["rows"], moments["columns"]) / moments["rows"].mean()
        else:
            second = moments["v"] = beta * moments.get("v", 0.0) + (1 - beta) * squares
        change = gradient / np.sqrt(second)
        change = change / max(1.0, np.sqrt(np.mean(change**2)))
        return np.asarray(value - rate * max(1e-3, np.sqrt(np.mean(value**2))) * change)

    return update
