"""Builds the site into a folder and checks it: ``make site``.

The repository's own pages (README.md, docs/, the plugins' README.md ...) are laid out as they
are, so that their links hold, beside one page for each public module, made from docstrings.
The code is read, not imported: no TensorFlow is needed here. Every warning is an error.

Usage: python docs/site/build.py [--out FOLDER]   (with requirements/tools.txt installed)
"""

from __future__ import annotations

import argparse
import functools
import logging
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
from mkdocs.commands.build import build
from mkdocs.config import load_config

sys.path.insert(0, str(Path(__file__).parent))  # for check, wherever this is started from
from check import faults

ROOT = Path(__file__).resolve().parents[2]

#: Public module -> what of it stands on its page, where that is not its whole `__all__`.
REFERENCE: dict[str, tuple[str, ...]] = {
    "spotfw.Session": (
        "spotfw.Session",
        "spotfw.recipe.tuning.TunedPrompt",
        "spotfw.recipe.transfer.TransferResult",
        "spotfw.recipe.transfer.Outcome",
    ),
    "spotfw.tasks": (),
    "spotfw.prompts": (),
    "spotfw.library": (),
    "spotfw.ranking": (),
    "spotfw.ranking.scores": (),
    "spotfw.metrics": (),
    "spotfw.study": (),
    "spotfw.config": (),
    "spotfw.errors": (),
    "spotfw.contracts": (),
    "spotfw.hookspecs": (),
    "spotfw.plugins": (),
    "spotfw.testing": (),
}

#: Title -> pages; a pattern stands for all that fit it, in order of their names.
NAVIGATION: dict[str, tuple[str, ...]] = {
    "Home": ("README.md",),
    "Guide": (
        "docs/recipe.md",
        "docs/tasks.md",
        "docs/paper_tasks.md",
        "docs/library.md",
        "docs/study.md",
        "docs/*.md",
    ),
    "Plugins": (
        "docs/plugins/using.md",
        "docs/plugins/writing.md",
        "docs/plugins/testing.md",
        "docs/plugins/hooks.md",
        "docs/plugins/policy.md",
        "docs/plugins/*.md",
        "plugins/*/README.md",
    ),
    "Reference": ("reference/*.md",),
    "Project": (
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "benchmarks/README.md",
        "benchmarks/*.md",
        "plugins/*/*/model/README.md",
    ),
}

_LINK = re.compile(r"\]\(([^)#\s]+)")


def lay_out(folder: Path) -> list[dict[str, list[str]]]:
    """Copies all pages, and the files that they link to, into a folder.

    Returns:
      the site's navigation, as MkDocs takes it.
    """
    for page in sorted({p for patterns in NAVIGATION.values() for p in _pages(ROOT, patterns)}):
        _copy(page, folder)
        for link in _LINK.findall((ROOT / page).read_text(encoding="utf-8")):
            target = (ROOT / page).parent / link
            if target.is_file() and target.suffix != ".md":
                _copy(str(target.resolve().relative_to(ROOT)), folder)
    (folder / "reference").mkdir()
    for name, parts in REFERENCE.items():
        page = _hooks() if name == "spotfw.hookspecs" else _reference(name, parts)
        (folder / "reference" / f"{name}.md").write_text(page, encoding="utf-8")
    shutil.copy(Path(__file__).with_name("site.css"), folder)
    return [{title: _pages(folder, patterns)} for title, patterns in NAVIGATION.items()]


def _pages(root: Path, patterns: tuple[str, ...]) -> list[str]:
    order = {f"reference/{name}.md": n for n, name in enumerate(REFERENCE)}
    pages: dict[str, None] = {}
    for pattern in patterns:
        fitting = sorted(p.relative_to(root).as_posix() for p in root.glob(pattern))
        pages |= dict.fromkeys(sorted(fitting, key=lambda page: order.get(page, 0)))
    return list(pages)


def _copy(path: str, folder: Path) -> None:
    """Copies one file; with a page of HTML comes the folder that it shows pictures from."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    if path.endswith(".html"):
        pages = shutil.ignore_patterns("*.md")
        shutil.copytree(
            (ROOT / path).parent, (folder / path).parent, ignore=pages, dirs_exist_ok=True
        )
    else:
        shutil.copy(ROOT / path, folder / path)


def _reference(name: str, parts: tuple[str, ...]) -> str:
    lines = [f"# {name}", ""]
    for part in parts or (name,):
        lines += [f"::: {part}"]
        if parts:
            lines += [
                "    options:",
                "      show_root_heading: true",
                "      show_root_toc_entry: true",
            ]
        lines += [""]
    return "\n".join(lines)


def _hooks() -> str:
    """The page of hookspecs: a line for each hook, with its place on the page of all hooks."""
    module = _package()["hookspecs"]
    lines = ["# spotfw.hookspecs", "", module.docstring.value, "", "| hook | |", "|---|---|"]
    for name in (n for n in public_names(_package(), "spotfw.hookspecs") if n[:7] == "spotfw_"):
        first = module[name].docstring.value.splitlines()[0]
        lines.append(f"| [`{name}`](../docs/plugins/hooks.md#{name}) | {first} |")
    return "\n".join([*lines, ""])


@functools.cache
def _package() -> Any:
    """The package as griffe reads it from the source."""
    return griffe.load("spotfw", search_paths=[str(ROOT)], submodules=True)


def undocumented() -> Iterator[str]:
    """Public names without a docstring, as sentences."""
    package = _package()
    for module, parts in REFERENCE.items():
        for name in parts or [f"{module}.{n}" for n in public_names(package, module)]:
            yield from _without_docstring(package[name.removeprefix("spotfw.")], name)


def public_names(package: Any, module: str) -> list[str]:
    """What a module's `__all__` says; without one, its public classes and functions."""
    found = package[module.removeprefix("spotfw.")]
    if found.exports is not None:
        return [str(name) for name in found.exports]
    return [n for n, m in found.members.items() if not n.startswith("_") and not m.is_alias]


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


class Warnings(logging.Handler):
    """Keeps what MkDocs and its plugins warn of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def main() -> int:
    """Builds, checks, and returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    out = parser.parse_args().out.resolve()
    warnings = Warnings()
    logging.getLogger("mkdocs").addHandler(warnings)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        navigation = lay_out(Path(folder))
        config = load_config(
            str(Path(__file__).with_name("mkdocs.yml")),
            docs_dir=folder,
            site_dir=str(out),
            nav=navigation,
            strict=False,  # all warnings are gathered, then they fail the build together
        )
        config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [str(ROOT)]
        build(config)
    problems = [*warnings.messages, *undocumented(), *faults(out, skip=("benchmarks/miniature",))]
    for problem in problems:
        print(f"site: {problem}", file=sys.stderr)
    pages = sum(1 for _ in out.rglob("*.html"))
    seconds = time.monotonic() - began
    print(f"site: {pages} pages in {out}, {len(problems)} problems, {seconds:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
