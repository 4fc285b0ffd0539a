"""Single tunings of the grid, their scores and rows; and what is measured before tuning."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import spotfw_torch as st
from benchmarks.english import signals
from benchmarks.english.bundle import Array, TaskData
from benchmarks.english.grid import Grid
from benchmarks.english.tunings import Course, Scored, Start, score_prompts, tune_together
from spotfw.metrics import average_token_cosine, per_token_cosine

METRICS = {"average_token": average_token_cosine, "per_token": per_token_cosine}
#: One digit more than what a row of 500 can tell.
_DIGITS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A tuning on a task, and the columns that tell its row from others'."""

    start: Start
    task: TaskData
    columns: dict[str, Any]


def start_of(
    grid: Grid, task: TaskData, name: str, seed: int, prompt: Array | None = None
) -> Start:
    """A tuning on a task's training rows, from a prompt or from scratch."""
    return Start(
        name=name,
        examples=grid.data.examples(task.train),
        seed=seed,
        prompt=task.start(seed, grid.embeddings) if prompt is None else prompt,
    )


def from_source(grid: Grid, target: TaskData, place: str, seed: int, prompt: Array) -> Run:
    """A target's tuning from the source prompt at ``TASK/SEED``."""
    source, _, source_seed = place.rpartition("/")
    key = f"transfer:{target.name}:{source}:{source_seed}:{seed}"
    columns = {"kind": "transfer", "task": target.name, "seed": seed}
    columns |= {"source": source, "source_seed": int(source_seed)}
    return Run(start_of(grid, target, key, seed, prompt), target, columns)


def tune_and_score(
    grid: Grid,
    runs: Sequence[Run],
    checkpoints: Sequence[int],
    deadline: float = float("inf"),
    unscored: Sequence[int] = (),
) -> list[tuple[Run, Course, int]]:
    """Tunes runs as one cohort; scores checkpoints to select by, and the best to report.

    Returns:
      Each run with its course and the step of its best checkpoint, the earliest of equals.
    """
    began = time.monotonic()
    starts = [run.start for run in runs]
    courses = tune_together(
        grid.model, grid.data, starts, [*unscored, *checkpoints], grid.settings, deadline
    )
    tuned = time.monotonic() - began
    results = []
    for task in {id(run.task): run.task for run in runs}.values():
        mine = [run for run in runs if run.task is task]
        selected = _select(grid, task, mine, courses, unscored)
        best = {name: _best(scores, scores) for name, scores in selected.items() if scores}
        mine = [run for run in mine if selected[run.start.name]]
        reports = _report(grid, task, [(courses[r.start.name], best[r.start.name]) for r in mine])
        for run, reported in zip(mine, reports, strict=True):
            name = run.start.name
            course = courses[name]
            grid.out.add_row(
                name,
                **run.columns,
                step=best[name],
                steps=course.step,
                score=round(reported.score, _DIGITS),
                measures=_rounded(reported.measures),
                selected={step: round(s.score, _DIGITS) for step, s in selected[name].items()},
                first_losses=[round(float(x), 4) for x in course.losses[:10]],
                last_loss=round(float(course.losses[-48:].mean()), 4),
                cohort=len(runs),
                cohort_seconds=round(tuned, 2),
            )
            if reported.predicted is not None:
                grid.out.arrays[f"told:{name}"] = reported.predicted
            results.append((run, course, best[name]))
    return results


def _select(
    grid: Grid,
    task: TaskData,
    runs: Sequence[Run],
    courses: Mapping[str, Course],
    unscored: Sequence[int],
) -> dict[str, dict[int, Scored]]:
    """Every run's scored checkpoints, by step."""
    asked = [
        (run.start.name, step, prompt)
        for run in runs
        for step, prompt in courses[run.start.name].prompts.items()
        if step not in unscored
    ]
    selected: dict[str, dict[int, Scored]] = {run.start.name: {} for run in runs}
    if asked:
        scores = score_prompts(
            grid.model,
            grid.data,
            task,
            task.select,
            [prompt for _, _, prompt in asked],
            grid.decode,
            choosing=True,
        )
        for (name, step, _), score in zip(asked, scores, strict=True):
            selected[name][step] = score
    return selected


def _best(steps: Iterable[int], scores: Mapping[int, Scored]) -> int:
    """The step with the best score, the earliest of equals."""
    return min(steps, key=lambda step: (-scores[step].score, step))


def _report(grid: Grid, task: TaskData, chosen: Sequence[tuple[Course, int]]) -> list[Scored]:
    if not chosen:
        return []
    prompts = [course.prompts[step] for course, step in chosen]
    return score_prompts(grid.model, grid.data, task, task.report, prompts, grid.decode)


def note_signals(grid: Grid, target: TaskData, prompts: Mapping[str, Array]) -> None:
    """Rows of what each source prompt does on the target's training rows before tuning."""
    began = time.monotonic()
    part = signals.first_rows(target.train, grid.limits.signal_rows)
    stack = list(prompts.values())
    losses, likelihoods = signals.losses_on(grid.model, grid.data, target, part, stack)
    agreement = signals.gradient_agreement(grid.model, grid.data, part, stack, grid.settings.batch)
    grid.out.arrays[f"likelihoods:{target.name}"] = likelihoods.astype(np.float16)
    grid.out.arrays[f"gold:{target.name}"] = part.gold.astype(np.int16)
    seconds = round((time.monotonic() - began) / max(len(stack), 1), 4)
    for place, loss, gradient in zip(prompts, losses, agreement, strict=True):
        source, _, seed = place.rpartition("/")
        columns: dict[str, Any] = {"kind": "signal", "task": target.name, "source": source}
        columns |= {"source_seed": int(seed), "rows": len(part), "seconds": seconds}
        columns |= _rounded(loss) | _rounded({f"gradient_{k}": v for k, v in gradient.items()})
        grid.out.add_row(f"signal:{target.name}:{place}", **columns)


def note_drops(
    grid: Grid, target: TaskData, results: Sequence[tuple[Run, Course, int]], step: int
) -> None:
    """Rows of the loss on the signals' rows after the first few steps."""
    part = signals.first_rows(target.train, grid.limits.signal_rows)
    known = [(run, course.prompts[step]) for run, course, _ in results if step in course.prompts]
    if not known:
        return
    losses, _ = signals.losses_on(
        grid.model, grid.data, target, part, [prompt for _, prompt in known]
    )
    for (run, _), loss in zip(known, losses, strict=True):
        columns = {**run.columns, "kind": "drop", "of": run.columns["kind"], "steps": step}
        grid.out.add_row(f"drop:{run.start.name}", **columns, **_rounded(loss))


def note_longer(grid: Grid, runs: Sequence[Run], steps: int, most: int) -> None:
    """Goes on from scratch to `most` times `steps`; a row for the best up to each multiple."""
    multiples = range(2, most + 1)
    courses = tune_together(
        grid.model,
        grid.data,
        [run.start for run in runs],
        [steps * k for k in multiples],
        grid.settings,
    )
    for task in {id(run.task): run.task for run in runs}.values():
        mine = [run for run in runs if run.task is task]
        selected = _select(grid, task, mine, courses, ())
        asked: list[tuple[Run, int, int]] = []
        for run in mine:
            scores = selected[run.start.name]
            for k in multiples:
                until = [step for step in scores if step <= k * steps]
                if until:
                    asked.append((run, k, _best(until, scores)))
        reports = _report(grid, task, [(courses[run.start.name], best) for run, _, best in asked])
        for (run, k, best), reported in zip(asked, reports, strict=True):
            first = grid.out.rows[f"scratch:{task.name}:{run.columns['seed']}"]
            score = selected[run.start.name][best].score
            earlier = max(first["selected"].values()) >= score
            grid.out.add_row(
                f"longer:{task.name}:{k}:{run.columns['seed']}",
                **run.columns,
                k=k,
                step=first["step"] if earlier else best,
                steps=k * steps,
                score=first["score"] if earlier else round(reported.score, _DIGITS),
                measures=first["measures"] if earlier else _rounded(reported.measures),
                selected=round(score, _DIGITS),
            )


def ranking(grid: Grid, target: TaskData, seed: int, metric: str) -> list[tuple[str, float]]:
    """Source tasks by likeness to a target's early prompt, all of one seed, best first."""
    targets, sources = grid.out.prompts.get("targets", {}), grid.out.prompts.get("sources", {})
    step = f"step{grid.limits.embedding_step}"
    mine = targets.get(f"{target.name}/{seed}/{step}")
    if mine is None:
        return []
    likeness = {
        source.name: METRICS[metric](mine, sources[f"{source.name}/{seed}/{step}"])
        for source in grid.sources
        if source.name not in target.facts["unlike"] and f"{source.name}/{seed}/{step}" in sources
    }
    return [(n, round(v, 6)) for n, v in sorted(likeness.items(), key=lambda pair: -pair[1])]


def average(grid: Grid, seed: int, ranked: Sequence[tuple[str, float]]) -> Array | None:
    """The best prompts of one seed, weighted by likeness as spotfw's strategy does."""
    kept = [(name, likeness) for name, likeness in ranked if likeness > 0]
    if not kept:
        return None
    weights = np.array([likeness for _, likeness in kept])
    best = [grid.out.prompts["sources"][f"{name}/{seed}/best"] for name, _ in kept]
    return np.tensordot(weights / weights.sum(), np.stack(best), 1).astype(np.float32)


def decoded(grid: Grid, task: TaskData, prompts: Sequence[Array]) -> dict[str, Any]:
    """Accuracy of ranking labels and of writing them, on the same rows."""
    rows = grid.limits.sample_rows
    part = signals.first_rows(task.report, rows)
    scores = st.label_scores(grid.model, prompts, part.inputs, task.label_ids)
    longest = max(len(ids) for ids in task.label_ids)
    written = st.greedy(grid.model, prompts, part.inputs, longest + 1)
    known = {tuple(ids): place for place, ids in enumerate(task.label_ids)}
    texts = np.array(
        [[known.get(tuple(ids.tolist()), -1) for ids in of_prompt] for of_prompt in written]
    )
    ranked = scores.argmax(2)
    return {
        "kind": "decoded",
        "task": task.name,
        "rows": len(part),
        "ranked": [round(100.0 * float((labels == part.gold).mean()), 2) for labels in ranked],
        "written": [round(100.0 * float((labels == part.gold).mean()), 2) for labels in texts],
        "no_label": [round(100.0 * float((labels < 0).mean()), 2) for labels in texts],
        "same": [
            round(100.0 * float((a == b).mean()), 2) for a, b in zip(ranked, texts, strict=True)
        ],
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.6g}") for name, value in values.items()}
