"""Does tuning requests in cohorts, for any engine, and reports as they go.

Requests of one shape make a cohort, whose members an engine updates together. Each joins at its
own step, is reported at its own checkpoints, and leaves at its own end: done, given up, or with
an error that is its own.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import attrs
import numpy as np

from spotfw.backends.splits import Splits, TrainingData, diverged
from spotfw.contracts import Array, TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError

__all__ = ["SLOT", "Cohort", "Engine", "MemberReport", "MemberState", "moment", "tune_requests"]

#: The optimizer's array in `TuningState.slots`, of every engine.
SLOT = "v"

#: Seconds between reports, for progress bars and event files.
_REPORT_SECONDS = 1.0


@attrs.frozen(kw_only=True, eq=False)
class MemberState:
    """Everything that continues a tuning.

    Attributes:
      step: updates done.
      prompt, moment: float32 [L, E], the second one the optimizer's.
    """

    step: int
    prompt: Array
    moment: Array


@attrs.frozen(kw_only=True, eq=False)
class MemberReport:
    """A member's updates since its last report.

    Attributes:
      name: of the member.
      step: updates done that gave numbers.
      losses: float32, of each of these since the last report, nats per real target token.
      tokens: real input and target tokens of the same.
      diverged_at: the update (from 1) whose loss or prompt was no number. The member has then
        left the cohort. Else None.
      diverged_loss: the loss of that update; a number where it is the prompt that was none.
      state: where a member was before that update, if the engine says so.
    """

    name: str
    step: int
    losses: Array
    tokens: int
    diverged_at: int | None = None
    diverged_loss: float | None = None
    state: MemberState | None = None


_Member = TypeVar("_Member")
_Joining = TypeVar("_Joining", contravariant=True)


class Cohort(Protocol[_Joining]):
    """Members of one shape, by name; they join and leave between updates."""

    def join(self, member: _Joining) -> None:
        """Takes a member in."""

    def leave(self, name: str) -> object:
        """Lets a member go."""

    def step(self) -> None:
        """Updates members, each of them at most once, at least one of them."""

    def report(self) -> Sequence[MemberReport]:
        """What came of the members that were updated since the last report."""

    def steps(self) -> Mapping[str, int]:
        """Updates that each member has."""

    def states(self) -> Mapping[str, MemberState]:
        """Where all members are."""


class Engine(Protocol[_Member]):
    """What differs between engines."""

    def shape(self, request: TuneRequest) -> Hashable:
        """What requests of one cohort have in common."""

    def member(self, name: str, request: TuneRequest, data: TrainingData) -> _Member:
        """A request as a member.

        Raises:
          SpotError: its start does not fit the model.
        """

    def longest(self, member: _Member) -> int:
        """Input tokens by which members are put beside their like."""

    def cohort(self, members: Sequence[_Member]) -> tuple[Cohort[_Member], int]:
        """An empty cohort for members of one shape, and how many it takes at once."""


@attrs.define(kw_only=True, eq=False)
class _Course(Generic[_Member]):
    """A request under way, and what is not reported of it yet."""

    index: int
    request: TuneRequest
    data: TrainingData
    member: _Member
    losses: list[float] = attrs.field(factory=list)
    tokens: int = 0
    reported: float = 0.0

    def to_checkpoint(self, step: int) -> int:
        """Updates from `step` to where a state is due."""
        every, last = self.request.settings.checkpoint_every, self.request.settings.steps
        return min((step // every + 1) * every, last) - step

    def at_checkpoint(self, step: int) -> bool:
        settings = self.request.settings
        return step % settings.checkpoint_every == 0 or step == settings.steps


def tune_requests(
    engine: Engine[_Member], splits: Splits, requests: Sequence[TuneRequest]
) -> Iterator[TuneProgress]:
    """Tunes all requests, those of one shape in cohorts.

    Args:
      engine: that does it.
      splits: where examples come from.
      requests: to do, each from its own start to its own last step; one that fails ends with a
        report of its error, and the others go on.
    """
    groups: dict[Hashable, list[_Course[_Member]]] = {}
    for index, request in enumerate(requests):
        if request.start.step >= request.settings.steps:
            continue
        try:
            data = splits.training(request.task, request.settings)
            member = engine.member(str(index), request, data)
        except Exception as error:
            yield _ended(index, request.start.step, error)
            continue
        course = _Course(index=index, request=request, data=data, member=member)
        groups.setdefault(engine.shape(request), []).append(course)
    for group in groups.values():
        # Inputs of like lengths beside each other: a batch is padded to its longest.
        group.sort(key=lambda course: engine.longest(course.member))
        cohort, most = engine.cohort([course.member for course in group])
        yield from _tune(cohort, deque(group), most)


def _tune(
    cohort: Cohort[_Member], waiting: deque[_Course[_Member]], most: int
) -> Iterator[TuneProgress]:
    """Tunes requests of one shape; where one ends, the next joins."""
    courses: dict[str, _Course[_Member]] = {}
    pace = 1
    while waiting or courses:
        while waiting and len(courses) < most:
            course = waiting.popleft()
            course.reported = time.monotonic()
            cohort.join(course.member)
            courses[str(course.index)] = course
        # Asked before each update, the first time after what was yielded: whoever has just seen
        # a score may have given a request up.
        _leave(cohort, courses, _given_up(courses))
        if not courses:
            continue
        steps = cohort.steps()
        ahead = min(course.to_checkpoint(steps[name]) for name, course in courses.items())
        began, done, given_up = time.monotonic(), 0, set[str]()
        try:
            while not given_up and done < min(pace, ahead):
                cohort.step()
                done += 1
                if done < min(pace, ahead):
                    given_up = _given_up(courses)
            reports = cohort.report()
        except Exception as error:  # none of them can be told from the others
            for course in [*courses.values(), *waiting]:
                yield _ended(course.index, steps.get(str(course.index), 0), error)
            return
        seconds = max(time.monotonic() - began, 1e-3)
        pace = max(1, min(2 * done, int(done * _REPORT_SECONDS / seconds)))
        _leave(cohort, courses, given_up)
        yield from _due(cohort, courses, [r for r in reports if r.name in courses])


def _given_up(courses: Mapping[str, _Course[_Member]]) -> set[str]:
    return {name for name, course in courses.items() if not course.request.wanted()}


def _leave(cohort: Cohort[_Member], courses: dict[str, _Course[_Member]], names: set[str]) -> None:
    remaining = cohort.steps()
    for name in names:
        del courses[name]
        if name in remaining:  # those that diverged have left
            cohort.leave(name)


def _due(
    cohort: Cohort[_Member],
    courses: dict[str, _Course[_Member]],
    reports: Sequence[MemberReport],
) -> list[TuneProgress]:
    """What is reported now; lets those go that are done."""
    due: list[TuneProgress] = []
    states: Mapping[str, MemberState] = {}
    if any(courses[report.name].at_checkpoint(report.step) for report in reports):
        states = cohort.states()
    for report in reports:
        course = courses[report.name]
        if report.diverged_at is not None:
            del courses[report.name]
            due.append(_ended(course.index, report.step, _divergence(course, report)))
            continue
        due += _progress(course, report, states)
        if report.step == course.request.settings.steps:
            cohort.leave(report.name)
            del courses[report.name]
    return due


def _progress(
    course: _Course[_Member], report: MemberReport, states: Mapping[str, MemberState]
) -> list[TuneProgress]:
    """What is reported of a request now: one report where it is due, else none."""
    course.losses.extend(report.losses.tolist())
    course.tokens += report.tokens
    due = course.at_checkpoint(report.step)
    now = time.monotonic()
    if not due and now - course.reported < _REPORT_SECONDS:
        return []
    state = None
    if due:
        now_at = states[report.name]
        state = TuningState(step=now_at.step, prompt=now_at.prompt, slots={SLOT: now_at.moment})
    progress = TuneProgress(
        request=course.index,
        step=report.step,
        loss=float(np.mean(course.losses)),
        examples=len(course.losses) * course.request.settings.batch_size,
        tokens=course.tokens,
        state=state,
    )
    course.losses, course.tokens, course.reported = [], 0, now
    return [progress]


def _ended(index: int, step: int, error: Exception) -> TuneProgress:
    return TuneProgress(request=index, step=step, loss=math.nan, error=error)


def _divergence(course: _Course[_Member], report: MemberReport) -> SpotError:
    assert report.diverged_at is not None and report.diverged_loss is not None
    request = course.request
    return diverged(
        report.diverged_loss, request.task, report.diverged_at, course.data, request.settings
    )


def moment(start: TuningState) -> Array | None:
    """The second moment in a state, float32 [L, E], or None where there is none yet.

    Raises:
      SpotError: it has another shape than the prompt.
    """
    value = start.slots.get(SLOT)
    if value is not None and value.shape != start.prompt.shape:
        raise SpotError(
            f"The optimizer state {SLOT} has shape {list(value.shape)}, not "
            f"{list(start.prompt.shape)}; the run's state is of another model or prompt length. "
            "Start a new run in another folder."
        )
    return value
