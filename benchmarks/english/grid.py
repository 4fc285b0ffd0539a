"""What all stages of the grid share: model, tasks, clock and output; and its opening."""

from __future__ import annotations

import argparse
import dataclasses
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import spotfw_torch as st
from benchmarks.english import declaration as study
from benchmarks.english.bundle import Array, TaskData, read_bundle
from benchmarks.english.grouped_order import WINDOW
from benchmarks.english.output import Output
from benchmarks.english.plan import Clock, positions_a_step, positions_to_score
from benchmarks.english.tunings import Data, Settings, Start, score_prompts, tune_together


@dataclasses.dataclass(frozen=True)
class Limits:
    """Sizes of a run. Shares are of the whole time; tasks are names with commas, or all.

    `host_seconds`: what a step takes however small its cohort is.
    """

    source_share: float = 0.33
    target_share: float = 0.40
    source_steps: int = 1_200
    target_steps: int = 304
    embedding_step: int = 104
    longest: int = 9
    host_seconds: float = 0.02
    signal_rows: int = 256
    sample_rows: int = 200
    scored_rows: int = 500
    only_sources: str = ""
    only_targets: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Everything a stage needs.

    Attributes:
      model, model_type: the engine's frozen model and its arithmetic.
      embeddings: float32 [V, E].
      tasks: by role and name; `sources` and `targets` in the order of their worth.
      decode: ids to text.
    """

    model: Any
    model_type: str
    embeddings: Array
    tasks: dict[tuple[str, str], TaskData]
    sources: list[TaskData]
    targets: list[TaskData]
    data: Data
    decode: Callable[[Sequence[int]], str]
    settings: Settings
    limits: Limits
    clock: Clock
    out: Output
    started: float
    seconds: float

    def say(self, message: str) -> None:
        """A line of progress, with the time."""
        print(f"{time.monotonic() - self.started:6.1f} s  {message}", flush=True)

    def peak_memory(self) -> float:
        """GiB of a CUDA device at most so far, 0 on others."""
        is_cuda = self.model.device.type == "cuda"
        return torch.cuda.max_memory_allocated() / 2**30 if is_cuda else 0.0

    def source_prompts(self, target: TaskData, seeds: Sequence[int]) -> dict[str, Array]:
        """Best prompts of the sources that a target may start from, by ``TASK/SEED``."""
        kept = self.out.prompts.get("sources", {})
        unlike = target.facts["unlike"]
        return {
            f"{source.name}/{seed}": kept[f"{source.name}/{seed}/best"]
            for source in self.sources
            for seed in seeds
            if source.name not in unlike and f"{source.name}/{seed}/best" in kept
        }


def open_grid(options: argparse.Namespace) -> Grid:
    """Opens the model, reads the tasks, chooses the arithmetic and measures the rates."""
    limits = Limits(**{name: getattr(options, name) for name in Limits.__annotations__})
    tasks = read_bundle(options.export)
    for key, task in tasks.items():
        tasks[key] = _cut(task, limits)
    out = Output(options.out)
    data = Data()
    kind, agreement = _arithmetic(options, tasks, data)
    model = _load(options, kind)
    clock = Clock(end=options.started + options.seconds)
    embeddings = model.embeddings()
    grid = Grid(
        model=model,
        model_type=kind,
        embeddings=embeddings,
        tasks=tasks,
        sources=_chosen(tasks, "source", [s.task for s in study.SOURCES], limits.only_sources),
        targets=_chosen(tasks, "target", [t.task for t in study.TARGETS], limits.only_targets),
        data=data,
        decode=_decoder(options),
        settings=Settings(),
        limits=limits,
        clock=clock,
        out=out,
        started=options.started,
        seconds=options.seconds,
    )
    clock.training, clock.scoring = _rates(grid)
    out.note(
        "machine.json",
        {
            "command": options.command,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "card": torch.cuda.get_device_name() if options.device == "cuda" else "none",
            "arithmetic": kind,
            "agreement": agreement,
            "training_positions_a_second": clock.training,
            "scoring_positions_a_second": clock.scoring,
            "limits": dataclasses.asdict(limits),
            "settings": dataclasses.asdict(grid.settings),
        },
    )
    grid.say(
        f"{kind}; {clock.training:.3g} positions a second in tuning, {clock.scoring:.3g} in "
        f"scoring; agreement {agreement}"
    )
    return grid


def _load(options: argparse.Namespace, kind: str) -> Any:
    torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
    dtype = "bfloat16" if kind == "bfloat16" else "float32"
    torch.backends.cuda.enable_cudnn_sdp(options.attention != "efficient")
    # Too many shapes occur for graphs, which are captured a shape; cohorts are large instead.
    return st.load(options.model, device=options.device, dtype=dtype, graphs=False)


def _arithmetic(options: argparse.Namespace, tasks: Any, data: Data) -> tuple[str, Any]:
    """The fastest type whose label choices and gradients agree with float32's, and how."""
    if options.dtype != "auto":
        return options.dtype, None
    task = tasks["source", "glue_mnli"]
    seen: dict[str, tuple[Any, Any]] = {}
    for kind in ("float32", "tf32", "bfloat16"):
        model = _load(options, kind)
        table = model.embeddings()
        prompts = [task.start(seed, table) for seed in study.SEEDS]
        scores = st.label_scores(model, prompts, task.select.inputs, task.label_ids)
        rows = data.examples(task.select)
        inputs = np.broadcast_to(rows.inputs[:64], (len(prompts), 64, rows.inputs.shape[1]))
        targets = np.broadcast_to(rows.targets[:64], (len(prompts), 64, rows.targets.shape[1]))
        gradients = st.loss_and_gradient(model, prompts, inputs, targets)[1]
        seen[kind] = scores, gradients.reshape(len(prompts), -1)
    exact_scores, exact = seen["float32"]
    agreement = {}
    for kind in ("tf32", "bfloat16"):
        scores, gradients = seen[kind]
        same = float((scores.argmax(2) == exact_scores.argmax(2)).mean())
        norms = np.linalg.norm(gradients, axis=1) * np.linalg.norm(exact, axis=1)
        cosine = float(((gradients * exact).sum(1) / norms).min())
        agreement[kind] = {"labels": round(same, 4), "gradient_cosine": round(cosine, 5)}
    fine = (
        agreement["bfloat16"]["labels"] >= 0.98 and agreement["bfloat16"]["gradient_cosine"] >= 0.98
    )
    return ("bfloat16" if fine else "tf32"), agreement


def _rates(grid: Grid) -> tuple[float, float]:
    """Encoder positions a second in tuning and in scoring, after steps that are not timed."""
    task = grid.tasks["source", "glue_mnli"]
    rows = grid.data.examples(task.train)
    count = 60 if grid.model.device.type == "cuda" else 2

    def step(members: int, steps: int) -> float:
        starts = [
            Start(str(i), rows, i % 3, task.start(i % 3, grid.embeddings)) for i in range(members)
        ]
        began = time.monotonic()
        tune_together(grid.model, grid.data, starts, [steps], grid.settings)
        return time.monotonic() - began

    new = step(count, WINDOW)
    base = step(count, 2 * WINDOW)
    taken = max(step(count, 4 * WINDOW) - base, 1e-3)
    step(3, WINDOW)
    small = (step(3, 3 * WINDOW) - step(3, WINDOW)) / (2 * WINDOW)
    lengths = [len(ids) for ids in task.train.inputs]
    positions = 2 * WINDOW * positions_a_step([lengths], count, grid.settings.batch)
    prompts = [task.start(i % 3, grid.embeddings) for i in range(count)]
    part = task.select
    scored = positions_to_score([len(ids) for ids in part.inputs], count)
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        score_prompts(grid.model, grid.data, task, part, prompts, grid.decode)
        seconds.append(time.monotonic() - began)
    grid.say(
        f"first window {new:.2f} s, then {base / 2 - taken / 4:.2f} and {taken / 2:.2f} a window; "
        f"a step of 3 members {1e3 * small:.1f} ms; scoring {seconds[0]:.2f} s, then "
        f"{seconds[1]:.2f} s"
    )
    return positions / taken, scored / seconds[1]


def _cut(task: TaskData, limits: Limits) -> TaskData:
    parts: dict[str, Any] = {
        name: dataclasses.replace(
            part,
            **{
                field.name: getattr(part, field.name)[: limits.scored_rows]
                for field in dataclasses.fields(part)
            },
        )
        for name, part in (("select", task.select), ("report", task.report))
    }
    return dataclasses.replace(task, **parts)


def _chosen(
    tasks: dict[tuple[str, str], TaskData], role: str, names: Sequence[str], only: str
) -> list[TaskData]:
    wanted = [name for name in only.split(",") if name] or names
    return [tasks[role, name] for name in names if name in wanted]


def _decoder(options: argparse.Namespace) -> Callable[[Sequence[int]], str]:
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(options.model / "spiece.model"))
    known = pieces.get_piece_size()
    return lambda ids: str(pieces.decode([i for i in ids if 1 < i < known]))
