"""Many tunings in lockstep over one frozen T5.

A cohort of M members with B examples each is one model run with M * B rows. Members share
nothing but the frozen weights: each has its own prompt, second moment, step, seed and data,
and ends as it would have ended alone, up to rounding.
"""

from __future__ import annotations

import numpy as np
import torch

from spotfw_torch import adafactor
from spotfw_torch.dropout import Dropout
from spotfw_torch.examples import Order
from spotfw_torch.graphs import Gradients
from spotfw_torch.member import Array, Member, MemberReport, MemberState
from spotfw_torch.model import FrozenT5
from spotfw_torch.pool import Pool


class Cohort:
    """Members of one prompt length and batch size, stacked on the model's device.

    Steps are queued on the device; `report` waits for them. A member whose loss or update is
    no number stands still from then on and leaves at the next report, alone.
    """

    def __init__(
        self,
        model: FrozenT5,
        prompt_length: int,
        batch_size: int,
        members_at_once: int | None = None,
    ) -> None:
        """An empty cohort.

        Args:
          model: the frozen model.
          prompt_length: L of every member.
          batch_size: B of every member.
          members_at_once: how many members one pass takes within a step, to bound memory;
            None for all. Results do not depend on it, up to rounding.
        """
        self.model = model
        self.prompt_length = prompt_length
        self.batch_size = batch_size
        self.members_at_once = members_at_once
        self.members: list[Member] = []
        self._steps = np.zeros(0, np.int64)
        self._orders: list[Order] = []
        self._pool: Pool | None = None
        self._losses: list[torch.Tensor] = []
        self._tokens: list[torch.Tensor] = []
        empty = torch.zeros((0, prompt_length, model.width), device=model.device)
        self._prompts, self._moments = empty, empty.clone()
        # Updates that were numbers since the last report, of those tried.
        self._good = torch.zeros(0, dtype=torch.int64, device=model.device)
        self._alive = torch.ones(0, dtype=torch.bool, device=model.device)
        self._learning_rate = self._weight_decay = self._z_loss = self._tensor([])
        self._passes = Gradients(model)

    def __len__(self) -> int:
        return len(self.members)

    def join(self, member: Member) -> None:
        """Takes a member in, between steps.

        Raises:
          ValueError: it has another shape, or a name that is taken.
        """
        if member.prompt.shape != (self.prompt_length, self.model.width):
            raise ValueError(
                f"{member.name}: a prompt {list(member.prompt.shape)} does not fit a cohort of "
                f"[{self.prompt_length}, {self.model.width}]"
            )
        if member.batch_size != self.batch_size:
            raise ValueError(f"{member.name}: batch {member.batch_size}, not {self.batch_size}")
        if any(other.name == member.name for other in self.members):
            raise ValueError(f"{member.name} is in the cohort already")
        self._nothing_pending()
        moment = np.zeros_like(member.prompt) if member.moment is None else member.moment
        self.members.append(member)
        self._orders.append(member.batches())
        self._steps = np.append(self._steps, member.step)
        self._prompts = torch.cat([self._prompts, self._tensor(member.prompt)[None]])
        self._moments = torch.cat([self._moments, self._tensor(moment)[None]])
        self._good = torch.cat([self._good, self._good.new_zeros(1)])
        self._alive = torch.cat([self._alive, self._alive.new_ones(1)])
        self._pool = None

    def leave(self, name: str) -> MemberState:
        """Lets a member go, between steps, and tells where it is.

        Raises:
          KeyError: there is none of this name.
        """
        self._nothing_pending()
        index = self._index(name)
        state = self.state(name)
        self._keep([i for i in range(len(self)) if i != index])
        return state

    def state(self, name: str) -> MemberState:
        """Where a member is; waits for queued steps.

        Raises:
          KeyError: there is none of this name.
        """
        self._nothing_pending()
        index = self._index(name)
        return MemberState(
            step=int(self._steps[index]),
            prompt=self._prompts[index].cpu().numpy(),
            moment=self._moments[index].cpu().numpy(),
        )

    def steps(self) -> dict[str, int]:
        """Updates that each member has, by name."""
        self._nothing_pending()
        return {
            member.name: int(step) for member, step in zip(self.members, self._steps, strict=True)
        }

    def states(self) -> dict[str, MemberState]:
        """Where all members are, by name."""
        self._nothing_pending()
        prompts, moments = self._prompts.cpu().numpy(), self._moments.cpu().numpy()
        return {
            member.name: MemberState(step=int(step), prompt=prompt, moment=moment)
            for member, step, prompt, moment in zip(
                self.members, self._steps, prompts, moments, strict=True
            )
        }

    def step(self) -> None:
        """Updates every member once, each on the batch of its own step.

        Raises:
          ValueError: there is no member.
        """
        if not self.members:
            raise ValueError("a cohort without members takes no step")
        if self._pool is None:
            self._pool = self._gather()
        orders = zip(self._orders, self._steps.tolist(), strict=True)
        inputs, targets = self._pool.batch(np.stack([order(step) for order, step in orders]))
        losses, gradients = self._gradients(inputs, targets)
        prompts, moments = adafactor.update(self._prompts, self._moments, gradients, self._rates())
        sums = losses + prompts.sum(dim=(1, 2)) + moments.sum(dim=(1, 2))
        self._alive = self._alive & torch.isfinite(sums)
        alive = self._alive[:, None, None]
        self._prompts = torch.where(alive, prompts, self._prompts)
        self._moments = torch.where(alive, moments, self._moments)
        self._good = self._good + self._alive
        self._losses.append(losses)
        self._tokens.append((inputs != 0).sum(dim=(1, 2)) + (targets != 0).sum(dim=(1, 2)))
        self._steps = self._steps + 1

    def report(self) -> list[MemberReport]:
        """Waits for the steps since the last report and tells what came of them.

        Members that diverged leave with it.
        """
        if not self._losses:
            return []
        losses = torch.stack(self._losses).cpu().numpy()
        tokens = torch.stack(self._tokens).cpu().numpy()
        good, tried = self._good.cpu().numpy(), len(losses)
        self._losses, self._tokens = [], []
        self._good = torch.zeros_like(self._good)
        self._steps = self._steps - tried + good
        states = self.states() if (good < tried).any() else {}
        reports = [
            MemberReport(
                name=member.name,
                step=int(self._steps[i]),
                losses=losses[: good[i], i],
                tokens=int(tokens[: good[i], i].sum()),
                diverged_at=int(self._steps[i]) + 1 if good[i] < tried else None,
                diverged_loss=float(losses[good[i], i]) if good[i] < tried else None,
                state=states[member.name] if good[i] < tried else None,
            )
            for i, member in enumerate(self.members)
        ]
        if states:
            self._keep(np.flatnonzero(good == tried).tolist())
        return reports

    def _gather(self) -> Pool:
        """Puts what does not change from step to step on the device."""
        self._learning_rate = self._tensor([member.rate for member in self.members])
        self._weight_decay = self._tensor([member.decay for member in self.members])
        self._z_loss = self._tensor([member.z_loss for member in self.members])
        sets = [member.examples for member in self.members]
        return Pool(sets, self.model.device, self.model.multiple)

    def _gradients(
        self, inputs: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        size = self.members_at_once or len(self)
        parts = [slice(first, first + size) for first in range(0, len(self), size)]
        results = [
            self._passes(
                self._prompts[part],
                inputs[part],
                targets[part],
                self._z_loss[part],
                self._dropout(part),
            )
            for part in parts
        ]
        losses, gradients = zip(*results, strict=True)
        return torch.cat(losses), torch.cat(gradients)

    def _dropout(self, part: slice) -> Dropout | None:
        members = self.members[part]
        rates = [member.dropout for member in members]
        if not any(rates):
            return None
        return Dropout.of(
            [member.seed for member in members],
            self._steps[part].tolist(),
            rates,
            self.batch_size,
            self.model.device,
            self.model.dtype,
        )

    def _rates(self) -> adafactor.Rates:
        members = zip(self.members, self._steps.tolist(), strict=True)
        betas = [adafactor.second_moment_decay(step, member.decay_rate) for member, step in members]
        return adafactor.Rates(
            learning_rate=self._learning_rate,
            weight_decay=self._weight_decay,
            beta=self._tensor(betas),
        )

    def _tensor(self, values: Array | list[float]) -> torch.Tensor:
        return torch.from_numpy(np.array(values, np.float32)).to(self.model.device)

    def _index(self, name: str) -> int:
        for index, member in enumerate(self.members):
            if member.name == name:
                return index
        raise KeyError(name)

    def _keep(self, indices: list[int]) -> None:
        at = torch.tensor(indices, dtype=torch.int64, device=self.model.device)
        self.members = [self.members[i] for i in indices]
        self._orders = [self._orders[i] for i in indices]
        self._steps = self._steps[indices]
        self._prompts, self._moments = self._prompts[at], self._moments[at]
        self._good, self._alive = self._good[at], self._alive[at]
        self._pool = None

    def _nothing_pending(self) -> None:
        if self._losses:
            raise RuntimeError("steps since the last report: call report first")
