"""``spotfw-playground``: look at the tasks, and make the bundled model again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

_noise = click.option(
    "--noise", type=click.FloatRange(0, 1), default=0.0, help="Share of training labels replaced."
)


class _Width(click.IntRange):
    """A width that four heads share evenly.

    At most as wide as the vocabulary has rows: the embeddings that training starts from are as many
    directions as words keep company in.
    """

    def __init__(self) -> None:
        super().__init__(min=8, max=896)

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        width: int = super().convert(value, param, ctx)
        if width % 4:
            self.fail(f"{width} is no multiple of 4, which the model's heads need.", param, ctx)
        return width


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
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Text file to write.")
@click.option("-n", "count", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def text(out: Path, count: int, seed: int) -> None:
    """Write COUNT documents of the world as a text, a blank line between any two.

    It is what `spotfw models adapt` reads. None of them tells of a validation or test example.
    """
    from itertools import islice

    from spotfw.errors import SpotError
    from spotfw.files import write_atomically
    from spotfw_playground.corpus import documents

    # A stream of its own: pre-training has read others.
    text = "".join(f"{document}\n\n" for document in islice(documents(f"{seed} text"), count))
    try:
        write_atomically(str(out), text.encode())
    except SpotError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"wrote {out}")


@main.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--d-model",
    type=_Width(),
    default=128,
    show_default=True,
    help="Width of the model, a multiple of 4; feed-forward layers are twice as wide.",
)
@click.option(
    "--corruption-steps",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="Updates on span corruption, which come first.",
)
@click.option(
    "--lm-steps",
    type=click.IntRange(0),
    default=5500,
    show_default=True,
    help="Updates on prefix LM after these.",
)
@click.option("--short", is_flag=True, help="A tenth of the steps, to see that it runs.")
def pretrain(
    out: Path, seed: int, d_model: int, corruption_steps: int, lm_steps: int, short: bool
) -> None:
    """Pre-train the bundled model again, from nothing: at most 30 minutes on two cores.

    Other widths are models of other sizes by the same recipe; with --lm-steps 0 it is T5 as it was
    before LM adaptation, for `spotfw models adapt`.
    """
    from spotfw_playground.pretrain import Recipe, pretrain

    recipe = Recipe.of_width(
        d_model, seed=seed, corruption_steps=corruption_steps, lm_steps=lm_steps
    )
    if short:
        recipe = recipe.shortened()
    if not recipe.steps:
        raise click.UsageError("There is nothing to do in 0 steps: give more --lm-steps.")
    pretrain(out, recipe, report=click.echo)
    click.echo(f"wrote {out / 'huggingface'} (bf16) and {out / 'mesh'}")
