"""A frozen T5: opened once, run with many prompts in front of its encoder's input."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from spotfw_torch import layers, on_cpu, ragged
from spotfw_torch.dimensions import Dimensions, read_dimensions
from spotfw_torch.dropout import Dropout
from spotfw_torch.examples import FREE_MULTIPLE, MULTIPLE
from spotfw_torch.logits import project
from spotfw_torch.placement import Placement, beside, place
from spotfw_torch.positions import FORBIDDEN, of_block, relative_bias, with_padding
from spotfw_torch.products import pack
from spotfw_torch.tensors import read_tensors, settled
from spotfw_torch.weights import Weights, arrange

PAD, END, START = 0, 1, 0
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
#: Dropout sites: an encoder's block uses four numbers, a decoder's six.
_ENCODER_SITES, _DECODER_SITES = 1_000, 100_000


@attrs.frozen(kw_only=True, eq=False)
class Encoded:
    """What the decoder attends to.

    Attributes:
      hidden: [R, K, E], K = prompt and text positions.
      bias: [R, 1, 1, K], very negative at padding.
    """

    hidden: torch.Tensor
    bias: torch.Tensor


def load(
    folder: str | os.PathLike[str],
    device: str | torch.device = "cpu",
    dtype: str = "float32",
    compiled: bool = False,
    graphs: bool = True,
    device_map: str | None = None,
) -> FrozenT5:
    """Opens a Hugging Face T5 folder (config.json and safetensors, sharded or not).

    Args:
      folder: local.
      device: as torch names it.
      dtype: ``float32`` or ``bfloat16``, of weights and matrix products. Norms, softmax,
        logits and losses are float32 either way.
      compiled: whether torch.compile makes programs of the blocks: a step is faster and
        needs less memory, the first one of each shape takes long.
      graphs: whether a cohort's steps on CUDA are captured as graphs and replayed, which
        takes the time to launch their thousand kernels away.
      device_map: lays the blocks over several devices in place of `device`, without graphs; see
        `spotfw_torch.placement.place`.

    Raises:
      ModelFolderError: the folder is missing, damaged or holds no T5 that can be run.
      WrongUse, SpotError: as `place`.
    """
    dims = read_dimensions(Path(folder))
    where = Placement.on(torch.device(device), dims)
    if device_map is not None:
        where = place(device_map, dims, _type(dtype))
    tensors = settled(read_tensors(Path(folder)))
    weights = arrange(tensors, dims, where.home, _type(dtype), where.by_name())
    if not compiled:  # the decoder's products have few rows
        pack(tensor for block in weights.encoder for part in block for tensor in part)
    return FrozenT5(dims, weights, compiled=compiled, graphs=graphs)


def _type(dtype: str) -> torch.dtype:
    if dtype not in _TYPES:
        raise ValueError(f"the type can be {' or '.join(_TYPES)}, not {dtype!r}")
    return _TYPES[dtype]


class FrozenT5:
    """See `load`.

    Attributes:
      dimensions: sizes and variants.
      weights: all tensors.
      device, dtype: torch's, of the embeddings, and of all weights.
      graphs: whether steps are captured as CUDA graphs.
      multiple: what lengths of inputs are padded to multiples of.
    """

    def __init__(
        self,
        dimensions: Dimensions,
        weights: Weights,
        compiled: bool = False,
        graphs: bool = True,
    ) -> None:
        self.dimensions = dimensions
        self.weights = weights
        blocks = (*weights.encoder, *weights.decoder)
        whole = all(b.attention.norm.device == weights.embedding.device for b in blocks)
        self.graphs = graphs and weights.embedding.is_cuda and whole
        self.device = weights.embedding.device
        self.dtype = weights.embedding.dtype
        self._eager_on_cpu = self.device.type == "cpu" and not compiled
        # PyTorch's attention, of a compiled program or on another device, takes no more columns.
        self._adds_columns = self._eager_on_cpu and whole
        self.multiple = FREE_MULTIPLE if self._eager_on_cpu else MULTIPLE
        self.settings = layers.Settings(
            heads=dimensions.num_heads,
            epsilon=dimensions.epsilon,
            gated=dimensions.gated,
            activation=dimensions.activation,
        )
        self._encoder_block = _compiled(layers.encoder_block, compiled)
        self._decoder_block = _compiled(layers.decoder_block, compiled)

    @property
    def width(self) -> int:
        """Size E of an embedding."""
        return self.dimensions.d_model

    @property
    def vocabulary_size(self) -> int:
        """Rows of the embedding table."""
        return self.dimensions.vocabulary_size

    def embeddings(self) -> npt.NDArray[np.float32]:
        """The input embeddings, float32 [V, E]."""
        table: npt.NDArray[np.float32] = self.weights.embedding.float().cpu().numpy()
        return table

    def encode(
        self, prompts: torch.Tensor, inputs: torch.Tensor, dropout: Dropout | None = None
    ) -> Encoded:
        """Runs the encoder on texts with their members' prompts in front.

        Args:
          prompts: float32 [M, L, E]; a gradient flows to them.
          inputs: int64 [M, B, T], padded behind with 0; R = M * B.
          dropout: of the M members' rows, None for none.
        """
        if not self._eager_on_cpu or torch.is_grad_enabled() or dropout is not None:
            return self._encode(prompts, inputs, dropout)
        members, batch, length = inputs.shape
        sorted_lengths = ragged.real_lengths(inputs).sort(dim=1, descending=True, stable=True)
        longest = sorted_lengths.values.amax(0).tolist()
        starts = ragged.borders(longest, members, self.width)
        if len(starts) == 2:
            return self._encode(prompts, inputs, dropout)
        order, hidden = sorted_lengths.indices, []
        flat = order + batch * torch.arange(members)[:, None]
        for first, last in itertools.pairwise(starts):
            rows = flat[:, first:last]
            ids = inputs.flatten(0, 1)[rows, : longest[first]]
            hidden.append(self._encode(prompts, ids, None).hidden)
        x = ragged.joined(hidden, order, prompts.shape[1] + length)
        real = functional.pad(inputs.flatten(0, 1) != PAD, (prompts.shape[1], 0), value=True)
        return Encoded(hidden=x, bias=with_padding(x.new_zeros(1, 1, x.shape[1]), real))

    def _encode(
        self, prompts: torch.Tensor, inputs: torch.Tensor, dropout: Dropout | None
    ) -> Encoded:
        """As `encode`, all rows in one batch."""
        members, batch, length = inputs.shape
        prompt_length = prompts.shape[1]
        tokens = functional.embedding(inputs, self.weights.embedding)
        narrow = prompts.to(self.dtype)
        spread = narrow[:, None].expand(members, batch, prompt_length, self.width)
        x = torch.cat([spread, tokens], dim=2).flatten(0, 1)
        qkv = None
        if prompt_length and dropout is None and self._eager_on_cpu:
            first = self.weights.encoder[0].attention
            qkv = layers.shared_qkv(narrow, tokens, first, self.settings)
        real = functional.pad(inputs.flatten(0, 1) != PAD, (prompt_length, 0), value=True)
        place = torch.arange(prompt_length + length, device=self.device)
        positions = relative_bias(
            self.weights.encoder_positions,
            place,
            place,
            bidirectional=True,
            max_distance=self.dimensions.max_distance,
        )
        heads = self.settings.heads
        columns = on_cpu.columns(x, heads) if self._adds_columns else None
        bias = with_padding(of_block(positions, 0, heads), real, columns)
        x = layers.dropped(x, self._feature_mask(dropout, _ENCODER_SITES - 1))
        for number, block in enumerate(self.weights.encoder):
            masks = self._encoder_masks(dropout, number, x.shape[1])
            if number and self.dimensions.bias_in_every_block:
                bias = with_padding(of_block(positions, number, heads), real, columns)
            x, bias, masks = beside(block, x, bias, masks)
            x = self._encoder_block(x, block, self.settings, bias, masks, qkv)
            qkv = None
        x = x.to(self.device)
        x = layers.norm(x, self.weights.encoder_norm, self.dimensions.epsilon)
        x = layers.dropped(x, self._feature_mask(dropout, _ENCODER_SITES - 2))
        return Encoded(hidden=x, bias=with_padding(x.new_zeros(1, 1, x.shape[1]), real))

    def decode(
        self,
        encoded: Encoded,
        ids: torch.Tensor,
        dropout: Dropout | None = None,
        bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Runs the decoder, teacher-forced: hidden [R, Q, E], ready for `logits`.

        Args:
          encoded: of the R rows.
          ids: int64 [R, Q], what the decoder is given (targets behind the start id).
          dropout: of the rows, None for none.
          bias: of its self attention, as `causal_bias` gives it; by default causal.
        """
        x = functional.embedding(ids, self.weights.embedding)
        x = layers.dropped(x, self._feature_mask(dropout, _DECODER_SITES - 1))
        if bias is None:
            bias = self.causal_bias(ids.shape[1])
        hidden, cross = encoded.hidden, encoded.bias
        for number, block in enumerate(self.weights.decoder):
            masks = self._decoder_masks(dropout, number, x.shape[1], encoded.hidden.shape[1])
            x, hidden, bias, cross, masks = beside(block, x, hidden, bias, cross, masks)
            own = of_block(bias, number, self.settings.heads)
            x = self._decoder_block(x, hidden, block, self.settings, own, cross, masks)
        x = self.finish(x.to(self.device))
        return layers.dropped(x, self._feature_mask(dropout, _DECODER_SITES - 2))

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """The decoder's last norm, and original T5's scaling, of [..., E]."""
        x = layers.norm(x, self.weights.decoder_norm, self.dimensions.epsilon)
        return x * self.width**-0.5 if self.dimensions.scaled_output else x

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 [..., V] of the decoder's hidden [..., E]."""
        return project(hidden, self.weights.head, self._wide_head)

    @functools.cached_property
    def _wide_head(self) -> torch.Tensor | None:
        """The head in float32 on the CPU, where it would else be made for every product."""
        head = self.weights.head
        return head.float() if head.is_cpu and head.dtype != torch.float32 else None

    def causal_bias(self, length: int, groups: int = 1) -> torch.Tensor:
        """The decoder's bias [1, heads, groups * length, groups * length], or of all its blocks.

        With several groups, as many sequences of this length stand one after the other, and
        none sees another.
        """
        place = torch.arange(length, device=self.device).repeat(groups)
        group = torch.arange(groups, device=self.device).repeat_interleave(length)
        positions = relative_bias(
            self.weights.decoder_positions,
            place,
            place,
            bidirectional=False,
            max_distance=self.dimensions.max_distance,
        )
        seen = (place[None, :] <= place[:, None]) & (group[None, :] == group[:, None])
        return positions.masked_fill(~seen, FORBIDDEN)[None]

    def _feature_mask(self, dropout: Dropout | None, site: int) -> torch.Tensor | None:
        return None if dropout is None else dropout.features(site, self.width)

    def _encoder_masks(
        self, dropout: Dropout | None, block: int, length: int
    ) -> layers.EncoderMasks | None:
        if dropout is None:
            return None
        site = _ENCODER_SITES + 4 * block
        return layers.EncoderMasks(
            keys=dropout.keys(site, self.settings.heads, length),
            attended=dropout.features(site + 1, self.width),
            inner=dropout.features(site + 2, self.dimensions.d_ff),
            fed=dropout.features(site + 3, self.width),
        )

    def _decoder_masks(
        self, dropout: Dropout | None, block: int, length: int, encoded: int
    ) -> layers.DecoderMasks | None:
        if dropout is None:
            return None
        site = _DECODER_SITES + 6 * block
        return layers.DecoderMasks(
            keys=dropout.keys(site, self.settings.heads, length),
            attended=dropout.features(site + 1, self.width),
            cross_keys=dropout.keys(site + 2, self.settings.heads, encoded),
            crossed=dropout.features(site + 3, self.width),
            inner=dropout.features(site + 4, self.dimensions.d_ff),
            fed=dropout.features(site + 5, self.width),
        )


def _compiled(block: Callable[..., torch.Tensor], compiled: bool) -> Callable[..., torch.Tensor]:
    if not compiled:
        return block
    # One program a shape: lengths are padded so that there are few.
    torch._dynamo.config.recompile_limit = max(64, torch._dynamo.config.recompile_limit)
    made: Any = torch.compile(block, dynamic=False)
    return made  # type: ignore[no-any-return]
