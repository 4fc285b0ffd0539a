"""The plugins of this repository stand alone: each is tested where only wheels are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import ROOT

#: Packages of the repository that no wheel holds.
REPOSITORY_ONLY = {"benchmarks", "docs", "requirements", "tests"}
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))


def imports(source: str) -> Iterator[str]:
    """The topmost package of each absolute import, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_nothing_that_no_wheel_holds(plugin: Path) -> None:
    files = list(plugin.rglob("*.py"))
    assert any("tests" in path.parts for path in files)
    wrong = [path for path in files if REPOSITORY_ONLY & {*imports(path.read_text("utf-8"))}]
    assert wrong == []


def test_imports_inside_functions_count() -> None:
    source = "import os.path\ndef f():\n    from benchmarks.a import b\n    from . import c"
    assert [*imports(source)] == ["os", "benchmarks"]
