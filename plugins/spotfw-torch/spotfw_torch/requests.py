"""Does spotfw's tuning requests in cohorts, and reports as they go."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from spotfw.backends.splits import Splits, TrainingData, diverged
from spotfw.contracts import Array, TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw_torch.cohort import Cohort
from spotfw_torch.examples import Examples, Indices
from spotfw_torch.member import Member, MemberReport, MemberState
from spotfw_torch.model import FrozenT5

#: Seconds between reports, for progress bars and event files.
_REPORT_SECONDS = 1.0

#: T5's penalty on the log normaliser while training.
_Z_LOSS = 1e-4

#: The optimizer's array in `TuningState.slots`, by the Mesh engine's name.
_SLOT = "v"


@attrs.define(kw_only=True, eq=False)
class _Course:
    """A request under way, and what is not reported of it yet.

    Attributes:
      longest: input tokens of its examples.
    """

    index: int
    request: TuneRequest
    data: TrainingData
    longest: int
    member: Member
    losses: list[float] = attrs.field(factory=list)
    tokens: int = 0
    reported: float = attrs.field(factory=time.monotonic)

    def to_checkpoint(self, step: int) -> int:
        """Updates from `step` to where a state is due."""
        every, last = self.request.settings.checkpoint_every, self.request.settings.steps
        return min((step // every + 1) * every, last) - step

    def at_checkpoint(self, step: int) -> bool:
        settings = self.request.settings
        return step % settings.checkpoint_every == 0 or step == settings.steps


def tune_requests(
    model: FrozenT5, splits: Splits, requests: Sequence[TuneRequest], members: int
) -> Iterator[TuneProgress]:
    """Tunes all requests, those of one prompt length and batch size in cohorts.

    Args:
      model: frozen.
      splits: where examples come from.
      requests: to do, each from its own start to its own last step; one that fails ends with a
        report of its error, and the others go on.
      members: most of a cohort.
    """
    pooled: dict[tuple[int, ...], Examples] = {}
    groups: dict[tuple[int, int], list[_Course]] = {}
    for index, request in enumerate(requests):
        if request.start.step >= request.settings.steps:
            continue
        try:
            data = splits.training(request.task, request.settings)
            key = tuple(map(id, data.members))  # kept by `splits`, so that no id comes twice
            if key not in pooled:
                pooled[key] = _pool(data)
            course = _Course(
                index=index,
                request=request,
                data=data,
                longest=int(pooled[key].input_lengths.max()),
                member=_member(index, request, data, pooled[key], model.width),
            )
        except Exception as error:
            yield _ended(index, request.start.step, error)
            continue
        shape = (len(request.start.prompt), request.settings.batch_size)
        groups.setdefault(shape, []).append(course)
    for (length, batch), group in groups.items():
        # Inputs of like lengths beside each other: a batch is padded to its longest.
        group.sort(key=lambda course: course.longest)
        yield from _tune(Cohort(model, length, batch), deque(group), members)


def _tune(cohort: Cohort, waiting: deque[_Course], most: int) -> Iterator[TuneProgress]:
    """Tunes requests of one shape; where one ends, the next joins."""
    courses: dict[str, _Course] = {}
    pace = 1
    while waiting or courses:
        while waiting and len(courses) < most:
            course = waiting.popleft()
            course.reported = time.monotonic()
            cohort.join(course.member)
            courses[course.member.name] = course
        ahead = [courses[name].to_checkpoint(step) for name, step in cohort.steps().items()]
        began, done = time.monotonic(), 0
        while done < min(pace, *ahead) and all(c.request.wanted() for c in courses.values()):
            cohort.step()
            done += 1
        reports = cohort.report()
        seconds = max(time.monotonic() - began, 1e-3)
        pace = max(1, min(2 * done, int(done * _REPORT_SECONDS / seconds)))
        due: list[TuneProgress] = []
        states: dict[str, MemberState] = {}
        if any(courses[name].at_checkpoint(step) for name, step in cohort.steps().items()):
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
        yield from due
        # Asked last: whoever has just seen a score may have given a request up.
        for name in [name for name, course in courses.items() if not course.request.wanted()]:
            cohort.leave(name)
            del courses[name]


def _progress(
    course: _Course, report: MemberReport, states: dict[str, MemberState]
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
        state = TuningState(step=now_at.step, prompt=now_at.prompt, slots={_SLOT: now_at.moment})
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


def _divergence(course: _Course, report: MemberReport) -> SpotError:
    assert report.diverged_at is not None and report.diverged_loss is not None
    request = course.request
    return diverged(
        report.diverged_loss, request.task, report.diverged_at, course.data, request.settings
    )


def _member(
    index: int, request: TuneRequest, data: TrainingData, examples: Examples, width: int
) -> Member:
    """The request as a cohort's member.

    Raises:
      SpotError: its start is of another width, or the optimizer's state of another shape.
    """
    settings, start = request.settings, request.start
    if start.prompt.ndim != 2 or start.prompt.shape[1] != width:
        raise SpotError(
            f"The prompt has shape {list(start.prompt.shape)}, but the model takes "
            f"[L, {width}]: it was learned for another model."
        )
    offsets = np.cumsum([0, *map(len, data.members)])

    def order(step: int) -> Indices:
        member, row = data.rows(step, settings)
        places: Indices = offsets[member] + row
        return places

    return Member(
        name=str(index),
        prompt=np.asarray(start.prompt, np.float32),
        examples=examples,
        seed=settings.seed,
        batch_size=settings.batch_size,
        rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        decay_rate=settings.decay_rate,
        dropout=settings.dropout,
        z_loss=_Z_LOSS,
        step=start.step,
        moment=_moment(start),
        order=order,
    )


def _moment(start: TuningState) -> Array | None:
    moment = start.slots.get(_SLOT)
    if moment is not None and moment.shape != start.prompt.shape:
        raise SpotError(
            f"The optimizer state {_SLOT} has shape {list(moment.shape)}, not "
            f"{list(start.prompt.shape)}; the run's state is of another model or prompt length. "
            "Start a new run in another folder."
        )
    return moment


def _pool(data: TrainingData) -> Examples:
    """The examples of all members, one after the other."""
    return Examples.of(
        [row for member in data.members for row in member.inputs],
        [row for member in data.members for row in member.targets],
    )
