"""T5s with random weights on any device, and cohorts of members for them.

The batch is the one of ``shared/design/stack.md``: 16 examples of 64 tokens behind a prompt of
100, targets of 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import spotfw_torch
from spotfw_torch.dimensions import Dimensions

BATCH, LENGTH, PROMPT, TARGETS = 16, 64, 100, 4

_COMMON = {"d_kv": 64, "vocabulary_size": 32_128, "separate_head": True}
#: t5's own t5.1.1.small.gin and t5.1.1.base.gin, and one for a test of this benchmark.
SIZES = {
    "tiny": Dimensions(
        d_model=64,
        d_ff=96,
        d_kv=16,
        num_heads=2,
        encoder_layers=2,
        decoder_layers=2,
        vocabulary_size=512,
        separate_head=True,
    ),
    "small": Dimensions(
        d_model=512, d_ff=1024, num_heads=6, encoder_layers=8, decoder_layers=8, **_COMMON
    ),
    "base": Dimensions(
        d_model=768, d_ff=2048, num_heads=12, encoder_layers=12, decoder_layers=12, **_COMMON
    ),
}


def open_random(
    size: str,
    kind: str,
    device: str,
    compiled: bool = False,
    graphs: bool = True,
    made_on: str | None = None,
) -> Any:
    """A model of `SIZES` with random weights; those made on one device are the same ones."""
    import torch

    from spotfw_torch.random_weights import random_tensors
    from spotfw_torch.weights import arrange

    torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
    dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
    dims = SIZES[size]
    made = random_tensors(dims, seed=0, device=made_on or device)
    weights = arrange(made, dims, torch.device(device), dtype)
    return spotfw_torch.FrozenT5(dims, weights, compiled=compiled, graphs=graphs)


def members(model: Any, count: int, steps: int = 64, dropout: float = 0.0) -> list[Any]:
    """Members with data, seed and prompt of their own; each example is full."""
    import torch

    random = np.random.RandomState(7)
    size = model.vocabulary_size
    table = model.weights.embedding
    cohort = []
    for number in range(count):
        ids = random.randint(3, size, (2 * BATCH, LENGTH + TARGETS))
        ids[:, [LENGTH - 1, -1]] = 1
        start = table[torch.from_numpy(random.randint(3, size, PROMPT)).to(table.device)]
        cohort.append(
            spotfw_torch.Member(
                name=f"member {number}",
                prompt=start.float().cpu().numpy(),
                examples=spotfw_torch.Examples.of(list(ids[:, :LENGTH]), list(ids[:, LENGTH:])),
                seed=number,
                batch_size=BATCH,
                dropout=dropout,
            )
        )
    return cohort
