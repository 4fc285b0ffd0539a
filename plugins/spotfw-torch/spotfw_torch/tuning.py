"""Tunes a list of members to their end, in cohorts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import attrs
import numpy as np

from spotfw_torch.cohort import Cohort
from spotfw_torch.examples import MULTIPLE, padded_length
from spotfw_torch.member import Array, Member, MemberReport, MemberState, Tuned
from spotfw_torch.model import FrozenT5

#: Steps queued before the losses are looked at, where no checkpoint comes sooner.
_REPORT_EVERY = 50
#: Called with (members done with, members in all, step of the foremost member).
Progress = Callable[[int, int, int], None]


@attrs.define(kw_only=True, eq=False)
class _Course:
    """What is kept of a member while it is tuned."""

    losses: list[Array] = attrs.field(factory=list)
    checkpoints: dict[int, Array] = attrs.field(factory=dict)


def tune(
    model: FrozenT5,
    members: Sequence[Member],
    steps: int,
    checkpoints: Iterable[int] = (),
    cohort_size: int = 64,
    members_at_once: int | None = None,
    progress: Progress | None = None,
) -> list[Tuned]:
    """Tunes every member until it has `steps` updates.

    Members of one prompt length and batch size are tuned together, those with inputs of like
    lengths beside each other; where one leaves, the next joins.

    Args:
      model: the frozen model.
      members: with names of their own, in any mix of shapes.
      steps: updates each has at the end, those before it came here counted.
      checkpoints: steps whose prompts are kept, beside the last.
      cohort_size: most members tuned at once.
      members_at_once: see `Cohort`.
      progress: called after each report.

    Returns:
      What came of each, in the order given.

    Raises:
      ValueError: two members have one name.
    """
    if len({member.name for member in members}) != len(members):
        raise ValueError("two members have the same name")
    at = sorted({step for step in checkpoints if step < steps} | {steps})
    done: dict[str, Tuned] = {}
    groups: dict[tuple[int, int], list[Member]] = {}
    for member in members:
        groups.setdefault((len(member.prompt), member.batch_size), []).append(member)
    for (length, batch), group in groups.items():
        waiting = deque(sorted(group, key=_longest))
        cohort = Cohort(model, length, batch, members_at_once)
        courses: dict[str, _Course] = {}
        while waiting or len(cohort):
            while waiting and len(cohort) < cohort_size:
                member = waiting.popleft()
                courses[member.name] = _Course()
                cohort.join(member)
            foremost = _advance(cohort, at, courses)
            for name, state, diverged in _ended(cohort, steps, foremost):
                done[name] = _tuned(name, state, courses.pop(name), diverged)
            if progress is not None:
                step = max((report.step for report in foremost), default=0)
                progress(len(done), len(members), step)
    return [done[member.name] for member in members]


def _longest(member: Member) -> int:
    return padded_length(int(member.examples.input_lengths.max()), MULTIPLE)


def _advance(cohort: Cohort, at: Sequence[int], courses: dict[str, _Course]) -> list[MemberReport]:
    """Steps until the first member has a checkpoint, or for a while; keeps what is due."""
    ahead = [
        min(target - step for target in at if target > step)
        for step in cohort.steps().values()
        if step < at[-1]
    ]
    if len(ahead) < len(cohort):  # one of them has nothing left to do
        return []
    for _ in range(min(*ahead, _REPORT_EVERY)):
        cohort.step()
    reports = cohort.report()
    for report in reports:
        courses[report.name].losses.append(report.losses)
    due = {name: step for name, step in cohort.steps().items() if step in at}
    if due:
        states = cohort.states()
        for name, step in due.items():
            courses[name].checkpoints[step] = states[name].prompt
    return reports


def _ended(
    cohort: Cohort, steps: int, reports: Sequence[MemberReport]
) -> list[tuple[str, MemberState, int | None]]:
    """Those that diverged, and those that have all their steps, which leave now."""
    ended: list[tuple[str, MemberState, int | None]] = [
        (report.name, report.state, report.diverged_at) for report in reports if report.state
    ]
    finished = [name for name, step in cohort.steps().items() if step >= steps]
    states = cohort.states() if finished else {}
    for name in finished:
        cohort.leave(name)
        ended.append((name, states[name], None))
    return ended


def _tuned(name: str, state: MemberState, course: _Course, diverged_at: int | None) -> Tuned:
    return Tuned(
        name=name,
        prompt=state.prompt,
        moment=state.moment,
        step=state.step,
        losses=np.concatenate([np.zeros(0, np.float32), *course.losses]),
        checkpoints=course.checkpoints,
        diverged_at=diverged_at,
    )
