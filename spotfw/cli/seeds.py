"""``spotfw tune --seeds``: one tuning under several seeds, side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli.display import say

if TYPE_CHECKING:
    from spotfw.recipe.seeds import TunedSeeds
    from spotfw.recipe.session import Session
    from spotfw.recipe.tuned import TunedPrompt
    from spotfw.tasks import Mixture, Task


def seeds_of(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, ...] | None:
    """The seeds of ``0,1,2``."""
    if text is None:
        return None
    try:
        return tuple(int(piece) for piece in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no list of whole numbers with commas between them, such as 0,1,2."
        ) from None


def tune_seeds(
    session: Session,
    task: Task | Mixture,
    seeds: tuple[int, ...],
    as_json: bool,
    init: str,
    out: str,
    resume: bool,
    settings: dict[str, Any],
    kept: bool = False,
) -> None:
    """Tunes under the seeds, and shows a table by seed, with mean and standard deviation.

    With `kept`, also by which ids the session's library has them.

    Raises:
      SomeSeedsFailed: some failed; the others are shown before.
    """
    from spotfw.recipe.progress.watch import Watch
    from spotfw.recipe.seeds import SomeSeedsFailed

    failure: SomeSeedsFailed | None = None
    with Watch() as watch:
        try:
            tuned = session.tune(
                task,
                seeds=seeds,
                init=init,
                out=out,
                resume=resume,
                observer=watch,
                **settings,
            )
        except SomeSeedsFailed as error:
            failure, tuned = error, error.tuned
    errors = {} if failure is None else failure.errors
    if tuned:
        # They are there already: this says by which ids.
        ids = [session.add(run) for run in tuned] if kept else []
        _show(task.name, out, tuned, errors, as_json, ids)
        if ids and not as_json:
            say(f"in the library {session.library.name}: {' '.join(ids)}", wrapped=True)
    if failure is not None:
        raise failure


def _show(
    task: str,
    out: str,
    tuned: TunedSeeds,
    errors: dict[int, Exception],
    as_json: bool,
    ids: Sequence[str],
) -> None:
    from spotfw.cli.display import print_json, print_table

    rows = [{"seed": s} | facts_of(run) for s, run in zip(tuned.seeds, tuned, strict=True)]
    for row, id in zip(rows, ids, strict=False):
        row["id"] = id
    if as_json:
        failed = [{"seed": seed, "error": str(error)} for seed, error in errors.items()]
        print_json(
            {
                "task": task,
                "out": out,
                "mean": tuned.mean,
                "std": tuned.std,
                "seeds": rows,
                "failed": failed,
            }
        )
        return
    title = f"{task}, {len(tuned)} seeds: mean ± standard deviation"
    table: list[list[object]] = [
        [row["seed"], row["score"], row["best_step"], row["best"]] for row in rows
    ]
    table += [[seed, None, None, "failed"] for seed in errors]
    table.append(["mean", f"{tuned.mean:.2f} ± {tuned.std:.2f}", None, ""])
    print_table(["seed", "score", "step", "best prompt"], table, title=title)


def facts_of(tuned: TunedPrompt) -> dict[str, Any]:
    """What a tuning gave, as plain values."""
    best = tuned.best.provenance
    return {
        "task": best.task,
        "out": tuned.folder,
        "score": tuned.score,
        "metrics": dict(best.metrics),
        "best_step": best.step,
        "embedding_step": tuned.embedding.provenance.step,
        "best": os.path.join(tuned.folder, "best.safetensors"),
        "embedding": os.path.join(tuned.folder, "embedding.safetensors"),
    }
