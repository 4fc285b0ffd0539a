"""The site's pages of public modules, and what is missing on them; used by build.py.

Which modules are public is what docs/plugins/policy.md says. The code is read, not imported.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).resolve().parents[2]

#: What stands on the page of the package itself; its other names have pages of their own.
FACE = (
    "spotfw.Session",
    "spotfw.recipe.tuned.TunedPrompt",
    "spotfw.recipe.candidates.TransferResult",
    "spotfw.recipe.candidates.Outcome",
)

#: Its functions stand on docs/plugins/hooks.md.
_HOOKS = "spotfw.hookspecs"


@functools.cache
def public_modules() -> tuple[str, ...]:
    """The modules that the policy's page lists as public, in its order."""
    page = (ROOT / "docs/plugins/policy.md").read_text(encoding="utf-8")
    rows = page.partition("<!-- names")[2].partition("<!-- end")[0]
    return tuple(re.findall(r"^\| `(spotfw[\w.]*)` \|", rows, re.MULTILINE))


def page(module: str) -> str:
    """The page of one module, in Markdown for mkdocstrings."""
    if module == "spotfw":
        return _face()
    if module == _HOOKS:
        return _hooks()
    return f"# {module}\n\n::: {module}\n"


def undocumented() -> Iterator[str]:
    """Public names without a docstring, as sentences."""
    for name in (*FACE, *_public()):
        yield from _without_docstring(_thing(name), name)


def not_shown(folder: Path) -> Iterator[str]:
    """Public classes and functions that no page of a folder has a place for, as sentences."""
    pages = (path.read_text(encoding="utf-8") for path in folder.glob("*.html"))
    places = set(re.findall(r'id="(spotfw\.[\w.]+)"', "".join(pages)))
    for name in _public():
        thing = _thing(name)
        target = thing.target_path if thing.is_alias else name
        if (thing.is_class or thing.is_function) and not {name, target} & places:
            yield f"{name} is on no page"


def _face() -> str:
    """The package's page: sessions and their results, and where its other names are described."""
    lines = ["# spotfw", "", _thing("spotfw").docstring.value, "", "| name | described with |"]
    lines.append("|---|---|")
    for name in _names("spotfw"):
        thing = _thing(f"spotfw.{name}")
        target = thing.target_path if thing.is_alias else ""
        home = target if target in public_modules() else target.rpartition(".")[0]
        if home in public_modules() and f"spotfw.{name}" not in FACE:
            lines.append(f"| `{name}` | [{home}]({home}.md) |")
    options = ["    options:", "      show_root_heading: true", "      show_root_toc_entry: true"]
    for part in FACE:
        lines += ["", f"::: {part}", *options]
    return "\n".join([*lines, ""])


def _hooks() -> str:
    """The page of hookspecs: a line for each hook, with its place on the page of all hooks."""
    lines = [f"# {_HOOKS}", "", _thing(_HOOKS).docstring.value, "", "| hook | |", "|---|---|"]
    for name, thing in _thing(_HOOKS).members.items():
        if name.startswith("spotfw_"):
            first = thing.docstring.value.splitlines()[0]
            lines.append(f"| [`{name}`](../docs/plugins/hooks.md#{name}) | {first} |")
    return "\n".join([*lines, ""])


@functools.cache
def _package() -> Any:
    """The package as griffe reads it from the source."""
    return griffe.load("spotfw", search_paths=[str(ROOT)], submodules=True)


def _thing(name: str) -> Any:
    path = name.partition(".")[2]
    return _package()[path] if path else _package()


def _names(module: str) -> list[str]:
    """What a module's `__all__` says."""
    return [str(name) for name in _thing(module).exports]


def _public() -> list[str]:
    modules = [module for module in public_modules() if module != _HOOKS]
    return [f"{module}.{name}" for module in modules for name in _names(module)]


def _without_docstring(thing: Any, name: str) -> Iterator[str]:
    thing = thing.final_target if thing.is_alias else thing
    if thing.is_attribute:  # a type's name or a field: its class says what it is
        return
    if not thing.has_docstring:
        yield f"{name} has no docstring"
    for member in thing.members.values() if thing.is_class else ():
        overrides = any(member.name in base.members for base in thing.mro())
        if not member.name.startswith("_") and not member.is_alias and not overrides:
            yield from _without_docstring(member, f"{name}.{member.name}")
