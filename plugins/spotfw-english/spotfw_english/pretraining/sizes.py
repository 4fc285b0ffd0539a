"""Sizes: of a model, of the rows it reads, and the ids that mean something."""

from __future__ import annotations

import attrs

PAD, EOS, UNKNOWN = 0, 1, 2
#: `<extra_id_0>` is the highest id of a vocabulary, `<extra_id_99>` the lowest above its pieces.
SENTINELS = 100


@attrs.frozen(kw_only=True)
class RowSize:
    """Tokens of a row.

    Attributes:
      inputs, targets: tokens of the encoder and of the decoder.
    """

    inputs: int = 256
    targets: int = 64

    @property
    def spans(self) -> int:
        """Corrupted spans of a window, such that inputs and targets are filled exactly."""
        return max(1, round((self.targets - 1) / 4.2))

    @property
    def noise(self) -> int:
        """Corrupted tokens of a window: 3.2 a span, on average."""
        return self.targets - 1 - self.spans

    @property
    def window(self) -> int:
        """Tokens of text of a row of span corruption."""
        return self.inputs - 1 - self.spans + self.noise


@attrs.frozen(kw_only=True)
class ModelSize:
    """A T5 1.1.

    Attributes:
      vocabulary: rows of the embedding table, sentinels included.
      d_model, d_kv, heads, d_ff, encoder_layers, decoder_layers: as Hugging Face names them.
      buckets, distance: of relative positions.
    """

    vocabulary: int
    d_model: int = 384
    d_kv: int = 32
    heads: int = 8
    d_ff: int = 1024
    encoder_layers: int = 6
    decoder_layers: int = 4
    buckets: int = 32
    distance: int = 128


#: Sizes by name, all but the vocabulary: `english` as released, `tiny` to see that all works.
NAMED = {
    "english": {},
    "tiny": {
        "d_model": 64,
        "d_kv": 16,
        "heads": 4,
        "d_ff": 128,
        "encoder_layers": 2,
        "decoder_layers": 2,
    },
}
