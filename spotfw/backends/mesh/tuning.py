"""Does tuning requests on a frozen T5 in a session, in cohorts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotfw.backends.cohorts import tune_requests
from spotfw.backends.mesh.cohort import Cohort, Member
from spotfw.backends.mesh.looped_cohort import LoopedCohort
from spotfw.backends.mesh.memory import Sizes
from spotfw.backends.mesh.runtime import Runtime
from spotfw.backends.splits import Splits, TrainingData
from spotfw.contracts import TuneProgress, TuneRequest

#: Updates in all from which a cohort pays: its programs take seconds to build, and an update in
#: it is some milliseconds cheaper.
_WORTH = 1000


class _Cohorts:
    """This engine's cohorts; see `spotfw.backends.cohorts.Engine`."""

    def __init__(self, runtime: Runtime, sizes: Sizes, rows: int | None) -> None:
        self._runtime = runtime
        self._sizes = sizes
        self._rows = rows
        self._opened: list[Cohort] = []

    def shape(self, request: TuneRequest) -> tuple[int, int, float]:
        settings = request.settings
        return len(request.start.prompt), settings.batch_size, settings.dropout

    def member(self, name: str, request: TuneRequest, data: TrainingData) -> Member:
        self._runtime.check_width(request.start.prompt)
        self._runtime.machine.layout.check_batch(request.settings.batch_size)
        return Member.of(name, request, data)

    def longest(self, member: Member) -> int:
        return 0  # batches of unlike lengths are never updated together

    def cohort(self, members: Sequence[Member]) -> tuple[Cohort, int]:
        layout = self._runtime.machine.layout
        rows = self._rows or self._fitting([member.request for member in members])
        rows = layout.even_members(rows)
        kind = LoopedCohort if self._runtime.machine.updates else Cohort
        cohort = kind(self._runtime, layout.even_members(even_rows(len(members), rows)))
        self._opened.append(cohort)
        # All may wait in it, so that enough with batches of one shape are found; but one at a
        # time is one after another.
        return cohort, 1 if rows == 1 else len(members)

    def _fitting(self, requests: Sequence[TuneRequest]) -> int:
        updates = sum(request.settings.steps - request.start.step for request in requests)
        return self._sizes.largest_cohort(requests) if updates >= _WORTH else 1

    def close(self) -> None:
        for cohort in self._opened:
            cohort.close()


def even_rows(members: int, most: int) -> int:
    """Rows of a cohort, `most` at most, of which the fewest stay empty in the last turn."""
    if members <= most:
        return members
    return min(range(most, most // 2, -1), key=lambda rows: -members % rows)


def tune_in_cohorts(
    runtime: Runtime,
    splits: Splits,
    requests: Sequence[TuneRequest],
    sizes: Sizes,
    rows: int | None = None,
) -> Iterator[TuneProgress]:
    """Tunes all requests, reporting about every second and at each checkpoint.

    Between its steps the runtime may be used for anything else, another tuning too: the state
    leaves the session at checkpoints, and when others need its place.

    Args:
      runtime: of the frozen model.
      splits: where examples come from.
      requests: to do.
      sizes: of the model.
      rows: most requests updated at once; None for as many as `sizes` says, or one where there
        is too little to do for programs of a cohort.
    """
    cohorts = _Cohorts(runtime, sizes, rows)
    try:
        yield from tune_requests(cohorts, splits, requests)
    finally:
        cohorts.close()
