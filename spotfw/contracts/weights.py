"""What an engine may give beside prompts: tuning all weights of a model (ModelTuning, 2.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import attrs

from spotfw.config import ModelTuningSettings
from spotfw.contracts.engine import FrozenModel
from spotfw.tasks import Mixture, Task


class WeightCheckpoint(Protocol):
    """All weights after a step, as long as no other report is asked for."""

    @property
    def model(self) -> FrozenModel:
        """The model with these weights, to be scored without a prompt."""
        ...

    def save(self, folder: str) -> None:
        """Writes a folder that opens like any other model's, and from which a tuning goes on.

        Args:
          folder: local and empty; the caller makes it appear whole.

        Raises:
          SpotError: it cannot be written.
        """
        ...


@attrs.frozen(kw_only=True, eq=False)
class WeightTuneRequest:
    """A tuning of all weights, asked of an opened model.

    Order of the data and dropout are functions of (settings.seed, step) alone.

    Attributes:
      task: what to train on, its split ``train``.
      settings: of the tuning; it ends at step `settings.steps`.
      step: where it goes on, below that.
      checkpoint: folder that a `WeightCheckpoint` of the same tuning wrote after `step`, None at
        step 0: then the weights are the model's own, and the optimizer's state too where the
        model's folder has one.
    """

    task: Task | Mixture
    settings: ModelTuningSettings
    step: int = 0
    checkpoint: str | None = None


@attrs.frozen(kw_only=True, eq=False)
class WeightProgress:
    """What is reported while weights are tuned.

    Attributes:
      step: updates done.
      loss: mean training loss since the last report, nats per real target token.
      examples, tokens: seen since the last report.
      checkpoint: given every `checkpoint_every` steps and after the last.
    """

    step: int
    loss: float
    examples: int
    tokens: int
    checkpoint: WeightCheckpoint | None = None


@runtime_checkable
class WeightTuning(Protocol):
    """Optional for a `FrozenModel`: all its weights can be tuned. The model itself stays as it is.

    Attributes:
      has_optimizer_state: whether the model's folder has the state of the optimizer that its
        weights were made by, with which a tuning then begins.
    """

    @property
    def has_optimizer_state(self) -> bool: ...

    def checkpoint_bytes(self, settings: ModelTuningSettings) -> int:
        """Bytes of the folder that a checkpoint writes."""
        ...

    def tune_weights(self, request: WeightTuneRequest) -> Iterator[WeightProgress]:
        """Tunes all weights, reporting as it goes.

        Raises:
          SpotError: the data or the checkpoint cannot be read, the model was opened so that its
            weights cannot be tuned, or the loss was NaN or infinite at a step.
        """
        ...


@runtime_checkable
class TunesWeights(Protocol):
    """Optional for a backend: whether models that it opens are `WeightTuning`.

    Attributes:
      tunes_weights: read before a model is opened, to choose an engine.
    """

    tunes_weights: bool
