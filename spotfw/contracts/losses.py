"""What an engine may say of given examples under given prompts; optional, as activations are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spotfw.config import TuningSettings
from spotfw.errors import SpotError
from spotfw.tasks import Example

Array = npt.NDArray[np.float32]


class LossesOfExamples:
    """The part of a frozen model that metrics ask about a target's examples."""

    name: str

    def losses(
        self, prompts: Sequence[Array | None], examples: Sequence[Example], settings: TuningSettings
    ) -> npt.NDArray[np.float64]:
        """The loss of each example under each prompt, without dropout.

        A number is what it would be for the prompt and the example alone, up to rounding.

        Args:
          prompts: float32 [L, E] each, of any lengths; None for no prompt.
          examples: their inputs and targets, cut as `settings` says.
          settings: lengths and the batch size of scoring.

        Returns:
          float64 [prompts, examples], nats, summed over a target's tokens and its end.

        Raises:
          SpotError: this backend gives none, an example has no text on one side, or a prompt is
            of another width.
        """
        raise SpotError(self._gives_no("losses of examples"))

    def loss_gradients(
        self, prompts: Sequence[Array], examples: Sequence[Example], settings: TuningSettings
    ) -> Array:
        """The gradient of the examples' mean loss by each prompt.

        Args:
          prompts: float32 [L, E] each, of one length.
          examples, settings: as of `losses`.

        Returns:
          float32 [prompts, L, E], of the mean over examples of what `losses` gives.

        Raises:
          SpotError: as `losses`.
        """
        raise SpotError(self._gives_no("gradients"))

    def _gives_no(self, what: str) -> str:
        return (
            f"The backend of the model {self.name} gives no {what}. Compare with another metric, "
            "or open the model with a backend that can."
        )
