"""Pre-training: steps, a schedule, held-out losses, checkpoints to go on from."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import functional

from spotfw import files
from spotfw.errors import SpotError
from spotfw_english.pretraining.batches import KINDS, Batch, BatchMaker, Recipe
from spotfw_english.pretraining.feeding import batches
from spotfw_english.pretraining.made.maker import tasks_for
from spotfw_english.pretraining.model import PackedT5
from spotfw_english.pretraining.optimizers import Optimizer, optimizers

#: Groups of kinds whose losses are told apart in the log.
GROUPS = ("span", "lm", "task")
_STATE, _LOG = "state.safetensors", "log.jsonl"


@attrs.frozen(kw_only=True)
class Schedule:
    """How training goes.

    Attributes:
      optimizer: ``muon`` or ``adam``.
      rate: of updates, at the peak.
      warm_up: steps of rising rate; then it falls to 1 % by a cosine.
      task_weight: how often a made task's target token counts.
      log_every, save_every: steps.
      workers: processes that make batches.
    """

    optimizer: str = "muon"
    rate: float = 2e-2
    warm_up: int = 300
    task_weight: float = 4.0
    log_every: int = 50
    save_every: int = 1_000
    workers: int = 0

    def factor(self, step: int, steps: int) -> float:
        """Of the rate at a step from 0."""
        warm = min(self.warm_up, steps // 5)
        if step < warm:
            return (step + 1) / warm
        share = (step - warm) / max(steps - warm, 1)
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share))


class Training:
    """A model on its way.

    Args:
      model: whose weights are trained in place.
      recipe: its batches.
      schedule: how.
      folder: where its state and log lie; with a state there, it goes on from it.

    Raises:
      SpotError: the state is of another training, or damaged.
    """

    def __init__(self, model: PackedT5, recipe: Recipe, schedule: Schedule, folder: Path) -> None:
        self.model, self._recipe, self._schedule, self._folder = model, recipe, schedule, folder
        self.step = 0
        self._optimizers: list[Optimizer] = optimizers(model, schedule.optimizer, schedule.rate)
        self._log: list[dict[str, Any]] = []
        if (folder / _STATE).exists():
            self._read()

    def run(self, observer: Callable[[Mapping[str, Any]], None] = lambda row: None) -> None:
        """All steps that are left.

        Args:
          observer: called with each row of the log.
        """
        schedule, recipe = self._schedule, self._recipe
        device = self.model.embeddings.device
        sums, counts = torch.zeros(2, len(GROUPS), device=device)
        began, first = time.monotonic(), self.step
        with batches(recipe, self.step, schedule.workers) as coming:
            for batch in coming:
                losses, groups = self._update(batch)
                sums.scatter_add_(0, groups, losses)
                counts.scatter_add_(0, groups, torch.ones_like(losses))
                self.step += 1
                if self.step % schedule.log_every == 0 or self.step in (1, recipe.steps):
                    rate = (self.step - first) / (time.monotonic() - began)
                    self._note(sums, counts, rate, observer)
                    sums.zero_()
                    counts.zero_()
                if self.step % schedule.save_every == 0 or self.step == recipe.steps:
                    self._save()

    def _update(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """One step; losses of all target tokens that count, and their groups."""
        model = self.model
        tensors = _tensors(batch, model.embeddings.device)
        logits = model(*tensors[:4]).flatten(0, 1)
        targets, kinds = (tensor.flatten() for tensor in tensors[4:])
        losses = functional.cross_entropy(logits, targets, reduction="none")
        spread = torch.logsumexp(logits, -1).pow(2)
        real = kinds > 0
        groups = (kinds - 1).clamp(0, len(GROUPS) - 1)
        weights = torch.where(groups == GROUPS.index("task"), self._schedule.task_weight, 1.0)
        weights = weights * real
        (((losses + 1e-4 * spread) * weights).sum() / weights.sum()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        factor = self._schedule.factor(self.step, self._recipe.steps)
        for optimizer in self._optimizers:
            optimizer.step(self.step + 1, factor)
        model.zero_grad(set_to_none=True)
        return losses.detach()[real], groups[real]

    def _note(
        self, sums: Tensor, counts: Tensor, rate: float, observer: Callable[[Any], None]
    ) -> None:
        row: dict[str, Any] = {"step": self.step, "steps_per_second": round(rate, 2)}
        for name, total, count in zip(GROUPS, sums.tolist(), counts.tolist(), strict=True):
            if count:
                row[name] = round(total / count, 4)
        if not all(math.isfinite(row.get(name, 0.0)) for name in GROUPS):
            raise SpotError(
                f"The loss at step {self.step} is no number. Train with a lower rate: --rate."
            )
        self._log.append(row)
        observer(row)

    def _save(self) -> None:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for number, optimizer in enumerate(self._optimizers):
            for name, value in optimizer.state.items():
                tensors[f"optimizer{number}.{name}"] = value
        facts = {"step": str(self.step), "of": self._identity(), "log": json.dumps(self._log)}
        data = save({k: v.cpu().contiguous() for k, v in tensors.items()}, metadata=facts)
        files.write_atomically(self._folder / _STATE, data)
        log = "".join(json.dumps(row) + "\n" for row in self._log)
        files.write_atomically(self._folder / _LOG, log.encode())

    def _read(self) -> None:
        data = files.read_bytes(self._folder / _STATE)
        again = f"Remove {self._folder / _STATE} to begin anew."
        try:
            length = int.from_bytes(data[:8], "little")
            facts = json.loads(data[8 : 8 + length])["__metadata__"]
            tensors = load(data)
            self.step, self._log = int(facts["step"]), json.loads(facts["log"])
        except (SafetensorError, ValueError, KeyError) as error:
            raise SpotError(f"The state of the training is damaged: {error}. {again}") from error
        if facts["of"] != self._identity():
            raise SpotError(
                f"The training in {self._folder} was begun with other text, sizes or settings. "
                f"{again}"
            )
        own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        self.model.load_state_dict(own)
        for number, optimizer in enumerate(self._optimizers):
            for name, value in optimizer.state.items():
                value.copy_(tensors[f"optimizer{number}.{name}"])

    def _identity(self) -> str:
        """What a training is of; workers, logging and saving do not matter."""
        recipe, schedule = self._recipe, self._schedule
        values = {
            "model": attrs.asdict(self.model.size),
            "rows": attrs.asdict(recipe.size) | attrs.asdict(recipe.mix),
            "drawn": [recipe.seed, recipe.steps, [task.name for task in tasks_for(recipe.labels)]],
            "text": files.read_bytes(recipe.corpus / "index.json").decode(),
            "schedule": [
                schedule.optimizer,
                schedule.rate,
                schedule.warm_up,
                schedule.task_weight,
            ],
        }
        return json.dumps(values, sort_keys=True)


@torch.no_grad()
def held_out_losses(model: PackedT5, recipe: Recipe, count: int = 3) -> dict[str, float]:
    """Nats a target token of each kind, over batches of lines that were not trained on.

    Args:
      model: to be measured.
      recipe: of the held-out part.
      count: batches.
    """
    maker = BatchMaker(recipe)
    sums, counts = np.zeros(len(maker.names)), np.zeros(len(maker.names))
    for step in range(max(0, recipe.steps - count), recipe.steps):
        tensors = _tensors(maker.batch(step), model.embeddings.device)
        logits = model(*tensors[:4]).flatten(0, 1)
        losses = functional.cross_entropy(logits, tensors[4].flatten(), reduction="none")
        kinds = tensors[5].flatten().cpu().numpy()
        np.add.at(sums, kinds, losses.cpu().numpy())
        np.add.at(counts, kinds, 1)
    return {
        name: round(float(total / number), 4)
        for name, total, number in zip(maker.names, sums, counts, strict=True)
        if number and name != KINDS[0]
    }


def _tensors(batch: Batch, device: torch.device) -> list[Tensor]:
    """Inputs, their segments, decoder inputs, segments of targets, targets, kinds; all int64."""
    arrays = (
        batch.inputs,
        batch.input_segments,
        batch.decoder_inputs,
        batch.target_segments,
        batch.targets,
        batch.kinds,
    )
    return [torch.from_numpy(array.astype(np.int64)).to(device) for array in arrays]
