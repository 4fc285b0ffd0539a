"""The engine against Hugging Face's T5 with the same weights.

``python -m benchmarks.parity [--json FILE] [--models NAME ...] [--folder DIR]`` needs both engines
and transformers, since two programs are compared.
With ``--engines`` it holds the plugin spotfw-torch against the Mesh engine: on the playground, a
random T5 of two layers and, where it is there, the small English T5; and, where PEFT is installed,
against its PromptTuning.

Random weights have T5's initial scales; ``small_sharp`` has queries and cross attention of
three times those, which amplifies float32 rounding until two correct programs differ by more
than the goal. There, and everywhere else, the rows "from float64" say how far each program
is from the same computation in float64: where both are alike far, the difference is rounding.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import outcome, random_t5, rows
from benchmarks.engines import installed, need
from benchmarks.rows import Row
from spotfw.backends.mesh.folders.hf_names import T5Dimensions
from spotfw.cli.display import note, note_wait

#: Issue A's goals.
LOGITS, LOSS, GRADIENT, INPUTS = 1e-4, 1e-5, 1e-4, 64

#: Name -> dimensions and sharpness of the weights.
MODELS = {
    "two_layer": (random_t5.TWO_LAYER, 1.0),
    "two_layer_sharp": (random_t5.TWO_LAYER, 3.0),
    "small": (random_t5.SMALL, 1.0),
    "small_sharp": (random_t5.SMALL, 3.0),
}

#: Where ``--engines`` leaves its rows, and a trained model that may lie beside the repository.
RESULT = Path(__file__).with_name("results") / "parity_engines.json"
_ENGLISH = Path(__file__).parents[2] / "shared" / "models" / "english-small"

DISTRIBUTIONS = ("tensorflow", "mesh-tensorflow", "t5", "torch", "transformers", "numpy")


def compare(name: str, hf: Path, mesh: Path, dims: T5Dimensions) -> Iterator[Row]:
    """The rows of one model, with and without a prompt of 10 tokens.

    64 inputs of 2 to 24 tokens, targets of 2 to 8, 12 tokens decoded.
    """
    given = random_t5.batch(dims, 1, size=INPUTS, length=24, target_length=8, prompt_length=10)
    for prompted in (False, True):
        label = f"{name}, {'prompt' if prompted else 'no prompt'}"
        theirs = outcome.huggingface(hf, given, prompted=prompted, decode=12)
        mine = outcome.ours(mesh, given, prompted=prompted, decode=12)
        exact = outcome.huggingface(hf, given, prompted=prompted, decode=1, double=True)
        apart = outcome.difference(mine, theirs, given.targets)
        yield _within(f"{label}: logits", apart.logits, LOGITS, "largest, in std of the logits")
        yield Row(
            what=f"{label}: loss",
            ours=mine.loss,
            theirs=theirs.loss,
            unit="nats per token",
            ratio=mine.loss / theirs.loss,
            goal=f"difference <= {LOSS:g}",
            holds=apart.loss <= LOSS,
        )
        if apart.gradient is not None:
            unit = "largest, in rms of the gradient"
            yield _within(f"{label}: gradient", apart.gradient, GRADIENT, unit)
        yield Row(
            what=f"{label}: decoded alike ({len(set(map(tuple, theirs.decoded)))} distinct)",
            ours=apart.alike,
            theirs=INPUTS,
            unit="inputs",
            ratio=apart.alike / INPUTS,
            goal="all",
            holds=apart.alike == INPUTS,
        )
        far = [outcome.difference(output, exact, given.targets) for output in (mine, theirs)]
        yield _rounding(f"{label}: logits from float64", far[0].logits, far[1].logits)
        if far[0].gradient is not None and far[1].gradient is not None:
            yield _rounding(f"{label}: gradient from float64", far[0].gradient, far[1].gradient)


def compare_engines(name: str, hf: Path, mesh: Path, dims: T5Dimensions) -> Iterator[Row]:
    """PyTorch ("ours") against Mesh TensorFlow ("theirs") on the batch of `compare`."""
    given = random_t5.batch(dims, 1, size=INPUTS, length=24, target_length=8, prompt_length=10)
    for prompted in (False, True):
        label = f"{name}, {'prompt' if prompted else 'no prompt'}"
        ours = outcome.torch_engine(hf, given, prompted=prompted, decode=12)
        theirs = outcome.ours(mesh, given, prompted=prompted, decode=12)
        apart = outcome.difference(ours, theirs, given.targets)
        yield _within(f"{label}: logits", apart.logits, LOGITS, "largest, in std of the logits")
        yield _within(f"{label}: loss", apart.loss, LOSS, "nats per token")
        if apart.gradient is not None:
            unit = "largest, in rms of the gradient"
            yield _within(f"{label}: gradient", apart.gradient, GRADIENT, unit)
        yield Row(
            what=f"{label}: decoded alike",
            ours=apart.alike,
            theirs=INPUTS,
            unit="inputs",
            ratio=apart.alike / INPUTS,
            goal="all",
            holds=apart.alike == INPUTS,
        )


def compare_peft(name: str, hf: Path, dims: T5Dimensions) -> Iterator[Row]:
    """PyTorch ("ours") against PEFT's PromptTuning on the same batch."""
    given = random_t5.batch(dims, 1, size=INPUTS, length=24, target_length=8, prompt_length=10)
    ours = outcome.torch_engine(hf, given, prompted=True, decode=1)
    loss, gradient = outcome.peft(hf, given)
    assert ours.gradient is not None
    size = float(np.sqrt(np.mean(gradient**2)))
    apart = float(np.abs(ours.gradient - gradient).max()) / size
    yield _within(f"{name}, PEFT: loss", abs(ours.loss - loss), LOSS, "nats per token")
    unit = "largest, in rms of the gradient"
    yield _within(f"{name}, PEFT: gradient", apart, GRADIENT, unit)


def engines() -> Iterator[Row]:
    """The rows of `compare_engines` on each model at hand."""
    from spotfw.backends.mesh.folders.convert import hf_to_mesh
    from spotfw_playground.bundled import PACKED

    with_peft = installed(["torch", "peft"]) == ["torch", "peft"]
    with tempfile.TemporaryDirectory() as place:
        random = Path(place, "two_layer")
        random_t5.write_folder(random, random_t5.TWO_LAYER, seed=0)
        folders = {"playground": PACKED, "two_layer": random, "english-small": _ENGLISH}
        for name, hf in folders.items():
            if not (hf / "config.json").exists():
                note(f"Without rows of {name}: {hf} is not here.")
                continue
            mesh = Path(place, f"{name}-mesh")
            converted = hf_to_mesh(str(hf), str(mesh))
            yield from compare_engines(name, hf, mesh, converted.dimensions)
            if with_peft:
                yield from compare_peft(name, hf, converted.dimensions)


def against_huggingface(given: Namespace) -> Iterator[Row]:
    """The rows of `compare` on each model that the command line names."""
    from spotfw.backends.mesh.folders.convert import hf_to_mesh

    with tempfile.TemporaryDirectory() as place:
        for name in given.models:
            dims, sharpness = MODELS[name]
            hf, mesh = Path(place, name, "hf"), Path(place, name, "mesh")
            note_wait(f"{name}: writing a model of random weights ...")
            random_t5.write_folder(hf, dims, seed=0, sharpness=sharpness)
            hf_to_mesh(str(hf), str(mesh))
            yield from compare(name, hf, mesh, dims)
        if given.folder:
            hf, mesh = given.folder, Path(place, "trained")
            yield from compare(hf.name, hf, mesh, hf_to_mesh(str(hf), str(mesh)).dimensions)


def _within(what: str, value: float, goal: float, unit: str) -> Row:
    return Row(
        what=f"{what}, difference",
        ours=value,
        theirs=None,
        unit=unit,
        ratio=value / goal,
        goal=f"<= {goal:g}",
        holds=value <= goal,
    )


def _rounding(what: str, ours: float, theirs: float) -> Row:
    return Row(
        what=what,
        ours=ours,
        theirs=theirs,
        unit="as above",
        ratio=ours / theirs,
        goal="",
        holds=None,
    )


def main() -> int:
    """Runs the benchmark."""
    parser = rows.parser("parity", "The engine against Hugging Face's T5 with the same weights.")
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    parser.add_argument("--folder", type=Path, help="also a trained Hugging Face T5 1.1 folder")
    parser.add_argument(
        "--engines", action="store_true", help="spotfw-torch against the Mesh engine instead"
    )
    arguments = parser.parse_args()
    for name in ("mesh", "torch") if arguments.engines else ("mesh", "torch", "transformers"):
        need(name)
    began = time.monotonic()

    def seconds() -> float:
        return round(time.monotonic() - began, 1)

    if arguments.engines:
        peft = ["peft"] if importlib.util.find_spec("peft") else []
        packages = (*DISTRIBUTIONS, *peft)
        place = arguments.json or str(RESULT)
        return rows.report("parity", engines(), place, packages, seconds=seconds)
    results = against_huggingface(arguments)
    return rows.report("parity", results, arguments.json, DISTRIBUTIONS, seconds=seconds)


if __name__ == "__main__":
    sys.exit(main())
