"""The stages of the grid: what is tuned, in which order."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from benchmarks.english import declaration as study
from benchmarks.english.bundle import TaskData
from benchmarks.english.cells import (
    METRICS,
    Run,
    average,
    decoded,
    from_source,
    note_drops,
    note_longer,
    note_signals,
    ranking,
    start_of,
    tune_and_score,
)
from benchmarks.english.cohorts import (
    LARGE,
    target_batches,
    target_checkpoints,
    tune_in_cohorts,
)
from benchmarks.english.costs import (
    RESERVE,
    affordable,
    grid_seconds,
    mean_length,
    step_cost,
    target_seconds,
)
from benchmarks.english.grid import Grid
from benchmarks.english.plan import groups_by_length, whole_windows
from benchmarks.english.tunings import Course, Start, tune_together

#: Steps before the scored checkpoints, for the drop of the loss.
EARLY = 10
#: Early checkpoints that are kept as embeddings.
_EMBEDDINGS = (48, 104, 200)
#: Steps a target may have: the most that fit are taken.
_STEPS = (400, 304, 256, 200, 152, 104)


def tune_sources(grid: Grid) -> None:
    """Source prompts of all seeds: best, early checkpoints, and the scores of each."""
    waiting = [s for s in grid.sources if f"source:{s.name}:{study.SEEDS[-1]}" not in grid.out.rows]
    groups = groups_by_length({s.name: mean_length(s) for s in waiting}, LARGE)
    cost = sum(step_cost(grid, [_source(grid, n) for n in names]) for names in groups)
    seconds = grid.limits.source_share * grid.seconds * len(waiting) / len(grid.sources)
    fitting = 0.85 * seconds * grid.clock.training / max(cost, 1.0)
    steps = whole_windows(min(grid.limits.source_steps, fitting))
    checkpoints = _source_checkpoints(steps)
    grid.say(f"{len(waiting)} sources, {steps} steps, checkpoints {checkpoints}")
    deadline = time.monotonic() + 1.3 * seconds
    for names in groups:
        runs = [
            Run(
                start_of(grid, task, f"source:{task.name}:{seed}", seed),
                task,
                {"kind": "source", "task": task.name, "seed": seed},
            )
            for task in (_source(grid, name) for name in names)
            for seed in study.SEEDS
        ]
        for run, course, best in tune_and_score(grid, runs, checkpoints, deadline):
            place = f"{run.task.name}/{run.columns['seed']}"
            grid.out.keep("sources", f"{place}/best", course.prompts[best])
            _keep_early(grid, "sources", place, course)
        grid.out.save()
        grid.say(f"sources {', '.join(names)}")


def target_steps(grid: Grid) -> int:
    """Steps of a target's tunings: the most whose grid fits in its share of the time."""
    done = [row for row in grid.out.rows.values() if row["kind"] == "scratch"]
    if done:
        return int(done[0]["steps"])
    seconds = min(grid.limits.target_share * grid.seconds, grid.clock.left() - RESERVE)
    allowed = [s for s in _STEPS if s <= grid.limits.target_steps] or [
        whole_windows(grid.limits.target_steps)
    ]
    chosen = next((s for s in allowed if grid_seconds(grid, s) <= seconds), allowed[-1])
    expected = grid_seconds(grid, chosen)
    grid.say(f"targets: {chosen} steps, {expected:.0f} s expected of {seconds:.0f}")
    return chosen


def tune_targets(grid: Grid, targets: Sequence[TaskData], steps: int) -> None:
    """Targets together, from scratch and from each source; signals of the sources before."""
    runs: list[Run] = []
    chosen: list[TaskData] = []
    for target in targets:
        prompts = grid.source_prompts(target, study.SEEDS)
        if f"scratch:{target.name}:{study.SEEDS[-1]}" in grid.out.rows:
            continue
        planned = sum(
            target_seconds(grid, t, len(study.SEEDS) + len(prompts), steps) for t in chosen
        )
        if not affordable(grid, target, len(prompts) + len(study.SEEDS), steps, planned):
            grid.say(f"no time for {target.name}")
            continue
        chosen.append(target)
        if f"signal:{target.name}:{next(iter(prompts), None)}" not in grid.out.rows:
            note_signals(grid, target, prompts)
        runs += [_scratch(grid, target, seed) for seed in study.SEEDS]
        runs += [
            from_source(grid, target, place, _seed_of(place), prompt)
            for place, prompt in prompts.items()
        ]
    if not runs:
        return
    results = tune_and_score(grid, runs, target_checkpoints(steps), unscored=[EARLY])
    for target in chosen:
        note_drops(grid, target, [r for r in results if r[0].task is target], EARLY)
    for run, course, best in results:
        place = f"{run.task.name}/{run.columns['seed']}"
        if run.columns["kind"] == "scratch":
            grid.out.keep("targets", f"{place}/best", course.prompts[best])
            grid.out.keep("targets", f"{place}/last", course.prompts[course.step])
            grid.out.arrays[f"moment:{place}"] = course.moment
            _keep_early(grid, "targets", place, course)
        else:
            source = run.columns["source"]
            half = 2 * grid.targets.index(run.task) // len(grid.targets)
            grid.out.keep(f"transfers{half}", f"{place}/from/{source}", course.prompts[best])
    grid.out.save()
    grid.say(f"{', '.join(t.name for t in chosen)}: {len(runs)} tunings")


def decode_sample(grid: Grid) -> None:
    """Label tasks decoded and ranked on the same rows: best source prompts, best from scratch."""
    for role, tasks, file in (
        ("source", grid.sources, "sources"),
        ("target", grid.targets, "targets"),
    ):
        for task in tasks:
            kept = grid.out.prompts.get(file, {})
            names = [n for seed in study.SEEDS if (n := f"{task.name}/{seed}/best") in kept]
            key = f"decoded:{role}:{task.name}"
            if task.kind != "labels" or not names or key in grid.out.rows:
                continue
            if grid.clock.left() < RESERVE:
                return
            prompts = [kept[name] for name in names]
            grid.out.add_row(key, **decoded(grid, task, prompts), role=role)
    grid.out.save()
    grid.say("sample decoded")


def tune_averages(grid: Grid, steps: int) -> None:
    """Each target from the weighted average of its top k, by both metrics."""
    runs = []
    for target in grid.targets:
        for seed in study.SEEDS:
            for metric in METRICS:
                ranked = ranking(grid, target, seed, metric)
                for k in (3, 6, 9):
                    key = f"average:{target.name}:{metric}:{k}:{seed}"
                    prompt = average(grid, seed, ranked[:k])
                    if prompt is None or key in grid.out.rows:
                        continue
                    columns = {"kind": "average", "task": target.name, "seed": seed}
                    columns |= {"metric": metric, "k": k, "chosen": ranked[:k]}
                    runs.append(Run(start_of(grid, target, key, seed, prompt), target, columns))
    tune_in_cohorts(grid, runs, steps)
    grid.say("weighted averages")


def tune_longer(grid: Grid, steps: int) -> None:
    """From scratch on, to as many steps as k candidates have together; scored every `steps`."""
    kept = grid.out.prompts.get("targets", {})
    waiting = [
        target
        for target in grid.targets
        if f"{target.name}/{study.SEEDS[-1]}/last" in kept
        and f"longer:{target.name}:2:{study.SEEDS[-1]}" not in grid.out.rows
    ]
    for names in groups_by_length({t.name: mean_length(t) for t in waiting}, LARGE):
        tasks = [_target(grid, name) for name in names]
        # 1.4: besides, checkpoints are scored and small cohorts are slower.
        second = grid.clock.training / max(1.4 * step_cost(grid, tasks), 1.0)
        second = min(second, 1.0 / grid.limits.host_seconds)
        most = 1 + int(max(grid.clock.left() - RESERVE, 0.0) * second / steps)
        most = min(grid.limits.longest, most)
        if most < 2:
            continue
        runs = []
        for target in tasks:
            for seed in study.SEEDS:
                place = f"{target.name}/{seed}"
                start = dataclasses.replace(
                    start_of(grid, target, f"longer:{place}", seed, kept[f"{place}/last"]),
                    moment=grid.out.arrays[f"moment:{place}"],
                    step=steps,
                )
                columns = {"kind": "longer", "task": target.name, "seed": seed}
                runs.append(Run(start, target, columns))
        note_longer(grid, runs, steps, most)
        grid.out.save()
        grid.say(f"{', '.join(names)} from scratch to {most} times {steps} steps")


def tune_mixtures(grid: Grid, steps: int, k: int = 3) -> None:
    """A prompt tuned on the top k tasks and the target mixed, then on the target (3.2)."""
    longer = 2 * steps
    runs = []
    for target in grid.targets:
        for seed in study.SEEDS:
            key = f"mixture:{target.name}:{seed}"
            ranked = ranking(grid, target, seed, "average_token")[:k]
            if not ranked or key in grid.out.rows:
                continue
            columns = {"kind": "mixture", "task": target.name, "seed": seed}
            columns |= {"metric": "average_token", "k": k, "chosen": ranked}
            columns |= {"mixture_steps": longer}
            # In proportion to the examples is evenly over all rows together.
            parts = [_source(grid, name).train for name, _ in ranked] + [target.train]
            first = grid.sources[0].start(seed, grid.embeddings)
            start = Start(key, grid.data.joined(parts), seed, first)
            runs.append(Run(start, target, columns))
    # A mixture is as long as its longest task: BoolQ's and CB's cost stands for all.
    second = grid.clock.training / (16 * 200 * max(len(runs), 1))
    if not runs or grid.clock.left() < RESERVE + 1.2 * longer / second + steps / second:
        return
    courses = tune_together(
        grid.model, grid.data, [run.start for run in runs], [longer], grid.settings
    )
    again = []
    for run in runs:
        name, seed = run.start.name, run.start.seed
        mixed = courses[name].prompts.get(longer)
        if mixed is not None:
            start = start_of(grid, run.task, name, seed, mixed)
            again.append(dataclasses.replace(run, start=start))
    tune_in_cohorts(grid, again, steps)
    grid.say("mixtures")


def tune_other_seeds(grid: Grid, steps: int) -> None:
    """Targets from source prompts of other seeds than their own, as long as there is time."""
    for shift in (1, 2):
        for targets in target_batches(grid):
            runs = [
                from_source(
                    grid, target, place, (_seed_of(place) + shift) % len(study.SEEDS), prompt
                )
                for target in targets
                if f"scratch:{target.name}:{study.SEEDS[-1]}" in grid.out.rows
                for place, prompt in grid.source_prompts(target, study.SEEDS).items()
            ]
            tune_in_cohorts(grid, runs, steps)
        grid.say(f"source prompts of other seeds ({shift})")


def _scratch(grid: Grid, target: TaskData, seed: int) -> Run:
    columns = {"kind": "scratch", "task": target.name, "seed": seed}
    return Run(start_of(grid, target, f"scratch:{target.name}:{seed}", seed), target, columns)


def _source(grid: Grid, name: str) -> TaskData:
    return grid.tasks["source", name]


def _target(grid: Grid, name: str) -> TaskData:
    return grid.tasks["target", name]


def _seed_of(place: str) -> int:
    return int(place.rpartition("/")[2])


def _keep_early(grid: Grid, file: str, place: str, course: Course) -> None:
    for step in (*_EMBEDDINGS, grid.limits.embedding_step):
        if step in course.prompts:
            grid.out.keep(file, f"{place}/step{step}", course.prompts[step])


def _source_checkpoints(steps: int) -> list[int]:
    later = [whole_windows(steps * fifth / 5) for fifth in range(1, 6)]
    return sorted({*(step for step in _EMBEDDINGS if step < steps), *later})
