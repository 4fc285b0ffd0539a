"""spotfw's tuning requests as members of this engine's cohorts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spotfw.backends.cohorts import moment
from spotfw.backends.splits import TrainingData
from spotfw.contracts import TuneRequest
from spotfw.errors import SpotError
from spotfw_torch.cohort import Cohort
from spotfw_torch.examples import Examples, Indices
from spotfw_torch.member import Member
from spotfw_torch.model import FrozenT5

#: T5's penalty on the log normaliser while training.
_Z_LOSS = 1e-4


class RequestCohorts:
    """Cohorts of requests of one prompt length and batch size; see `spotfw.backends.cohorts`."""

    def __init__(self, model: FrozenT5, members: int) -> None:
        """On a frozen model, of `members` at most."""
        self._model = model
        self._members = members
        self._pooled: dict[tuple[int, ...], Examples] = {}

    def shape(self, request: TuneRequest) -> tuple[int, int]:
        """Prompt length and batch size."""
        return len(request.start.prompt), request.settings.batch_size

    def member(self, name: str, request: TuneRequest, data: TrainingData) -> Member:
        """The request as a cohort's member.

        Raises:
          SpotError: its start is of another width, or the optimizer's state of another shape.
        """
        settings, start = request.settings, request.start
        if start.prompt.ndim != 2 or start.prompt.shape[1] != self._model.width:
            raise SpotError(
                f"The prompt has shape {list(start.prompt.shape)}, but the model takes "
                f"[L, {self._model.width}]: it was learned for another model."
            )
        offsets = np.cumsum([0, *map(len, data.members)])

        def order(step: int) -> Indices:
            member, row = data.rows(step, settings)
            places: Indices = offsets[member] + row
            return places

        return Member(
            name=name,
            prompt=np.asarray(start.prompt, np.float32),
            examples=self._examples(data),
            seed=settings.seed,
            batch_size=settings.batch_size,
            rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            scale_weight_decay=settings.scale_weight_decay,
            decay_rate=settings.decay_rate,
            dropout=settings.dropout,
            z_loss=_Z_LOSS,
            step=start.step,
            moment=moment(start),
            order=order,
        )

    def longest(self, member: Member) -> int:
        """Input tokens of its examples."""
        return int(member.examples.input_lengths.max())

    def cohort(self, members: Sequence[Member]) -> tuple[Cohort, int]:
        """An empty cohort for members like these, and how many it takes at once."""
        first = members[0]
        return Cohort(self._model, len(first.prompt), first.batch_size), self._members

    def _examples(self, data: TrainingData) -> Examples:
        """The examples of all the data's splits, one after the other, made once."""
        key = tuple(map(id, data.members))  # kept by `Splits`, so that no id comes twice
        if key not in self._pooled:
            self._pooled[key] = Examples.of(
                [row for member in data.members for row in member.inputs],
                [row for member in data.members for row in member.targets],
            )
        return self._pooled[key]
