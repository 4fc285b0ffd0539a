"""spotfw's requests to tune all weights, on an opened model of this engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.backends.mesh.folders.weights import check_finite, check_variables
from spotfw.backends.mesh.machines import Machine
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import Runtime
from spotfw.backends.mesh.weights.folder import ModelFiles, slots_of, write_folder
from spotfw.backends.mesh.weights.idle import IdleSession
from spotfw.backends.mesh.weights.tuning import TunedWeights, shapes_of_part
from spotfw.backends.splits import Splits
from spotfw.backends.weights import tune_weights
from spotfw.contracts import FrozenModel, WeightProgress, WeightTuneRequest
from spotfw.errors import SpotError, WrongUse


@attrs.frozen(kw_only=True, eq=False)
class Origin:
    """The model that weights are tuned from.

    Attributes:
      files: what its folder holds beside weights.
      checkpoint: whose weights they are at first.
      machine: that it was opened on.
      sessions: gives one for weights that move.
      splits: where examples come from.
      opened: makes a `FrozenModel` of another session's weights.
    """

    files: ModelFiles
    checkpoint: Checkpoint
    machine: Machine
    sessions: IdleSession
    splits: Splits
    opened: Callable[[Runtime], FrozenModel]


class TunedCheckpoint:
    """See `spotfw.contracts.WeightCheckpoint`."""

    def __init__(self, origin: Origin, weights: TunedWeights) -> None:
        self._origin, self._weights = origin, weights

    @functools.cached_property
    def model(self) -> FrozenModel:
        """The model with these weights."""
        return self._origin.opened(self._weights.runtime)

    def save(self, folder: str) -> None:
        """Writes weights, optimizer, configuration and vocabulary."""
        tensors = self._weights.runtime.newest(slots=True)
        write_folder(Path(folder), self._origin.files, tensors, self._weights.updates)


def tuned(origin: Origin, request: WeightTuneRequest) -> Iterator[WeightProgress]:
    """Tunes all weights; see `spotfw.contracts.WeightTuning`.

    Raises:
      SpotError: as there.
    """
    _check_machine(origin.machine, request.settings.rows)
    checkpoint = origin.checkpoint
    if request.checkpoint is not None:
        checkpoint = Checkpoint(request.checkpoint)
        check_variables(origin.checkpoint.shapes, checkpoint.shapes, checkpoint.prefix)
        if not checkpoint.slots:
            raise SpotError(
                f"The checkpoint {checkpoint.prefix} has no state of its optimizer, so the tuning "
                "cannot go on from it. Put the file back, or tune anew in another folder (--out)."
            )
    settings = request.settings
    data = origin.splits.training(request.task, settings.of_data())
    first = data.batch(request.step, settings.of_data())
    shapes = shapes_of_part(origin.machine.layout, *first, settings)
    weights = begun(origin, checkpoint, settings.factored_from, shapes)
    try:
        for progress, due in tune_weights(weights, data, request):
            kept = TunedCheckpoint(origin, weights)
            yield attrs.evolve(progress, checkpoint=kept) if due else progress
    except BaseException:
        weights.runtime.close()
        raise
    origin.sessions.keep(weights.runtime)


def begun(
    origin: Origin, checkpoint: Checkpoint, factored_from: int, shapes: Shapes
) -> TunedWeights:
    """A checkpoint's weights, and its optimizer's state where it has one, ready to be tuned.

    Args:
      origin: the model whose weights they are, or were before.
      checkpoint: to go on from.
      factored_from: see `plans.update_plan`.
      shapes: of the first batch, or of a part of it.

    Raises:
      SpotError: a weight or the state cannot be used.
    """
    slot = slots_of(checkpoint, factored_from) if checkpoint.slots else None
    updates = checkpoint.updates if checkpoint.slots else 0

    def weight(name: str) -> npt.NDArray[np.float32]:
        value = checkpoint.read(name)
        check_finite(value, name, checkpoint.prefix)
        return value

    runtime = origin.sessions.take(factored_from)
    try:
        runtime.begin(shapes, weight, slot)
        return TunedWeights(runtime, updates)
    except BaseException:
        runtime.close()
        raise


def _check_machine(machine: Machine, rows: int) -> None:
    """Refuses devices that all weights cannot be tuned on.

    Raises:
      WrongUse: a TPU, a mesh of which an axis would split nothing, or a batch that does not
        come out even over it.
    """
    if machine.updates:
        raise WrongUse(
            "All weights cannot be tuned on a TPU here: this engine runs its updates there in a "
            "loop that moves prompts alone. Open the model on this machine's devices, without "
            "--tpu, or tune it with t5, which reads the same folder."
        )
    layout = machine.layout
    if layout.parts("cohort") > 1:
        raise WrongUse(
            f"The mesh {layout.shape_text} splits a cohort of prompts over its devices, and a "
            "tuning of all weights has none: every device would compute the same. Lay the batch "
            "or the model over that axis, e.g. --mesh-shape batch:2,model:2."
        )
    layout.check_batch(rows)
