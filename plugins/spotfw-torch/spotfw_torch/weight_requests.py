"""spotfw's requests to tune all weights, on an opened model of this engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from spotfw.backends.splits import Splits
from spotfw.backends.weights import tune_weights
from spotfw.contracts import FrozenModel, WeightProgress, WeightTuneRequest
from spotfw.errors import SpotError
from spotfw_torch.model import FrozenT5
from spotfw_torch.weight_folder import OPTIMIZER, write_folder
from spotfw_torch.weight_tuning import TunedWeights


@attrs.frozen(eq=False)
class Origin:
    """The model that weights are tuned from.

    Attributes:
      engine: as it was opened.
      folder: where its files lie.
      vocabulary: a file that was named in place of the folder's own.
      splits: where examples come from.
      opened: makes a `FrozenModel` of other weights.
    """

    engine: FrozenT5
    folder: Path
    vocabulary: str | None
    splits: Splits
    opened: Callable[[FrozenT5], FrozenModel]


class Checkpoint:
    """See `spotfw.contracts.WeightCheckpoint`."""

    def __init__(self, origin: Origin, weights: TunedWeights) -> None:
        self._origin, self._weights = origin, weights

    @functools.cached_property
    def model(self) -> FrozenModel:
        """The model with these weights."""
        return self._origin.opened(self._weights.frozen())

    def save(self, folder: str) -> None:
        """Writes weights, optimizer, configuration and vocabulary."""
        origin, weights = self._origin, self._weights
        write_folder(
            Path(folder), origin.folder, origin.vocabulary, weights.tensors, weights.optimizer
        )


def tuned(origin: Origin, request: WeightTuneRequest) -> Iterator[WeightProgress]:
    """Tunes all weights; see `spotfw.contracts.WeightTuning`.

    Raises:
      SpotError: as there.
    """
    engine = origin.engine
    blocks = (*engine.weights.encoder, *engine.weights.decoder)
    if any(block.attention.norm.device != engine.device for block in blocks):
        raise SpotError(
            "All weights of a model that lies over several devices cannot be tuned. Open it on "
            "one, with device in place of device_map."
        )
    folder = origin.folder if request.checkpoint is None else Path(request.checkpoint)
    if request.checkpoint is not None and not (folder / OPTIMIZER).is_file():
        raise SpotError(
            f"The checkpoint {folder} has no {OPTIMIZER}, so the tuning cannot go on from it. Put "
            "the file back, or tune anew in another folder (--out)."
        )
    weights = TunedWeights(
        folder, engine.dimensions, engine.device, engine.dtype, request.settings.factored_from
    )
    data = origin.splits.training(request.task, request.settings.of_data())
    for progress, due in tune_weights(weights, data, request):
        yield attrs.evolve(progress, checkpoint=Checkpoint(origin, weights)) if due else progress
