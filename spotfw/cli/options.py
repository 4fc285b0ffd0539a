"""Options that commands share: a tuning's settings, which frozen model, which library."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from spotfw.cli import completion
from spotfw.config import TuningSettings

if TYPE_CHECKING:
    from spotfw.library import Library
    from spotfw.recipe.session import Session


def settings_options(
    only: Collection[str] | None = None,
    own: bool = False,
    texts: Mapping[str, str] | None = None,
    **defaults: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command one option for each setting of a tuning.

    What is not given on the command line arrives as None, so that a model's own settings
    can stand in before the paper's: see `given`.

    Args:
      only: names of the settings wanted, None for all.
      own: say of each default that a model's own setting stands before it.
      texts: what is said of a setting that means less here than in a prompt's tuning, by name.
      **defaults: of settings where the command has others than the class, or what they are in
        words.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        said = {**_texts(), **(texts or {})}
        kinds = typing.get_type_hints(TuningSettings)
        for field in reversed(attrs.fields(TuningSettings)):
            if only is not None and field.name not in only:
                continue
            default = defaults.get(field.name, field.default)
            shown = "all" if default is None else _shown(default)
            shown = f"the model's, else {shown}" if own and field.name != "seed" else shown
            command = click.option(
                f"--{field.name.replace('_', '-')}",
                field.name,
                type=_kind(kinds[field.name]),
                default=None,
                metavar=_METAVARS.get(_kind(kinds[field.name]), "X"),
                help=f"{said.get(field.name, '')} [default: {shown}]".strip(),
            )(command)
        return command

    return decorate


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Takes the settings that were given on the command line out of a command's options."""
    names = [field.name for field in attrs.fields(TuningSettings)]
    values = {name: options.pop(name) for name in names if name in options}
    return {name: value for name, value in values.items() if value is not None}


_METAVARS = {int: "N", bool: "true|false"}


def _shown(default: Any) -> str:
    if isinstance(default, str):
        return default
    return str(default).lower() if isinstance(default, bool) else f"{default:,}"


def _kind(hint: Any) -> type:
    """int for ``int | None``, else the type itself."""
    if isinstance(hint, types.UnionType):
        hint = next(member for member in typing.get_args(hint) if member is not type(None))
    kind: type = hint
    return kind


def _texts() -> dict[str, str]:
    """The class's description of each attribute, as a capitalised phrase."""
    lines = inspect.cleandoc(TuningSettings.__doc__ or "").partition("Attributes:\n")[2]
    texts = {}
    for name, text in re.findall(r"^  (\w+): ((?:.*\n?)(?:    .*\n?)*)", lines, re.MULTILINE):
        # How Python says it has no meaning on a command line, where nothing is given.
        text = re.sub("[,;] None for all", "", " ".join(text.split())).rstrip(".")
        texts[name] = text[:1].upper() + text[1:]
    return texts


#: How the model is opened, as the built-in engine names it.
OPENING = (
    *("vocabulary", "gin", "activations", "threads", "mesh_shape", "layout", "devices"),
    *("tpu", "tpu_topology", "model_parallelism", "iterations_per_loop"),
)

_ENGINE_OPTIONS = (
    click.option(
        "--backend",
        metavar="NAME",
        help="The engine, NAME[:key=value,...] [default: mesh, where "
        "it is installed and reads the model's folder].",
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
    click.option(
        "--mesh-shape",
        metavar="AXIS:N,...",
        help="Several devices of this machine as a mesh, e.g. batch:4,model:2; of a TPU too.",
    ),
    click.option(
        "--layout",
        metavar="DIM:AXIS,...",
        help="What is split over a mesh's axes, e.g. batch:batch,d_ff:model [default: t5's rules, "
        "and cohort:cohort].",
    ),
    click.option(
        "--devices",
        metavar="NAME,...",
        help="The mesh's devices, e.g. GPU:0,GPU:1 [default: the first GPUs, else this "
        "processor's threads].",
    ),
    click.option(
        "--tpu",
        metavar="NAME|local",
        help="A TPU by name, grpc://HOST:PORT, or local on a TPU VM.",
    ),
    click.option("--tpu-topology", metavar="TYPE", help="Its slice, e.g. v3-8."),
    click.option(
        "--model-parallelism",
        type=click.IntRange(1),
        metavar="N",
        help="TPU cores that share a copy of the model [default: 1].",
    ),
    click.option(
        "--iterations-per-loop",
        type=click.IntRange(1),
        metavar="N",
        help="Updates on the TPU between two looks at it [default: 100, up to a checkpoint].",
    ),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the engine and how it opens a model: see `opening`."""
    for option in reversed(_ENGINE_OPTIONS):
        command = option(command)
    return command


def model_options(
    default: str | None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command ``--model`` and how to open it: see `opening`.

    Args:
      default: the model where none is named; None for the prompt's own.
    """
    shown = default or "the prompt's own"

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = engine_options(command)
        return click.option(
            "--model",
            "-m",
            default=default,
            shell_complete=completion.parts("model"),
            metavar="NAME|DIR",
            help=f"Frozen model: a name, or a folder, local or gs:// [default: {shown}].",
        )(command)

    return decorate


def opening(options: dict[str, Any]) -> dict[str, Any]:
    """Takes out of a command's options how the model is opened, as the backend names it."""
    names = ("backend", *OPENING)
    values = {name: options.pop(name) for name in names if name in options}
    return {name: value for name, value in values.items() if value is not None}


def open_session(
    model: str, library: str | Sequence[str] | None, options: dict[str, Any], runs: str = "runs"
) -> Session:
    """A session for a command; takes what `opening` takes out of its options.

    Where the user named no engine, says which is not the built-in one.
    """
    from spotfw.recipe.session import Session

    opened = opening(options)
    session = Session(model, library, runs=runs, **opened)
    if "backend" not in opened:
        note_engine(session)
    return session


def note_engine(session: Session) -> None:
    """One line where the engine that was chosen is not the built-in one."""
    from spotfw.cli.display import note
    from spotfw.plugins.models import BUILT_IN, missing_package

    if session.backend == BUILT_IN:
        return
    package = missing_package(session.plugins.backend(BUILT_IN))
    why = "it reads the model's folder as it is"
    if package is not None:
        why = f"{BUILT_IN} needs {package}, which is not installed"
    note(f"Engine: {session.backend}, because {why}. --backend NAME takes another.")


library_option = click.option(
    "--library",
    "folder",
    metavar="DIR",
    default="library",
    envvar="SPOTFW_LIBRARY",
    show_default=True,
    show_envvar=True,
    help="The library's folder, local or gs://, hf://USER/NAME of the Hugging Face hub, or the "
    "name of a model that comes with one.",
)
metric_option = click.option(
    "--metric",
    default=("per_token_cosine",),
    show_default=True,
    multiple=True,
    callback=lambda _context, _option, names: "+".join(names),
    shell_complete=completion.parts("metric"),
    help="How sources compare: per_token_cosine, average_token_cosine, or another of `spotfw "
    "metrics`; several, or joined by +, are fused by rank.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


def bare_listing(context: click.Context, listing: click.Command, as_json: bool) -> None:
    """What a group does without a command: it lists, with --json too.

    Raises:
      WrongUse: --json stands before a command, which takes it itself.
    """
    from spotfw.errors import WrongUse

    command = context.invoked_subcommand
    if command is None:
        context.invoke(listing, as_json=as_json)
    elif as_json:
        group = context.info_name
        raise WrongUse(f"--json stands behind the command: spotfw {group} {command} ... --json.")


_FILTERS = (
    click.option("--task", metavar="T", help="Only prompts tuned on this task."),
    click.option("--family", metavar="F", help="Only this family's."),
    click.option("--seed", metavar="N", type=int, help="Only this seed's."),
    click.option("--fingerprint", metavar="F", help="Only this frozen model's."),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the filters of `Library.entries`, by their names there."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def open_named(library: str) -> Library:
    """The library of a folder or of a model's name, which must be there."""
    from spotfw.plugins import default_plugins
    from spotfw.plugins.libraries import library_named

    return library_named(library, default_plugins(), there=True)


def empty(folder: str) -> str:
    """The message for a library without prompts."""
    return (
        f"The library {folder} is empty. `spotfw tune TASK --out RUN --library {folder}` or "
        "`spotfw library add` fills it."
    )
