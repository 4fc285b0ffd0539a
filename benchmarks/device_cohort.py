"""How many prompts an hour a cohort learns on one device, and its agreement with itself.

`benchmarks.cohort` runs it. Weights are random, made on the device; `random_cohort` tells the
shapes. First the engine is compared with itself: the device with the CPU, a cohort with members
alone. Nothing of spotfw's commands is needed.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

import spotfw_torch
from benchmarks.command import command
from benchmarks.operations import step_operations
from benchmarks.random_cohort import (
    BATCH,
    LENGTH,
    PROMPT,
    TARGETS,
    members,
    open_random,
)
from spotfw_torch.loss import loss_and_gradient

SHORT, RECIPE = 500, 30_000


@attrs.frozen(kw_only=True)
class Setting:
    """One thing measured: a model's size, a type, a cohort's size.

    Attributes:
      size: of `SIZES`.
      kind: ``float32``, ``tf32`` (float32 with TF32 products) or ``bfloat16``.
      members: of the cohort.
      compiled: whether blocks are compiled.
      dropout: of every member.
      graphs: whether steps are captured as CUDA graphs.
      at_once: members in one pass, None for all.
    """

    size: str
    kind: str
    members: int
    compiled: bool = False
    dropout: float = 0.0
    graphs: bool = True
    at_once: int | None = None

    def __str__(self) -> str:
        text = f"{self.size}, {self.kind}, cohort of {self.members}"
        text += ", compiled" if self.compiled else ""
        text += f", dropout {self.dropout}" if self.dropout else ""
        text += "" if self.graphs else ", launched one by one"
        return text + (f", {self.at_once} at once" if self.at_once else "")


def row(what: str, ours: Any, theirs: Any, unit: str, goal: str = "", holds: Any = None) -> Any:
    """A row as every benchmark of this project gives it."""
    ratio = ours / theirs if theirs else None
    return {
        "what": what,
        "ours": ours,
        "theirs": theirs,
        "unit": unit,
        "ratio": ratio,
        "goal": goal,
        "holds": holds,
    }


def agreement(size: str, device: str) -> Iterator[Any]:
    """The device against the CPU, and members together against alone, in float32."""
    here = open_random(size, "float32", "cpu")
    there = open_random(size, "float32", device, made_on="cpu")
    given = members(here, 4)
    prompts = np.stack([member.prompt for member in given])
    inputs = np.stack([member.examples.inputs[:BATCH] for member in given])[:2]
    targets = np.stack([member.examples.targets[:BATCH] for member in given])[:2]
    exact, expected = loss_and_gradient(here, prompts[:2], inputs, targets)
    losses, gradients = loss_and_gradient(there, prompts[:2], inputs, targets)
    apart = float(np.abs(losses - exact).max())
    yield row(f"{size}: loss, {device} from CPU", apart, None, "nats", "<= 1e-4", apart <= 1e-4)
    apart = _relative(gradients, expected)
    yield row(
        f"{size}: gradient, {device} from CPU", apart, None, "relative", "<= 1e-4", apart <= 1e-4
    )
    if there.graphs:
        plain = spotfw_torch.FrozenT5(there.dimensions, there.weights, graphs=False)
        pair = [spotfw_torch.tune(model, given[:2], 3)[1].prompt for model in (there, plain)]
        apart = _relative(*pair)
        what = f"{size}: prompt after 3 steps, graphs from kernels launched one by one"
        yield row(what, apart, None, "relative", "<= 1e-5", apart <= 1e-5)
    for dropout in (0.0, 0.1):
        chosen = [attrs.evolve(member, dropout=dropout) for member in given]
        together = spotfw_torch.tune(there, chosen, 5)
        alone = [spotfw_torch.tune(there, [member], 5)[0] for member in chosen]
        pairs = list(zip(together, alone, strict=True))
        apart = max(_relative(a.prompt, b.prompt) for a, b in pairs)
        what = f"{size}: prompts after 5 steps, 4 members together from alone"
        what += f", dropout {dropout}" if dropout else ""
        yield row(what, apart, None, "relative", "<= 1e-5", apart <= 1e-5)
        apart = max(float(np.abs(a.losses - b.losses).max()) for a, b in pairs)
        yield row(f"{what}: losses", apart, None, "nats", "<= 1e-5", apart <= 1e-5)


def _relative(value: Any, reference: Any) -> float:
    return float(np.linalg.norm(value - reference) / np.linalg.norm(reference))


def speed(setting: Setting, device: str, seconds: float, alone: float | None) -> list[Any]:
    """The rows of one setting.

    Args:
      setting: what to measure.
      device: torch's name.
      seconds: to measure for, at least 3 steps.
      alone: member steps a second of a cohort of 1, or None.
    """
    model = open_random(setting.size, setting.kind, device, setting.compiled, setting.graphs)
    cohort = spotfw_torch.Cohort(model, PROMPT, BATCH, setting.at_once)
    for member in members(model, setting.members, dropout=setting.dropout):
        cohort.join(member)
    on_gpu = model.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    for _ in range(2):
        cohort.step()
    cohort.report()
    first = time.perf_counter() - began
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - began < seconds and len(times) < 200):
        started = time.perf_counter()
        cohort.step()
        reports = cohort.report()  # waits for the step
        times.append(time.perf_counter() - started)
        if any(report.diverged_at for report in reports):
            raise RuntimeError("a member diverged")
    # Queued, as `tune` does it: the host runs ahead of the device.
    queued = max(3, len(times) // 2)
    started = time.perf_counter()
    for _ in range(queued):
        cohort.step()
    cohort.report()
    step = (time.perf_counter() - started) / queued
    rate = setting.members / step
    done = rate * step_operations(model.dimensions, BATCH, PROMPT, LENGTH, TARGETS) / 1e12
    rows = [
        row(f"{setting}: step, queued", 1e3 * step, None, "ms"),
        row(f"{setting}: step, waited for, median", 1e3 * statistics.median(times), None, "ms"),
        row(f"{setting}: member steps", rate, alone, "a second (theirs: a cohort of 1)"),
        row(f"{setting}: prompts of {SHORT} steps", 3600 * rate / SHORT, None, "an hour"),
        row(f"{setting}: prompts of {RECIPE} steps", 3600 * rate / RECIPE, None, "an hour"),
        row(f"{setting}: matrix products", done, None, "TFLOP/s"),
        row(f"{setting}: first two steps", first, None, "s"),
    ]
    if on_gpu:
        peak = torch.cuda.max_memory_allocated() / 2**30
        rows.append(row(f"{setting}: peak memory", peak, None, "GiB"))
    return rows


def settings(sizes: Sequence[str], cohorts: Sequence[int], compiled: bool) -> list[Setting]:
    """What to measure, the most wanted of each size first."""
    chosen = []
    large = [count for count in cohorts if count >= 16]
    for size in sizes:
        made = functools.partial(Setting, size=size)
        chosen += [made(kind="bfloat16", members=count) for count in cohorts]
        if compiled:
            chosen += [made(kind="bfloat16", members=n, compiled=True) for n in large]
        chosen += [made(kind="float32", members=count) for count in cohorts]
        chosen += [made(kind="tf32", members=count) for count in cohorts]
        chosen.append(made(kind="bfloat16", members=cohorts[0], graphs=False))
        chosen.append(made(kind="bfloat16", members=cohorts[-1], dropout=0.1))
    return chosen


class Record:
    """The rows so far, in a file that is whole at any moment."""

    def __init__(self, file: str | None, device: str) -> None:
        self._file = file
        self._document: dict[str, Any] = {
            "benchmark": "cohort",
            "command": command("cohort"),
            "machine": _machine(device),
            "versions": _versions(),
            "rows": [],
        }

    def add(self, rows: Sequence[Any]) -> None:
        """Prints rows and writes the file anew."""
        self._document["rows"] += rows
        for entry in rows:
            ours = entry["ours"]
            value = f"{ours:.4g}" if isinstance(ours, float) else str(ours)
            print(f"{entry['what']}: {value} {entry['unit']}", flush=True)
        if self._file:
            partial = f"{self._file}.partial"
            Path(partial).write_text(json.dumps(self._document, indent=2) + "\n")
            os.replace(partial, self._file)


def _machine(device: str) -> dict[str, Any]:
    machine = {"system": platform.platform(), "python": platform.python_version()}
    machine["cores"] = len(os.sched_getaffinity(0))
    if device.startswith("cuda"):
        machine["accelerator"] = torch.cuda.get_device_name(device)
    return machine


def _versions() -> dict[str, str]:
    names = ("torch", "numpy", "safetensors", "attrs")
    return {name: metadata.version(name) for name in names}


def _guarded(record: Record, what: str, measure: Callable[[], Sequence[Any]]) -> list[Any]:
    """A measurement's rows; where it fails, one row that says so."""
    try:
        rows = list(measure())
    except Exception as error:  # one failure must not lose the others
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        rows = [row(f"{what}: {reason}", None, None, "failed", holds=False)]
    record.add(rows)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return rows


def measure_all(arguments: argparse.Namespace) -> int:
    """The agreement and all settings that the command line names, rows written as they come."""
    began = time.monotonic()
    record = Record(arguments.json, arguments.device)
    if not arguments.no_agreement:
        size = arguments.sizes[0]
        _guarded(record, "agreement", lambda: list(agreement(size, arguments.device)))
    alone: dict[tuple[str, str], float] = {}
    for setting in settings(arguments.sizes, arguments.cohorts, arguments.compiled):
        if time.monotonic() - began > arguments.budget:
            record.add([row(f"{setting}: no time left", None, None, "skipped")])
            continue
        key = (setting.size, setting.kind)

        def measure(setting: Setting = setting, known: float | None = alone.get(key)) -> list[Any]:
            try:
                return speed(setting, arguments.device, arguments.seconds, known)
            except torch.OutOfMemoryError:
                fewer = attrs.evolve(setting, at_once=max(1, setting.members // 4))
            torch.cuda.empty_cache()
            return speed(fewer, arguments.device, arguments.seconds, known)

        rows = _guarded(record, str(setting), measure)
        if setting.members == 1 and len(rows) > 2:
            alone.setdefault(key, rows[2]["ours"])
    return 0
