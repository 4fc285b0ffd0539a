"""Random weights with T5's initial scales, for tests and measurements without a checkpoint."""

from __future__ import annotations

import torch

from spotfw_torch.dimensions import Dimensions
from spotfw_torch.weights import shapes


def random_tensors(
    dims: Dimensions, seed: int, device: str | torch.device = "cpu", sharpness: float = 1.0
) -> dict[str, torch.Tensor]:
    """All tensors of a T5 by Hugging Face's names, float32.

    Args:
      dims: of the model.
      seed: of torch's generator on that device.
      device: where they are made.
      sharpness: times T5's initial scale in the queries: above 1, attention is peaked.
    """
    generator = torch.Generator(device).manual_seed(seed)
    tensors = {}
    for name, shape in shapes(dims).items():
        drawn = torch.randn(shape, generator=generator, device=device)
        if "layer_norm" in name:
            drawn = 1 + drawn / 10
        elif "relative_attention_bias" not in name and name != "shared.weight":
            drawn *= shape[-1] ** -0.5  # the width that is summed over
            if name.endswith(".q.weight"):
                drawn *= sharpness * dims.d_kv**-0.5
            elif name == "lm_head.weight":
                drawn *= 3  # a spread of the logits as trained models have
        tensors[name] = drawn
    return tensors
