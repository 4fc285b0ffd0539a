"""``spotfw demo``: the whole recipe on the bundled model and tasks."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli.options import engine_options, json_option

if TYPE_CHECKING:
    from spotfw.study.demo import DemoResult

#: Processes where none are asked for.
_WORKERS = 2


@click.command(short_help="The whole recipe on the bundled model and tasks.")
@click.option("--model", default="playground", show_default=True, help="A model with a demo.")
@click.option("--out", help="Keep everything in this folder; run again to go on. [default: none]")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="Seeds 0..N-1.")
@click.option("--metric", default="per_token_cosine", show_default=True, help="Ranks sources.")
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="Processes, each of one thread (or --threads) and about 1.2 GB; 0: all in this one "
    "[default: 2; 0 with --tpu].",
)
@engine_options
@json_option
def demo(out: str | None, **options: Any) -> None:
    """Learn prompts on source tasks, keep them in a library, rank them for low-resource
    targets, and tune each target from scratch and from what each strategy chooses.

    With --model english, small English texts start from the prompts that come with that model.

    Takes some minutes on two cores and needs no network.

    \b
    Example:
      spotfw demo --out demo
    """
    if out is not None:
        _run(out, **options)
        return
    with tempfile.TemporaryDirectory(prefix="spotfw-demo-") as folder:
        _run(folder, **options)


def _run(
    out: str,
    *,
    model: str,
    seeds: int,
    metric: str,
    workers: int | None,
    as_json: bool,
    **engine: Any,
) -> None:
    from spotfw.cli.display import Progress, note
    from spotfw.cli.options import note_engine, opening
    from spotfw.errors import WrongUse
    from spotfw.plugins import default_plugins
    from spotfw.plugins.models import cohort_of
    from spotfw.recipe.session import Session
    from spotfw.study.demo import planned_steps, run_on_workers
    from spotfw.study.work.workers import choose_executor, workers_for

    plugins = default_plugins()
    plan = plugins.model(model).demo
    if plan is None:
        known = [m.name for m in plugins.models() if m.demo is not None]
        raise WrongUse(f"The model {model} has no demo. Models with one: {', '.join(known)}.")
    opened: dict[str, Any] = {
        "model": model,
        "runs": os.path.join(out, "runs"),
        **opening(engine),
    }
    if plan.sources:
        opened["library"] = os.path.join(out, "library")
    workers = workers_for(opened, workers)
    workers = _WORKERS if workers is None else workers
    counted = range(seeds)
    session = Session(plugins=plugins, **opened)
    if "backend" not in opened:
        note_engine(session)
    sources = (
        f"{len(plan.sources)} sources"
        if plan.sources
        else f"the {len(session.library.entries())} prompts that come with the model {model}"
    )
    note(f"SPoT on {sources} and {len(plan.targets)} targets, {_counted(seeds)}.")
    note(_starting(workers))
    with Progress("demo", planned_steps(plan, session, counted)) as progress:
        result = run_on_workers(
            opened,
            plan,
            seeds=counted,
            metric=metric,
            executor=choose_executor(plugins, None, workers),
            cohort=cohort_of(model, opened, plugins),
            progress=lambda steps, what: progress.update(steps, last=what),
        )
    if as_json:
        _print_json(result, model, metric, seeds)
    else:
        _print_tables(result)


def _starting(workers: int) -> str:
    """A line before the wait until the first tuning begins."""
    if workers == 0:
        return "Opening the model ..."
    return f"Starting {workers} {'worker' if workers == 1 else 'workers'}, each opens the model ..."


def _counted(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def _print_json(result: DemoResult, model: str, metric: str, seeds: int) -> None:
    import attrs

    from spotfw.cli.display import print_json
    from spotfw.recipe.tuning import versions

    print_json(
        {
            "gain": result.gain,
            "same_family_first": result.same_family_first,
            "seconds": result.seconds,
            "model": model,
            "metric": metric,
            "seeds": seeds,
            "sources": [
                {"task": name, "family": family, "score": score}
                for name, family, score in result.sources
            ],
            "rows": [attrs.asdict(row) for row in result.rows],
            "versions": versions(),
        }
    )


def _print_tables(result: DemoResult) -> None:
    import numpy as np

    from spotfw.cli.display import note, print_table

    targets = list(dict.fromkeys(row.target for row in result.rows))
    titles = list(result.rows[0].scores)

    def cell(rows: list[float]) -> str:
        spread = f" ± {np.std(rows):.1f}" if len(rows) > 1 else ""
        return f"{np.mean(rows):.1f}{spread}"

    table = [
        [target, *(cell([r.scores[t] for r in result.rows if r.target == target]) for t in titles)]
        for target in targets
    ]
    by_seed = {
        t: [
            float(np.mean([r.scores[t] for r in result.rows if r.seed == seed]))
            for seed in sorted({r.seed for r in result.rows})
        ]
        for t in titles
    }
    table.append(["mean", *(cell(by_seed[t]) for t in titles)])
    spread = ", mean and standard deviation over seeds" if len(by_seed[titles[0]]) > 1 else ""
    print_table(["target", *titles], table, title=f"Validation score{spread}")
    print_table(
        ["target", "family", "first", "second", "third"],
        [
            [row.target, row.family, *(f"{s} {v:.3f}" for s, _, v in row.ranking[:3])]
            for row in result.rows
            if row.seed == 0
        ],
        title="Sources by similarity to the target's embedding (seed 0)",
    )
    note(
        f"Transfer from the first source: {result.gain:+.1f} points over from scratch at equal "
        f"steps. A source of the target's family ranks first in "
        f"{100 * result.same_family_first:.0f}% of cases. {result.seconds:.0f} s."
    )
