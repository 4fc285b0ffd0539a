"""How long a step should take, by what is counted of it and a device's rates: a prediction.

A product takes as long as its operations or its memory traffic do, whichever is longer; what is
between products takes its traffic; collectives take what a device sends. Nothing overlaps. No
kernel reaches a chip's published rates, so a step is at least as long as is predicted here.
"""

from __future__ import annotations

import attrs

from spotfw.backends.mesh.tpu.counting import Work
from spotfw.backends.mesh.tpu.hardware import Rates


@attrs.frozen(kw_only=True)
class Prediction:
    """Seconds of a step, predicted.

    Attributes:
      products: of matrix products.
      between: of what lies between them.
      exchanges: of collectives.
    """

    products: float
    between: float
    exchanges: float

    @property
    def seconds(self) -> float:
        """Of the whole step."""
        return self.products + self.between + self.exchanges


def predict(work: Work, rates: Rates, *, fused: bool = True) -> Prediction:
    """A step of this work on a device of these rates.

    Args:
      work: counted.
      rates: published or measured.
      fused: whether what is between products is compiled together.
    """
    products = sum(
        max(p.padded(rates.lanes) / rates.products, p.bytes / rates.memory) for p in work.products
    )
    # Where nothing is compiled, a product's operands are brought into its order first.
    moved = work.fused if fused else work.unfused + sum(p.bytes for p in work.products)
    apart = 0 if fused else work.operations + len(work.products)
    return Prediction(
        products=products,
        between=moved / rates.memory + apart * rates.each,
        exchanges=work.sent / rates.links if work.sent else 0.0,
    )
