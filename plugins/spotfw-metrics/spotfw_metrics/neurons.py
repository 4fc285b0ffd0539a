"""Which feed-forward neurons a prompt activates in the frozen model."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spotfw.config import checked
from spotfw.contracts import Array, FrozenModel, SimilarityMetric
from spotfw.errors import SpotError
from spotfw_metrics.tokens import Floats, tokens, unit


def _positive(_: Any, field: attrs.Attribute[Any], value: int | None) -> None:
    checked(field.name, value, (int, type(None)), "of 1 or more", lambda count: count >= 1)


@attrs.define(eq=False)
class ActivatedNeurons(SimilarityMetric):
    """|A and B| / sqrt(|A| |B|), A and B the sets of neurons that two prompts activate.

    The model is given the prompt and no text; a feed-forward neuron is activated where its
    activation function gives more than 0. Source: Su et al. 2022, "On Transferability of
    Prompt Tuning for Natural Language Processing", section 5.1 (ON, the overlapping rate of
    activated neurons: the cosine of the two activation states of zeros and ones). In [0, 1];
    0 where nothing is activated.

    Attributes:
      top_layers: how many of the model's last layers count, None for all. The paper finds
        that higher layers say more of a task.
      model: set by `with_model`.
    """

    name = "activated_neurons"
    symmetric = True
    range = (0.0, 1.0)
    top_layers: int | None = attrs.field(default=None, validator=_positive)
    model: FrozenModel | None = attrs.field(default=None, init=False, repr=False)

    def with_model(self, model: FrozenModel) -> ActivatedNeurons:
        """This metric, asking `model` for activations."""
        bound = attrs.evolve(self)
        bound.model = model
        return bound

    def features(self, prompt: Array) -> Floats:
        """The activation state scaled to length 1, float64 [layers * d_ff].

        Raises:
          SpotError: no model was given, or it gives no activations.
        """
        if self.model is None:
            raise SpotError(
                f"The metric {self.name!r} looks into the frozen model, but none is open here. "
                "Use it where there is one: Session.rank, Session.transfer or spotfw transfer."
            )
        activations = self.model.activations(tokens(prompt).astype(np.float32))
        layers = activations if self.top_layers is None else activations[-self.top_layers :]
        return unit((layers > 0).astype(np.float64)).ravel()
