"""Writes the lists of policy.md, of what is public, from the code: ``make docs``."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from spotfw.cli import COMMANDS
from spotfw.hookspecs import __all__ as HOOKS
from spotfw.testing import fixtures

PAGE = Path(__file__).with_name("policy.md")

#: The modules whose `__all__` is public; all of the plugin API is in those marked so.
MODULES = {
    "spotfw": True,
    "spotfw.contracts": True,
    "spotfw.hookspecs": True,
    "spotfw.errors": True,
    "spotfw.tasks": True,
    "spotfw.tasks.mixtures": True,
    "spotfw.tasks.scoring": True,
    "spotfw.prompts": True,
    "spotfw.ranking": True,
    "spotfw.metrics": True,
    "spotfw.config": True,
    "spotfw.testing": True,
    "spotfw.plugins": False,
    "spotfw.library": False,
    "spotfw.ranking.scores": False,
    "spotfw.study": False,
    "spotfw.tasks.tables.source": False,
    "spotfw.tasks.seqio.mixture": False,
}

_TASK = (
    *("name", "family", "type", "labels", "metrics", "splits", "origin", "description", "groups"),
    *("train_examples", "data", "at", "folder", "how_to_get", "columns", "licence", "citation"),
    *("tasks", "rates", "shares"),
)
_ENTRY = (
    *("id", "embedding_id", "length", "width", "task", "family", "labels", "model"),
    *("fingerprint", "seed", "step", "score", "metrics", "settings", "started_from"),
    *("task_digest", "versions", "created", "extra"),
)
_PART = ("name", "description", "settings", "origin")
_PLUGIN = (
    *("name", "distribution", "version", "hooks", "components", "settings", "error", "note"),
)

#: Command -> the keys of the JSON document that it prints with --json, or of each member of the
#: list that it prints.
JSON: dict[str, tuple[str, ...]] = {
    "demo": (
        *("gain", "same_family_first", "seconds", "model", "metric", "seeds", "sources", "rows"),
        "versions",
    ),
    "tune": (
        *("task", "out", "score", "metrics", "best_step", "embedding_step", "best", "embedding"),
        *("id", "history", "seeds", "mean", "std", "failed", "model", "parameters"),
    ),
    "evaluate": ("prompt", "task", "split", "score", "metrics", "examples"),
    "predict": ("input", "output"),
    "transfer": (
        *(
            "target",
            "score",
            "outcomes",
            "ranking",
            "measure",
            "scratch",
            "steps_paid",
            "races",
            "best_prompt",
            "strategy",
            "k",
            "metric",
        ),
    ),
    "study plan": (
        *("study", "folder", "steps", "steps_left", "seconds_left", "workers", "warnings"),
        *("groups", "cells"),
    ),
    "study run": ("folder", "cells", "done", "failed", "seconds"),
    "study resume": ("folder", "cells", "done", "failed", "seconds"),
    "study report": ("page", "cells", "headlines", "tables", "figures", "left_out"),
    "library": _ENTRY,
    "library report": ("page", "prompts", "kinds", "misfits"),
    "library list": _ENTRY,
    "library add": ("id", "path"),
    "library show": (*_ENTRY, "path"),
    "library verify": ("sound", "problems", "leftovers"),
    "library rank": ("rank", "similarity", "id", "task", "family", "seed", "score"),
    "library import": ("source", "id", "task", "path"),
    "library export": ("path", "format", "ids"),
    "library remove": ("removed",),
    "library push": ("library", "page", "ids", "new_files", "prompts", "card"),
    "library pull": ("source", "id", "task", "path"),
    "tasks": _TASK,
    "tasks list": _TASK,
    "tasks show": (*_TASK, "members", "examples", "lengths"),
    "tasks bind": ("task", "folder", "splits"),
    "metrics": _PART,
    "strategies": _PART,
    "runs": ("runs", "differing"),
    "runs compare": ("runs", "differing"),
    "models": ("name", "description", "settings", "origin"),
    "models list": ("name", "description", "settings", "origin"),
    "models show": (
        *("folder", "kind", "step", "fingerprint", "parameters", "dtype", "pieces", "settings"),
        *("encoder_layers", "decoder_layers", "d_model", "d_ff", "num_heads", "d_kv"),
        *("vocabulary_size", "buckets", "rows"),
    ),
    "models adapt": (
        *(
            "task",
            "out",
            "score",
            "metrics",
            "best_step",
            "model",
            "parameters",
            "history",
            "before",
        ),
    ),
    "models convert": ("folder", "kind", "dimensions", "parameters", "fingerprint", "notes"),
    "plugins": _PLUGIN,
    "plugins list": _PLUGIN,
    "plugins show": _PLUGIN,
    "plugins check": ("distribution", "conforms", "components"),
    "doctor": ("ok", "checks"),
}


def lists() -> dict[str, str]:
    """The lists of the page by name."""
    return {
        "names": "\n".join(_names()),
        "fixtures": ", ".join(f"`{name}`" for name in fixture_names()),
        "commands": "\n".join(_commands()),
    }


def page(text: str) -> str:
    """The page with its lists made anew.

    Args:
      text: the page as it is; a list stands between ``<!-- NAME: ... -->`` and
        ``<!-- end of NAME -->``.
    """
    for name, made in lists().items():
        pattern = rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)"
        text, count = re.subn(
            pattern,
            lambda match, made=made: f"{match[1]}\n{made}\n\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
        if count != 1:
            raise ValueError(f"policy.md has the list {name} {count} times")
    return text


def public_names(module: str) -> list[str]:
    """The public names of a module, hooks apart; the module is read, not imported."""
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    (names,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    hooks = HOOKS if module == "spotfw.hookspecs" else ()
    return sorted(
        (name for name in names if name not in hooks or name == "hookimpl"), key=str.lower
    )


def fixture_names() -> list[str]:
    """The fixtures that pytest finds by itself."""
    return [name for name, value in vars(fixtures).items() if _is_fixture(name, value)]


def commands_with_json() -> Iterator[str]:
    """Every built-in command that takes --json."""
    for name, (place, _) in COMMANDS.items():
        module, attribute = place.split(":")
        yield from _with_json(name, getattr(importlib.import_module(module), attribute))


def _with_json(name: str, command: click.Command) -> Iterator[str]:
    if any("--json" in option.opts for option in command.params):
        yield name
    if isinstance(command, click.Group):
        context = click.Context(command, **command.context_settings)
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            if below is not None:
                yield from _with_json(f"{name} {word}", below)


def _is_fixture(name: str, value: object) -> bool:
    return name.startswith("spotfw_") and not inspect.ismodule(value)


def _names() -> Iterator[str]:
    yield "| module | plugin API | names |"
    yield "|---|---|---|"
    for module, plugin_api in MODULES.items():
        names = " ".join(f"`{name}`" for name in public_names(module))
        yield f"| `{module}` | {'yes' if plugin_api else ''} | {names} |"


def _commands() -> Iterator[str]:
    yield "| command | keys |"
    yield "|---|---|"
    for command in commands_with_json():
        keys = ", ".join(f"`{key}`" for key in JSON[command])
        yield f"| `{command}` | {keys} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
