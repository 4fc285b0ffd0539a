"""How many members of a cohort an update takes at once, from the memory that each needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from spotfw.contracts import TuneRequest

#: Bytes that all members' activations may take; more of them do not make an update cheaper.
_ROOM = 2**29
_FLOAT = 4


@attrs.frozen(kw_only=True)
class Sizes:
    """Numbers of a model that activations are counted by.

    Attributes:
      encoder, decoder: inputs and outputs of all matrices that a position goes through there.
      crossed: outputs of those that each encoder position goes through for the decoder.
      scores: heads of all the encoder's self-attention.
      vocabulary: rows of the embedding table.
    """

    encoder: int
    decoder: int
    crossed: int
    scores: int
    vocabulary: int

    @classmethod
    def of(cls, shapes: Mapping[str, tuple[int, ...]], rows: int) -> Sizes:
        """From the shapes of a checkpoint's variables and the rows of its table."""
        matrices = {name: shape for name, shape in shapes.items() if len(shape) == 2}
        heads = max(
            (shape[0] for name, shape in matrices.items() if "relative_attention_bias" in name),
            default=1,
        )
        inside = {n: s for n, s in matrices.items() if "relative_attention_bias" not in n}

        def through(part: str) -> int:
            return sum(sum(shape) for name, shape in inside.items() if name.startswith(part))

        keys = ("EncDecAttention/k", "EncDecAttention/v")
        layers = sum(n.startswith("encoder/") and n.endswith("SelfAttention/q") for n in inside)
        return cls(
            encoder=through("encoder/"),
            decoder=through("decoder/"),
            crossed=sum(shape[1] for name, shape in inside.items() if name.endswith(keys)),
            scores=heads * layers,
            vocabulary=rows,
        )

    def bytes_of_member(self, batch: int, inputs: int, targets: int) -> int:
        """What an update keeps of one member, about.

        Forward and backward pass keep each activation some three times: as it goes in, as it
        comes out and its gradient; attention's scores too.

        Args:
          batch: its examples.
          inputs: positions of the encoder, the prompt's among them.
          targets: positions of the decoder.
        """
        encoder = inputs * (self.encoder + self.crossed) + inputs**2 * self.scores * 2
        decoder = targets * (self.decoder + self.vocabulary)
        return 3 * _FLOAT * batch * (encoder + decoder)

    def largest_cohort(self, requests: Sequence[TuneRequest]) -> int:
        """Members of requests of one shape that an update takes at once."""
        each = max(
            self.bytes_of_member(
                request.settings.batch_size,
                len(request.start.prompt) + request.settings.max_input_length,
                request.settings.max_target_length,
            )
            for request in requests
        )
        return max(1, _ROOM // each)


def dimensions(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """A T5's dimensions that a layout may split, from the shapes of a checkpoint's variables.

    Heads are left out where no bias of relative positions says how many there are. Tensors of
    another rank than a T5's say nothing.
    """
    rows, width = shapes["shared/embedding"]
    # Mesh TF makes the table's rows a multiple of 128.
    sizes = {"vocab": -(-rows // 128) * 128, "d_model": width}
    for name, shape in shapes.items():
        if len(shape) != 2:
            continue
        if name.endswith("relative_attention_bias"):
            sizes["heads"] = shape[0]
        elif name.endswith(("DenseReluDense/wi/kernel", "DenseReluDense/wi_0/kernel")):
            sizes["d_ff"] = shape[1]
    return sizes
