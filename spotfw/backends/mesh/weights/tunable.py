"""The part of an opened model that tunes all its weights, which themselves stay as they are."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TypeVar

from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.backends.mesh.runtime import Runtime
from spotfw.backends.mesh.weights.folder import ModelFiles, folder_bytes
from spotfw.backends.mesh.weights.idle import IdleSession
from spotfw.backends.mesh.weights.requests import Origin, tuned
from spotfw.backends.splits import Splits
from spotfw.config import ModelTuningSettings
from spotfw.contracts import FrozenModel, WeightProgress, WeightTuneRequest

Model = TypeVar("Model", bound="TunableModel")


class TunableModel(FrozenModel):
    """See `spotfw.contracts.WeightTuning`.

    Attributes:
      checkpoint: that it was opened from.
      beside: what else its folder holds.
      runtime: its session.
      to_tune: gives one for weights that move.
      splits: where examples come from.
    """

    checkpoint: Checkpoint
    beside: ModelFiles
    runtime: Runtime
    to_tune: IdleSession
    splits: Splits

    @property
    def has_optimizer_state(self) -> bool:
        """Whether the checkpoint has the second moments of the optimizer that made it."""
        return bool(self.checkpoint.slots)

    def checkpoint_bytes(self, settings: ModelTuningSettings) -> int:
        """Bytes of all weights and the optimizer's state."""
        return folder_bytes(self.checkpoint.shapes, settings.factored_from)

    def tune_weights(self, request: WeightTuneRequest) -> Iterator[WeightProgress]:
        """Tunes all weights; see `spotfw.contracts.WeightTuning`."""
        yield from tuned(self.origin(), request)

    def origin(self) -> Origin:
        """What weights are tuned from."""
        return Origin(
            files=self.beside,
            checkpoint=self.checkpoint,
            machine=self.runtime.machine,
            sessions=self.to_tune,
            splits=self.splits,
            opened=self.with_weights,
        )

    def with_weights(self: Model, runtime: Runtime) -> Model:
        """This model with another session's weights; splits that were read serve both."""
        other = copy.copy(self)
        other.__dict__.pop("embeddings", None)
        other.runtime = runtime
        return other
