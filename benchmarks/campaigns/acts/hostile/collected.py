"""Hooks that collect parts and are given something else, or nothing."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from benchmarks.campaigns.acts.hostile.objects import (
    Bad,
    Prying,
    Unequal,
    endless,
    part_named,
    printing,
    raising,
)
from benchmarks.campaigns.acts.hostile.registered import plugin_with, plugins_alone
from benchmarks.campaigns.verdict import Act

_HOOKS = {
    "spotfw_similarity_metrics": "metric",
    "spotfw_selection_strategies": "strategy",
    "spotfw_prompt_initializers": "initializer",
    "spotfw_task_sources": "task source",
    "spotfw_backends": "backend",
    "spotfw_models": "model",
    "spotfw_commands": "command",
}


def acts() -> Iterator[Act]:
    """Each hook with each of what it may do."""
    for hook in _HOOKS:
        for name in GIVES:
            yield f"{hook} {name}", lambda h=hook, n=name: _collected(h, n)


def _late_error() -> Iterator[Any]:
    yield SimpleNamespace(name="first")
    raise Bad("late")


#: What a hook that collects parts may do instead.
GIVES: dict[str, Callable[..., Any]] = {
    "nothing": lambda: [],
    "raises": raising(ValueError("hostile")),
    "raises base": raising(Bad("hostile")),
    "exits": raising(SystemExit(3)),
    "stops": raising(StopIteration()),
    "generator exit": raising(GeneratorExit()),
    "raises with escapes": raising(ValueError("\x1b[31mred\x07")),
    "recursion": lambda: GIVES["recursion"](),
    "endless": endless,
    "late error": _late_error,
    "none": lambda: None,
    "number": lambda: 7,
    "text": lambda: "average_token_cosine",
    "bytes": lambda: b"abc",
    "dict": lambda: {"name": 1},
    "none in list": lambda: [None],
    "class in list": lambda: [dict],
    "unequal": lambda: [Unequal()],
    "unequal itself": lambda: Unequal(),
    "prying": lambda: [Prying()],
    "prying itself": lambda: Prying(),
    "name none": lambda: [SimpleNamespace(name=None)],
    "name number": lambda: [SimpleNamespace(name=3)],
    "name escapes": lambda: [part_named("\x1b[31mred")],
    "name long": lambda: [part_named("x" * 100_000)],
    "name blank": lambda: [part_named("")],
    "name newline": lambda: [part_named("a\nb")],
    "name surrogate": lambda: [part_named("\udc80")],
    "name raises": lambda: [_NameRaises()],
    "text subclass": lambda: [part_named(_Text("odd"))],
    "printing": printing([]),
    "many": lambda: [part_named(f"p{n}") for n in range(3000)],
    "twice": lambda: [part_named("same"), part_named("same")],
    "of another": lambda: [
        part_named("per_token_cosine"),
        part_named("mesh"),
        part_named("sampled_vocab"),
    ],
    "itself in itself": lambda: _looped(),
}


class _Text(str):
    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("hostile")

    __hash__ = str.__hash__


class _NameRaises:
    @property
    def name(self) -> str:
        raise Bad("name")


def _looped() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def _collected(hook: str, name: str) -> str | None:
    from spotfw.cli import run
    from spotfw.plugins import use_plugins

    plugins = plugins_alone()
    plugins.register(plugin_with(hook, GIVES[name]), "hostile")
    kind = _HOOKS[hook]
    before = {"metric": "per_token_cosine", "initializer": "sampled_vocab", "backend": "mesh"}
    known = before.get(kind)
    if known is not None and name != "of another":
        plugins.get(kind, known)
    plugins.names(kind)
    plugins.tasks()
    json.dumps(plugins.describe(), default=str)
    for failure in plugins.failures:
        if "\x1b" in failure.error:
            return "a failure with control characters"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), use_plugins(plugins):
        run(["plugins", "list", "--json"])
    try:
        json.loads(out.getvalue())
    except ValueError:
        return "the JSON document of `plugins list` is none"
    return None
