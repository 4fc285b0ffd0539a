"""Where embeddings start: which pieces stand near which in the text.

The positive pointwise mutual information of near pieces, reduced by a singular value
decomposition: the model need not learn first that words of one kind are alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

#: How far apart two pieces may be.
_NEAR = 4
#: Tokens that are counted, and how many at once.
_MOST, _AT_ONCE = 60_000_000, 2_000_000


def embeddings_of(tokens: npt.NDArray[np.uint16], vocabulary: int, width: int) -> Tensor:
    """Embeddings [vocabulary, width], float32, of root mean square 1."""
    counts = _near(tokens[:_MOST], vocabulary)
    counts = counts + counts.t()
    of_piece = counts.sum(1)
    smoothed = of_piece.pow(0.75)
    smoothed = smoothed / smoothed.sum()
    expected = of_piece[:, None].clamp(min=1) * smoothed[None, :]
    information = torch.log(counts / expected.clamp(min=1e-9)).clamp(min=0)
    information[counts == 0] = 0
    generator_state = torch.random.get_rng_state()
    torch.manual_seed(1)
    directions, strengths, _ = torch.svd_lowrank(information, q=width + 16, niter=3)
    random = torch.randn(vocabulary, width)
    torch.random.set_rng_state(generator_state)
    embeddings = directions[:, :width] * strengths[:width].sqrt()
    embeddings = embeddings / embeddings.pow(2).mean().sqrt().clamp(min=1e-9)
    length = embeddings.pow(2).mean(1, keepdim=True).sqrt()
    # Pieces that never occur are random; none is far shorter or longer than the rest.
    even = embeddings / length.clamp(min=1e-6) * length.clamp(0.5, 1.5)
    embeddings = torch.where(length > 1e-3, even, random)
    return embeddings / embeddings.pow(2).mean().sqrt()


def _near(tokens: npt.NDArray[np.uint16], vocabulary: int) -> Tensor:
    """How often each piece stands before each other, near ones counting more; a square."""
    counts = torch.zeros(vocabulary * vocabulary)
    for begin in range(0, len(tokens), _AT_ONCE):
        some = torch.from_numpy(tokens[begin : begin + _AT_ONCE + _NEAR].astype(np.int64))
        for apart in range(1, _NEAR + 1):
            pairs = some[:-apart][:_AT_ONCE] * vocabulary + some[apart:][:_AT_ONCE]
            counts += torch.bincount(pairs, minlength=len(counts)) / apart
    return counts.view(vocabulary, vocabulary)
