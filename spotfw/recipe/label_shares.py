"""How likely each label is as the answer to a text, of all labels together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spotfw.config import TuningSettings
from spotfw.contracts import Array, FrozenModel
from spotfw.tasks import Example


def label_shares(
    model: FrozenModel,
    prompt: Array | None,
    lines: Sequence[str],
    labels: Sequence[str],
    settings: TuningSettings,
) -> npt.NDArray[np.float64]:
    """Each label's likelihood as the whole answer, divided by that of all labels.

    Args:
      model: whose likelihoods.
      prompt: float32 [L, E]; None for none.
      lines: whole input texts.
      labels: at least one.
      settings: lengths and the batch size.

    Returns:
      float64 [lines, labels]; rows add up to 1.

    Raises:
      SpotError: the engine gives no losses of examples.
    """
    examples = [Example(inputs=line, targets=label) for line in lines for label in labels]
    if not examples:
        return np.zeros((len(lines), len(labels)))
    nats = model.losses([prompt], examples, settings)[0].reshape(len(lines), len(labels))
    likelihoods = np.exp(nats.min(axis=1, keepdims=True) - nats)
    shares: npt.NDArray[np.float64] = likelihoods / likelihoods.sum(axis=1, keepdims=True)
    return shares
