"""Writes t5_two_layer.json: what Hugging Face's T5 gives for seeded weights and inputs.

Run from the repository, where torch and transformers are installed:
``python -m tests.golden.make_t5``. The weights are drawn anew from the seed by whoever
compares, so that only figures are kept.
"""

from __future__ import annotations

import json
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from benchmarks import outcome, random_t5

FILE = Path(__file__).with_name("t5_two_layer.json")

SEED, SHARPNESS = 11, 3.0
BATCH: dict[str, Any] = {"size": 8, "length": 14, "target_length": 6, "prompt_length": 5}
DECODE = 10
#: Columns of the logits that are kept, of 512.
EVERY = 37


def kept(output: outcome.Outcome, given: random_t5.Batch) -> dict[str, Any]:
    """The figures of an outcome that are kept, as plain numbers."""
    real = given.targets != 0
    return {
        "logits": np.asarray(output.logits[real][:, ::EVERY], np.float64).round(7).tolist(),
        "logits_std": float(output.logits[real].std()),
        "loss": output.loss,
        "gradient": None
        if output.gradient is None
        else np.asarray(output.gradient, np.float64).round(9).tolist(),
        "decoded": output.decoded,
    }


def given() -> random_t5.Batch:
    """The inputs."""
    return random_t5.batch(random_t5.TWO_LAYER, SEED + 1, **BATCH)


def main() -> None:
    """Writes the file."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "hf")
        random_t5.write_folder(folder, random_t5.TWO_LAYER, SEED, SHARPNESS)
        figures = {
            name: kept(
                outcome.huggingface(folder, given(), prompted=name == "prompt", decode=DECODE),
                given(),
            )
            for name in ("no prompt", "prompt")
        }
    document = {
        "about": "Hugging Face's T5; written by tests/golden/make_t5.py",
        "versions": {name: metadata.version(name) for name in ("torch", "transformers")},
        "dimensions": attrs.asdict(random_t5.TWO_LAYER),
        "figures": figures,
    }
    FILE.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
