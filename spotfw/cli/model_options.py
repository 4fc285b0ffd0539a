"""Which frozen model, and how it is opened, as command-line options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--backend", metavar="NAME", help="The engine, NAME[:key=value,...] [default: mesh]."
    ),
    click.option("--vocabulary", metavar="FILE", help="Sentencepiece file [default: the model's]."),
    click.option(
        "--gin",
        metavar="SIZE|FILE",
        help="A T5 1.1 size (tiny, small, base, large, xl, xxl) or a gin file, where the "
        "model's folder has no operative_config.gin.",
    ),
    click.option(
        "--activations",
        type=click.Choice(["float32", "bfloat16"]),
        help="Precision inside the frozen model [default: float32].",
    ),
    click.option("--threads", type=click.IntRange(0), help="Threads an operation [default: all]."),
)


def model_options(
    default: str | None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command ``--model`` and how to open it: see `opening`.

    Args:
      default: the model where none is named; None for the prompt's own.
    """
    shown = default or "the prompt's own"

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(_OPTIONS):
            command = option(command)
        return click.option(
            "--model",
            "-m",
            default=default,
            metavar="NAME|DIR",
            help=f"Frozen model: a name, or a folder, local or gs:// [default: {shown}].",
        )(command)

    return decorate


def opening(options: dict[str, Any]) -> dict[str, Any]:
    """Takes out of a command's options how the model is opened, as the backend names it."""
    names = ("backend", "vocabulary", "gin", "activations", "threads")
    values = {name: options.pop(name) for name in names if name in options}
    return {name: value for name, value in values.items() if value is not None}
