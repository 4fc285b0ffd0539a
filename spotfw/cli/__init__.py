"""The command ``spotfw``: thin commands, imported only when they are asked for.

Each built-in command lives in a module of this package as a click command of the same
name. Plugins add theirs through ``spotfw_commands``; they are loaded only for ``--help``
and for a command that is not built in.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import shlex
import sys
from collections.abc import Sequence

import click

from spotfw.cli import streams
from spotfw.cli.display import Unprintable, announced, note, results_apart
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.version import __version__

#: Built-in commands in the order of ``--help``: module:attribute and one line of help.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("spotfw.cli.demo:demo", "The whole recipe on the bundled model and tasks."),
    "tune": ("spotfw.cli.tune:tune", "Learn a prompt on a task or mixture."),
    "evaluate": ("spotfw.cli.tune:evaluate", "Score a prompt on a task."),
    "predict": ("spotfw.cli.predict:predict", "Run a prompt on lines of text."),
    "transfer": ("spotfw.cli.transfer:transfer", "Start a target from the library's prompts."),
    "study": ("spotfw.cli.study.commands:study", "A grid of tunings: plan, run, resume, report."),
    "library": (
        "spotfw.cli.library.commands:library",
        "The prompt library: add, show, rank, verify.",
    ),
    "tasks": ("spotfw.cli.tasks.commands:tasks", "Tasks and mixtures, and examples of each."),
    "metrics": ("spotfw.cli.parts:metrics", "Ways to compare prompts: what --metric takes."),
    "strategies": (
        "spotfw.cli.parts:strategies",
        "Ways to choose among ranked prompts: what --strategy takes.",
    ),
    "runs": ("spotfw.cli.runs:runs", "Runs: compare their settings and scores."),
    "models": ("spotfw.cli.models:models", "Frozen models: list, show, convert, adapt."),
    "plugins": (
        "spotfw.cli.plugins.commands:plugins",
        "What is installed and what failed to load.",
    ),
    "doctor": ("spotfw.cli.doctor:doctor", "Is this machine ready, and what to fix."),
}

#: Exit statuses: done, failed, wrong use, interrupted (128 + SIGINT).
DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


class Commands(click.Group):
    """A group that knows its commands' names without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(_plugin_commands(ctx))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            module, attribute = COMMANDS[name][0].split(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return _plugin_commands(ctx).get(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not name.startswith("-"):
            raise UnknownName("command", name, self.list_commands(ctx))
        if command is None:
            return super().resolve_command(ctx, args)
        return name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
        extra = _plugin_commands(ctx)
        if extra:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(
                    [(name, extra[name].get_short_help_str(60)) for name in sorted(extra)]
                )


def _plugin_commands(ctx: click.Context) -> dict[str, click.Command]:
    """Commands that plugins add, by name; collected once for each command line."""
    key = "spotfw.plugin_commands"
    commands: dict[str, click.Command] | None = ctx.meta.get(key)
    if commands is None:
        from spotfw.plugins import default_plugins

        commands = {c.name: c for c in default_plugins().commands(taken=COMMANDS) if c.name}
        ctx.meta[key] = commands
    return commands


def _block(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> None:
    names = []
    for value in values:
        if not value.startswith("no:") or not value[3:]:
            raise WrongUse(
                f"The option -p takes no:NAME, the plugin to leave out, but got {value!r}. "
                "Run `spotfw plugins` for the names."
            )
        names.append(value[3:])
    if names:
        # By the environment, so that processes started from here leave them out too.
        before = os.environ.get("SPOTFW_DISABLE_PLUGINS", "")
        os.environ["SPOTFW_DISABLE_PLUGINS"] = ",".join([*filter(None, [before]), *names])


def _strictly(_: click.Context, __: click.Parameter, strict: bool) -> None:
    if strict:
        os.environ["SPOTFW_STRICT_PLUGINS"] = "1"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try `spotfw demo` first, then `spotfw tune --help`.",
)
@click.version_option(__version__, prog_name="spotfw", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "-p",
    "blocked",
    metavar="no:NAME",
    multiple=True,
    expose_value=False,
    is_eager=True,
    callback=_block,
    help="Leave out the plugin NAME (may be given several times).",
)
@click.option(
    "--module-import",
    metavar="MODULE",
    multiple=True,
    expose_value=False,
    help="Import a module of your own first: seqio tasks, or hooks of spotfw (several times; "
    "anywhere on the line). SPOTFW_MODULES does the same.",
)
@click.option(
    "--strict-plugins",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_strictly,
    help="A plugin's fault ends the command; otherwise the plugin is set aside.",
)
def spotfw(debug: bool) -> None:
    """Soft prompt transfer: learn prompts on a frozen T5, keep them, start from them."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit status; never raises but for --debug.

    Args:
      arguments: the words after ``spotfw``, by default those of this process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Taken wherever it stands, for an error may come before click has parsed the options.
    end = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end]
    words = [*(w for w in words[:end] if w != "--debug"), *words[end:]]
    try:
        with _results_apart(words[:end]):
            rest = _without_modules(words)
            status = spotfw.main(args=rest, prog_name="spotfw", standalone_mode=False)
        streams.flush()
        return status if type(status) is int else DONE
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else FAILED
    except BrokenPipeError:
        # The reader of our output has gone: print nothing more, also not at interpreter exit.
        streams.give_up_output()
        return FAILED
    except Unprintable as error:
        streams.give_up_output()
        return _say(
            f"Error: The result could not be written to standard output: {error}. What was made "
            "on the disk stays. Let the output go to a file that can be written.",
            FAILED,
        )
    except (click.Abort, KeyboardInterrupt):
        if debug:
            raise
        return _say(*_interrupted(words))
    except click.ClickException as error:
        note(_usage(error))
        return error.exit_code
    except SpotError as error:
        if debug:
            raise
        return _say(f"Error: {error}", WRONG if isinstance(error, WrongUse) else FAILED)
    except Exception as error:
        if debug:
            raise
        what = " ".join(str(error).split())
        return _say(
            f"Error: something unforeseen happened ({type(error).__name__}: {what[:600]}). "
            "Run again with --debug for the traceback; it is a fault of spotfw if your input "
            "is sound.",
            FAILED,
        )


def _without_modules(words: Sequence[str]) -> list[str]:
    """The words without ``--module-import NAME``, wherever it stands, once that is heeded."""
    rest, modules = [], []
    following = iter(words)
    for word in following:
        if word == "--":
            rest += [word, *following]
        elif word.startswith("--module-import="):
            modules.append(word.partition("=")[2])
        elif word == "--module-import" and (name := next(following, None)) is not None:
            modules.append(name)
        else:
            rest.append(word)
    if modules:
        # By the environment, so that processes started from here import them too.
        before = os.environ.get("SPOTFW_MODULES", "")
        os.environ["SPOTFW_MODULES"] = ",".join([*filter(None, [before]), *modules])
    return rest


def _results_apart(words: Sequence[str]) -> contextlib.AbstractContextManager[None]:
    """Keeps what plugins print out of standard output while a command of ours makes a document.

    A command of a plugin prints as it likes, and help is printed by click.
    """
    named = next((word for word in words if not word.startswith("-")), None)
    if "--json" not in words or {"--help", "-h", "--version"} & set(words):
        return contextlib.nullcontext()
    return results_apart() if named in COMMANDS else contextlib.nullcontext()


def _interrupted(words: Sequence[str]) -> tuple[str, int, str]:
    """What to say, the status, and the command that goes on, if any."""
    kept = "Interrupted. Checkpoints already written stay, and nothing is half written."
    command = ""
    if {"tune", "adapt"} & {*words[:3]}:
        from spotfw.recipe.model_run_folder import can_go_on

        out = _value(words, "--out")
        if out is not None and not any(map(can_go_on, _places(out, words))):
            kept = "Interrupted before the first checkpoint. The same command begins anew."
        else:
            again = [*(w for w in words if w != "--resume"), "--resume"]
            kept = f"{kept} To go on from the last one:"
            command = f"spotfw {shlex.join(again)}"
    elif "transfer" in words[:3] or "study" in words[:3]:
        kept += " The same command goes on from the last checkpoint of each tuning; one without "
        kept += "any begins anew."
    return kept, INTERRUPTED, command


def _places(out: str, words: Sequence[str]) -> list[str]:
    """The folders of the runs that `tune` was asked for, with ``--seeds`` one a seed."""
    seeds = _value(words, "--seeds")
    if seeds is None:
        return [out]
    return [os.path.join(out, f"seed-{seed.strip()}") for seed in seeds.split(",")]


def _value(words: Sequence[str], option: str) -> str | None:
    """What an option was given on a command line."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def _usage(error: click.ClickException) -> str:
    """What click itself shows of an error."""
    text = io.StringIO()
    error.show(text)
    return text.getvalue().rstrip("\n")


def _say(text: str, status: int, command: str = "") -> int:
    note(" ".join(text.split()))
    if command:
        announced(f"  {command}")  # whole at any width, to be copied
    return status


def main() -> None:
    """Entry point of the console script."""
    with streams.ready():
        status = run()
    sys.exit(status)
