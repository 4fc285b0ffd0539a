"""Writes hooks.md from the docstrings of spotfw.hookspecs: ``make docs``."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from spotfw import API_VERSION, hookspecs
from spotfw.plugins.fitness import HOOKS

PAGE = Path(__file__).with_name("hooks.md")

#: What each hook's docstring says, in this order.
SECTIONS = ("Returns", "Called", "Process", "Example")

_TOP = f"""# Hooks

<!-- Made by `make docs` from spotfw/hookspecs.py. Change it there. -->

Version {API_VERSION} of the plugin API; [policy.md](policy.md) says what may change. A plugin is
a module, or an object, with functions of these names marked `@spotfw.hookimpl`; its
distribution names it under the entry-point group `spotfw`. An implementation may take fewer
arguments than are shown, and only those: an argument with a default is never filled.

Hooks that give components are called when a component of their kind is first needed. Lifecycle
hooks are called when something happens. If a hook raises, that is reported once with the plugin's
name, distribution and version, and everything else goes on; with `--strict-plugins` it is fatal.
"""


def page() -> str:
    """The whole page."""
    parts = {name: read(name) for name in HOOKS}
    index = [f"| [`{name}`](#{name}) | {part['']} |" for name, part in parts.items()]
    table = "\n".join(["| hook | |", "|---|---|", *index])
    return "\n".join([_TOP, table, *(_section(name, part) for name, part in parts.items())])


def read(hook: str) -> dict[str, str]:
    """A hook's docstring by section; the first sentence under the empty name."""
    text = inspect.getdoc(getattr(hookspecs, hook)) or ""
    pieces = re.split(rf"^({'|'.join(SECTIONS)})::?[ \n]", text, flags=re.MULTILINE)
    return {"": pieces[0].strip()} | {
        name: body.strip("\n") for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def example(hook: str) -> str:
    """The example's code."""
    return inspect.cleandoc(read(hook)["Example"])


def _section(hook: str, part: dict[str, str]) -> str:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    facts = [f"- **{name}:** {' '.join(part[name].split())}" for name in SECTIONS[:-1]]
    code = example(hook)
    head = [f"\n## {hook}\n", f"`{hook}({arguments})`\n", f"{part['']}\n"]
    return "\n".join([*head, *facts, "", "```python", code, "```"])


if __name__ == "__main__":
    PAGE.write_text(page() + "\n")
