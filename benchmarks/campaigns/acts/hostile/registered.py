"""Plugins that are registered for a case, and those that should be none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from benchmarks.campaigns.acts.hostile.objects import Bad, Prying, Unequal, endless
from benchmarks.campaigns.verdict import Act


def acts() -> Iterator[Act]:
    """Something registered as a plugin, whatever it is."""
    for name in OBJECTS:
        yield f"plugin is {name}", lambda n=name: _registered(n)


def plugins_alone() -> Any:
    """The built-in parts and nothing that is installed."""
    from spotfw.plugins import Plugins

    return Plugins(environ={}, entry_points=False)


def plugin_with(hook: str, function: Callable[..., Any]) -> Any:
    """A plugin of one hook, which hands on what it is given by name."""
    import spotfw

    arguments = {
        "spotfw_run_started": "run",
        "spotfw_checkpoint_saved": "run, step, scores",
        "spotfw_run_finished": "run, scores",
        "spotfw_run_failed": "run, error",
    }.get(hook, "")
    words = ", ".join(f"{a.strip()}={a.strip()}" for a in arguments.split(",") if a)
    scope: dict[str, Any] = {"function": function}
    exec(f"def {hook}({arguments}): return function({words})", scope)
    return SimpleNamespace(**{hook: spotfw.hookimpl(scope[hook])})


class _Meta(type):
    def __getattr__(cls, name: str) -> Any:
        raise Bad(name)


#: What may be registered as a plugin.
OBJECTS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "number": lambda: 7,
    "class": lambda: Prying,
    "prying": lambda: Prying(),
    "unequal": lambda: Unequal(),
    "api number": lambda: SimpleNamespace(spotfw_api=3),
    "api text": lambda: SimpleNamespace(spotfw_api="\x1b[31m"),
    "api unequal": lambda: SimpleNamespace(spotfw_api=Unequal()),
    "function": lambda: endless,
    "text": lambda: "text",
    "module": lambda: json,
    "meta": lambda: _Meta("Strange", (), {}),
}


def _registered(name: str) -> str | None:
    plugins = plugins_alone()
    plugins.register(OBJECTS[name](), "hostile")
    plugins.get("metric", "per_token_cosine")
    plugins.describe()
    return None
