"""Builds the site into a folder and checks it: ``make site``.

The repository's own pages (README.md, docs/, the plugins' README.md ...) are laid out as they
are, so that their links hold, beside one page for each public module, made from docstrings.
The code is read, not imported: no TensorFlow is needed here. Every warning is an error.

Usage: python docs/site/build.py [--out FOLDER]   (with requirements/tools.txt installed)
"""

from __future__ import annotations

import argparse
import logging
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from check import faults
from mkdocs.commands.build import build
from mkdocs.config import load_config
from reference import not_shown, page, public_modules, undocumented

ROOT = Path(__file__).resolve().parents[2]

#: Title -> pages; a pattern stands for all that fit it, in order of their names.
NAVIGATION: dict[str, tuple[str, ...]] = {
    "Home": ("README.md",),
    "Guide": (
        "docs/recipe.md",
        "docs/tasks.md",
        "docs/checks.md",
        "docs/paper_tasks.md",
        "docs/use_a_real_t5.md",
        "docs/library.md",
        "docs/study.md",
        "docs/from_t5.md",
        "docs/tpu.md",
        "docs/places.md",
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
        "benchmarks/english/*.md",
        "benchmarks/section2/tables/*.md",
        "benchmarks/tpu/*.md",
        "benchmarks/english/h100/*.md",
        "benchmarks/english/study/tables/*.md",
        "plugins/*/*/model/README.md",
        "plugins/*/*/library/README.md",
    ),
}

_LINK = re.compile(r"\]\(([^)#\s]+)")


def lay_out(folder: Path) -> list[dict[str, list[str]]]:
    """Copies all pages, and the files that they link to, into a folder.

    Returns:
      the site's navigation, as MkDocs takes it.
    """
    for path in sorted({p for patterns in NAVIGATION.values() for p in _pages(ROOT, patterns)}):
        _copy(path, folder)
        for link in _LINK.findall((ROOT / path).read_text(encoding="utf-8")):
            target = (ROOT / path).parent / link
            if target.is_file() and target.suffix != ".md":
                _copy(str(target.resolve().relative_to(ROOT)), folder)
    (folder / "reference").mkdir()
    for module in public_modules():
        (folder / "reference" / f"{module}.md").write_text(page(module), encoding="utf-8")
    shutil.copy(Path(__file__).with_name("site.css"), folder)
    return [{title: _pages(folder, patterns)} for title, patterns in NAVIGATION.items()]


def _pages(root: Path, patterns: tuple[str, ...]) -> list[str]:
    order = {f"reference/{module}.md": n for n, module in enumerate(public_modules())}
    pages: dict[str, None] = {}
    for pattern in patterns:
        fitting = sorted(p.relative_to(root).as_posix() for p in root.glob(pattern))
        pages |= dict.fromkeys(sorted(fitting, key=lambda path: order.get(path, 0)))
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
    links = faults(out, skip=("benchmarks/miniature",))
    problems = [*warnings.messages, *undocumented(), *not_shown(out / "reference"), *links]
    for problem in problems:
        print(f"site: {problem}", file=sys.stderr)
    pages = sum(1 for _ in out.rglob("*.html"))
    seconds = time.monotonic() - began
    print(f"site: {pages} pages in {out}, {len(problems)} problems, {seconds:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
