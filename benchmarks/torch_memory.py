"""What a tuning on spotfw-torch takes in memory: as computed, and as measured on the CPU.

``python -m benchmarks.torch_memory [--json FILE]`` measures one step (loss and gradient) at T5
Small's and Base's dimensions with random weights, each in a process of its own: the growth of its
resident memory to its highest. ``--table`` prints the table of docs/use_a_real_t5.md instead.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import rows
from benchmarks.engines import need
from benchmarks.rows import Row
from spotfw.cli.display import note_wait

if __name__ == "__main__":
    need("torch")  # before what imports it

from spotfw_torch.dimensions import Dimensions
from spotfw_torch.footprint import Batch, member_bytes, weight_bytes

RESULT = Path(__file__).with_name("results") / "torch_memory.json"
DISTRIBUTIONS = ("torch", "numpy")

_COMMON = {"d_kv": 64, "vocabulary_size": 32_128, "separate_head": True}
#: T5 1.1's, from t5's own gin files: d_model, d_ff, heads, layers of each stack.
_SIZES = {
    "Small": (512, 1024, 6, 8),
    "Base": (768, 2048, 12, 12),
    "Large": (1024, 2816, 16, 24),
    "XL": (2048, 5120, 32, 24),
    "XXL": (4096, 10240, 64, 24),
}
#: Size, type, members, batch of what is measured.
MEASURED = (
    ("Small", "float32", 1, Batch(size=16, prompt=100, inputs=64, targets=4)),
    ("Small", "float32", 4, Batch(size=16, prompt=100, inputs=64, targets=4)),
    ("Small", "bfloat16", 1, Batch(size=16, prompt=100, inputs=64, targets=4)),
    ("Small", "float32", 1, Batch(size=16, prompt=100, inputs=512, targets=8)),
    ("Small", "float32", 1, Batch(size=16, prompt=20, inputs=64, targets=80)),
    ("Base", "float32", 1, Batch(size=16, prompt=100, inputs=64, targets=4)),
)
_PROMPTS, _INPUTS, _TARGETS, _BATCH = (20, 100), (64, 512), 8, 16
_GIB = 2**30


def dimensions(size: str) -> Dimensions:
    """Of a T5 1.1 by its size."""
    width, fed, heads, layers = _SIZES[size]
    return Dimensions(
        d_model=width,
        d_ff=fed,
        num_heads=heads,
        encoder_layers=layers,
        decoder_layers=layers,
        **_COMMON,
    )


def table() -> str:
    """The page's table, Markdown: GiB of weights, and of a member in bfloat16."""
    shapes = [(prompt, inputs) for inputs in _INPUTS for prompt in _PROMPTS]
    heads = ["T5 1.1", "weights, float32", "bfloat16"]
    heads += [f"prompt {prompt}, inputs {inputs}" for prompt, inputs in shapes]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for size in _SIZES:
        dims = dimensions(size)
        cells = [weight_bytes(dims, dtype) for dtype in ("float32", "bfloat16")]
        for prompt, inputs in shapes:
            batch = Batch(size=_BATCH, prompt=prompt, inputs=inputs, targets=_TARGETS)
            cells.append(member_bytes(dims, batch, "bfloat16"))
        lines.append([size, *(f"{cell / _GIB:.2f}" for cell in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured() -> Iterator[Row]:
    """Highest resident memory of a step ("ours") beside what is computed ("theirs")."""
    for at, (size, dtype, members, batch) in enumerate(MEASURED):
        command = [sys.executable, "-m", "benchmarks.torch_memory", "--one", str(at)]
        note_wait(f"{size}, {dtype}, {members} x {batch.size} examples ...")
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        peak = json.loads(ended.stdout)
        computed = members * member_bytes(dimensions(size), batch, dtype)
        shape = f"prompt {batch.prompt}, inputs {batch.inputs}, targets {batch.targets}"
        yield Row(
            what=f"{size}, {dtype}, {members} x {batch.size} examples, {shape}: peak over weights",
            ours=peak / 2**20,
            theirs=computed / 2**20,
            unit="MiB (theirs: computed)",
            ratio=peak / computed,
            goal="0.7 to 1.5",
            holds=0.7 <= peak / computed <= 1.5,
        )


def peak_of(at: int) -> int:
    """Bytes by which a step's peak is above what was there before; in a process of its own."""
    import numpy as np
    import torch

    from spotfw_torch.loss import member_gradients
    from spotfw_torch.model import FrozenT5
    from spotfw_torch.random_weights import random_tensors
    from spotfw_torch.weights import arrange

    size, dtype, members, batch = MEASURED[at]
    dims = dimensions(size)
    made = random_tensors(dims, 0)
    weights = arrange(made, dims, torch.device("cpu"), getattr(torch, dtype))
    model = FrozenT5(dims, weights)
    del made
    random = np.random.default_rng(0)

    def step(count: int, shape: Batch) -> None:
        ids = [
            torch.from_numpy(random.integers(3, 32_000, (count, shape.size, length)))
            for length in (shape.inputs, shape.targets)
        ]
        prompts = torch.randn(count, shape.prompt, dims.d_model)
        member_gradients(model, prompts, *ids, torch.full((count,), 1e-4))

    step(1, Batch(size=1, prompt=2, inputs=8, targets=2))  # what is made once
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before = _memory("VmRSS")
    step(members, batch)
    return _memory("VmHWM") - before


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def main() -> int:
    """Runs the benchmark."""
    parser = rows.parser("torch_memory", "What a tuning on spotfw-torch takes in memory.")
    parser.add_argument("--table", action="store_true", help="the page's table, nothing is run")
    parser.add_argument("--one", type=int, help="one row of `MEASURED`: bytes, nothing else")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
        return 0
    if arguments.one is not None:
        print(peak_of(arguments.one))
        return 0
    began = time.monotonic()
    place = arguments.json or str(RESULT)

    def seconds() -> float:
        return round(time.monotonic() - began, 1)

    return rows.report("torch_memory", measured(), place, DISTRIBUTIONS, seconds=seconds)


if __name__ == "__main__":
    sys.exit(main())
