"""``spotfw-playground``: look at the tasks, and make the bundled model again."""

from __future__ import annotations

import json
from pathlib import Path

import click

_noise = click.option(
    "--noise", type=click.FloatRange(0, 1), default=0.0, help="Share of training labels replaced."
)


@click.group()
def main() -> None:
    """The playground's tasks, text and model."""


@main.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="HTML file to write.")
@click.option("--examples", default=5, show_default=True, help="Examples of each task.")
@_noise
def page(out: Path, examples: int, noise: float) -> None:
    """Write a page that shows examples of every task."""
    from spotfw.files import write_atomically
    from spotfw_playground.page import page as html

    write_atomically(str(out), html(examples=examples, noise=noise).encode())
    click.echo(f"wrote {out}")


@main.command()
@click.argument("task", required=False)
@click.option("--split", type=click.Choice(["train", "validation", "test"]), default="train")
@click.option("-n", "count", default=5, show_default=True, help="How many.")
@_noise
def examples(task: str | None, split: str, count: int, noise: float) -> None:
    """Print examples of TASK as JSON lines, or the tasks there are."""
    from spotfw.errors import UnknownName
    from spotfw_playground.families import BY_NAME
    from spotfw_playground.specs import rows

    if task is None:
        for spec in BY_NAME.values():
            click.echo(f"{spec.name:18} {spec.family:14} {spec.train:6}  {spec.description}")
        return
    if task not in BY_NAME:
        raise click.UsageError(str(UnknownName("playground task", task, BY_NAME)))
    for row in rows(BY_NAME[task], split, noise)[:count]:
        click.echo(json.dumps({"inputs": row.inputs, "targets": row.targets}))


@main.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder.")
@click.option("--seed", default=0, show_default=True)
@click.option("--short", is_flag=True, help="A tenth of the steps, to see that it runs.")
def pretrain(out: Path, seed: int, short: bool) -> None:
    """Pre-train the bundled model again, from nothing: at most 30 minutes on two cores."""
    from spotfw_playground.pretrain import Recipe, pretrain

    recipe = Recipe(seed=seed)
    if short:
        recipe = recipe.shortened()
    pretrain(out, recipe, report=click.echo)
    click.echo(f"wrote {out / 'huggingface'} (bf16) and {out / 'mesh'}")
