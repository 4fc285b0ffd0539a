"""A cohort on a machine that does many updates in one run: batches of one shape, states there."""

from __future__ import annotations

from typing import Any

import numpy as np

from spotfw.backends.mesh.cohort import Cohort, Member
from spotfw.backends.mesh.optimizer import second_moment_decay
from spotfw.backends.mesh.programs import Shapes
from spotfw.tasks.tokens import Tokens


class LoopedCohort(Cohort):
    """See `Cohort`; a step is as many updates as the machine does at once, up to a checkpoint.

    Every batch is padded to the settings' lengths, for which one program is compiled.
    """

    def step(self) -> None:
        """Updates the members furthest behind; none where a checkpoint is to be reported first."""
        going = [member for member in self._members.values() if member.diverged is None]
        if not going or any(member.losses and not _left(member, True) for member in going):
            return
        seated = {member.name for member in self._seated if member is not None}
        going.sort(key=lambda m: (m.step - m.request.start.step, m.name not in seated))
        chosen = going[: self._rows]
        if len(self._seated) != self._rows or not {m.name for m in chosen} <= seated:
            self._seat(chosen)
        most = self._runtime.machine.updates
        self._update_many(chosen, min(most, *(_left(member) for member in chosen)))

    def _update_many(self, chosen: list[Member], updates: int) -> None:
        assert self._live is not None
        rows = [member if member in chosen else None for member in self._seated]
        filled = [member or chosen[0] for member in rows]
        settings = [member.request.settings for member in filled]
        shapes = Shapes(
            batch=settings[0].batch_size,
            inputs=settings[0].max_input_length,
            targets=settings[0].max_target_length,
            prompt_length=len(chosen[0].state.prompt),
            dropout=settings[0].dropout,
            members=len(filled),
        )
        room = self._runtime.machine.updates
        batches = [
            [member.data.batch(member.step + min(n, updates - 1), s) for n in range(room)]
            for member, s in zip(filled, settings, strict=True)
        ]
        steps = np.array([[m.step + n for m in filled] for n in range(room)])
        decays = [s.decay_rate for s in settings]
        betas = [list(map(second_moment_decay, row.tolist(), decays)) for row in steps]
        constant: dict[str, Any] = {
            "seed": [s.seed for s in settings],
            "learning_rate": [s.learning_rate for s in settings],
            "weight_decay": [s.decay for s in settings],
            "going": [member is not None for member in rows],
        }
        losses, finite, _ = self._runtime.run(
            self._runtime.program("update", shapes),
            ["loss", "finite", "update"],
            prompts=self._live,
            inputs=_stacked(batches, 0, shapes.inputs),
            targets=_stacked(batches, 1, shapes.targets),
            step=steps,
            beta=betas,
            updates=updates,
            **{name: [values] * room for name, values in constant.items()},
        )
        for row, member in enumerate(rows):
            if member is not None:
                _take(member, batches[row], losses[:updates, row], finite[:updates, row])


def _left(member: Member, here: bool = False) -> int:
    """Updates to the next checkpoint; with `here`, 0 at one."""
    every, last = member.request.settings.checkpoint_every, member.request.settings.steps
    if here and (member.step % every == 0 or member.step == last):
        return 0
    return min((member.step // every + 1) * every, last) - member.step


def _stacked(batches: list[list[tuple[Tokens, Tokens]]], side: int, length: int) -> Tokens:
    """Ids int32 [updates, members, batch, length] of [members][updates] batches."""
    rows = len(batches[0][0][side])
    ids = np.zeros((len(batches[0]), len(batches), rows, length), np.int32)
    for member, of_member in enumerate(batches):
        for number, batch in enumerate(of_member):
            width = min(batch[side].shape[1], length)
            ids[number, member, :, :width] = batch[side][:, :width]
    return ids


def _take(member: Member, batches: list[tuple[Tokens, Tokens]], losses: Any, finite: Any) -> None:
    """Records what came of a member's updates, up to one that gave no number."""
    for batch, loss, is_finite in zip(batches, losses.tolist(), finite.tolist(), strict=False):
        if not np.isfinite(loss) or not is_finite:
            member.diverged = loss
            return
        member.losses.append(loss)
        member.tokens += sum(int(np.count_nonzero(ids)) for ids in batch)
        member.step += 1
