"""Many tunings over one frozen T5, several of them in each run of its graph.

A member's result is that of its lone run, bit for bit: its batches are padded as they are alone,
so only members whose next batches have one shape are updated together, and what is computed of a
row does not depend on how many rows there are (for which a member's batch must fill the
processor's vectors: batch x target length a multiple of 16; else results differ by rounding).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs
import numpy as np

from spotfw.backends.cohorts import SLOT, MemberReport, MemberState, moment
from spotfw.backends.mesh.optimizer import second_moment_decay
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import LivePrompts, Runtime
from spotfw.backends.splits import TrainingData
from spotfw.contracts import TuneRequest
from spotfw.tasks.tokens import Tokens

#: Updates that a member may be ahead of another before the other has its turn.
_TURN = 16

#: Updates left from which a program with fewer rows pays what building it takes.
_REBUILT = 32


@attrs.define(kw_only=True, eq=False)
class Member:
    """A tuning, with what came of it since the last report.

    Attributes:
      name: unlike any other member's.
      request: what is asked.
      data: where its batches come from.
      state: where it is, or where it was when it was seated.
      step: updates done.
      batch: inputs and targets of the next update, int32 [batch, length].
      losses, tokens: since the last report.
      diverged: the loss of an update that gave no number.
    """

    name: str
    request: TuneRequest
    data: TrainingData
    state: MemberState
    step: int
    batch: tuple[Tokens, Tokens] | None = None
    losses: list[float] = attrs.field(factory=list)
    tokens: int = 0
    diverged: float | None = None

    @classmethod
    def of(cls, name: str, request: TuneRequest, data: TrainingData) -> Member:
        """A member at the request's start.

        Raises:
          SpotError: the second moment there has another shape than the prompt.
        """
        prompt, kept = np.asarray(request.start.prompt, np.float32), moment(request.start)
        state = MemberState(
            step=request.start.step,
            prompt=prompt,
            moment=np.zeros_like(prompt) if kept is None else kept,
        )
        return cls(name=name, request=request, data=data, state=state, step=state.step)

    def next_batch(self) -> tuple[Tokens, Tokens]:
        """Inputs and targets of the next update, padded as alone."""
        if self.batch is None:
            self.batch = self.data.batch(self.step, self.request.settings)
        return self.batch

    def shape(self) -> tuple[int, ...]:
        """Input and target tokens that the next batch is padded to."""
        inputs, targets = self.next_batch()
        return inputs.shape[1], targets.shape[1]


def turn(members: Sequence[Member], rows: int, seated: Collection[str]) -> list[Member]:
    """The members to update next: of one shape, `rows` at most.

    The shape is the commonest, unless that would leave a member too far behind; of its members,
    those that are already seated stay while they are not too far ahead, since to seat another
    copies states.

    Args:
      members: one or more that have an update to do.
      rows: how many can be updated at once.
      seated: names of those whose states lie in the session.
    """
    by_shape: dict[tuple[int, ...], list[Member]] = {}
    for member in members:
        by_shape.setdefault(member.shape(), []).append(member)
    slowest = min(members, key=_progress)
    alike = max(by_shape.values(), key=lambda group: (min(len(group), rows), -_least(group)))
    if _progress(max(members, key=_progress)) - _progress(slowest) >= 2 * _TURN:
        alike = by_shape[slowest.shape()]
    alike.sort(key=lambda m: (_progress(m) // _TURN, m.name not in seated, _progress(m)))
    return alike[:rows]


def _progress(member: Member) -> int:
    """Updates since it joined."""
    return member.step - member.request.start.step


def _least(members: Sequence[Member]) -> int:
    return min(map(_progress, members))


class Cohort:
    """Members of one prompt length, batch size and dropout.

    All of them may be in it at once: their states are small and lie here, but for those that
    are seated, `rows` at most, whose states lie in the session. Seats that nobody takes are
    computed for nothing, so once half of them stay empty for long, a program with fewer is built.
    """

    def __init__(self, runtime: Runtime, rows: int) -> None:
        """An empty cohort.

        Args:
          runtime: of the frozen model.
          rows: most members that are updated at once, 1 or more, which come out even over the
            machine's layout.
        """
        self._runtime = runtime
        self._rows = rows
        self._members: dict[str, Member] = {}
        #: By row; none where nobody has sat down yet.
        self._seated: list[Member | None] = []
        self._live: LivePrompts | None = None

    def join(self, member: Member) -> None:
        """Takes a member in."""
        self._members[member.name] = member

    def leave(self, name: str) -> None:
        """Lets a member go; its seat stays empty until another takes it."""
        del self._members[name]

    def steps(self) -> dict[str, int]:
        """Updates that each member has."""
        return {name: member.step for name, member in self._members.items()}

    def states(self) -> dict[str, MemberState]:
        """Where all members are."""
        self._fetch()
        return {name: member.state for name, member in self._members.items()}

    def step(self) -> None:
        """Updates members whose next batches have one shape, each of them once."""
        going = [member for member in self._members.values() if member.diverged is None]
        if not going:
            return
        left = max(member.request.settings.steps - member.step for member in going)
        fewer = self._runtime.machine.layout.even_members(len(going))
        if 2 * fewer <= self._rows and left >= _REBUILT:
            self._rows = fewer
        seated = {member.name for member in self._seated if member is not None}
        chosen = turn(going, self._rows, seated)
        if len(self._seated) != self._rows or not {m.name for m in chosen} <= seated:
            self._seat(chosen)
        self._update(chosen)

    def report(self) -> list[MemberReport]:
        """What came of the members updated since the last report; who diverged leaves."""
        reports = []
        for member in list(self._members.values()):
            if not member.losses and member.diverged is None:
                continue
            reports.append(
                MemberReport(
                    name=member.name,
                    step=member.step,
                    losses=np.array(member.losses, np.float32),
                    tokens=member.tokens,
                    diverged_at=None if member.diverged is None else member.step + 1,
                    diverged_loss=member.diverged,
                )
            )
            member.losses, member.tokens = [], 0
            if member.diverged is not None:
                self.leave(member.name)
        return reports

    def close(self) -> None:
        """Gives the session's variables up; states there are lost."""
        if self._live is not None:
            self._runtime.release(self._live)
            self._live = None

    def _update(self, chosen: Sequence[Member]) -> None:
        assert self._live is not None
        # An empty seat, or one whose member waits or has left, does another's work in vain.
        rows = [member if member in chosen else None for member in self._seated]
        filled = [member or chosen[0] for member in rows]
        inputs, targets = zip(*(member.next_batch() for member in filled), strict=True)
        settings = [member.request.settings for member in filled]
        shapes = Shapes(
            batch=settings[0].batch_size,
            inputs=inputs[0].shape[1],
            targets=targets[0].shape[1],
            prompt_length=len(chosen[0].state.prompt),
            dropout=settings[0].dropout,
            members=len(filled),
        )
        betas = [second_moment_decay(m.step, m.request.settings.decay_rate) for m in filled]
        losses, finite, _ = self._runtime.run(
            self._runtime.program("update", shapes),
            ["loss", "finite", "update"],
            prompts=self._live,
            inputs=np.stack(inputs),
            targets=np.stack(targets),
            seed=[s.seed for s in settings],
            step=[member.step for member in filled],
            learning_rate=[s.learning_rate for s in settings],
            weight_decay=[s.decay for s in settings],
            beta=betas,
            going=[member is not None for member in rows],
        )
        for member, loss, is_finite in zip(rows, losses.tolist(), finite.tolist(), strict=True):
            if member is None:
                continue
            if not np.isfinite(loss) or not is_finite:
                member.diverged = loss
                continue
            member.losses.append(loss)
            member.tokens += sum(int(np.count_nonzero(ids)) for ids in member.next_batch())
            member.step += 1
            member.batch = None

    def _seat(self, chosen: Sequence[Member]) -> None:
        """Puts the states of these members into the session, in place of those there."""
        self._fetch()
        self.close()
        self._seated = [*chosen, *[None] * (self._rows - len(chosen))]
        states = [(member or chosen[0]).state for member in self._seated]
        self._live = LivePrompts(
            array=np.stack([state.prompt for state in states]),
            slots={SLOT: np.stack([state.moment for state in states])},
        )

    def _fetch(self) -> None:
        """Copies the states of the seated here."""
        if self._live is None:
            return
        self._runtime.fetch(self._live)
        rows = zip(self._seated, self._live.array, self._live.slots[SLOT], strict=True)
        for member, prompt, slot in rows:
            if member is not None and member.step > member.state.step:
                member.state = MemberState(
                    step=member.step, prompt=prompt.copy(), moment=slot.copy()
                )
