"""Why sections are empty: not asked for, or not ended."""

from __future__ import annotations

import pytest

from spotfw.study.grid.declaration import Study
from spotfw.study.report.missing import reasons
from spotfw.study.rows import Row


def study(**keys):
    return Study(name="s", **keys)


def row(kind):
    return Row(kind=kind, task="cb", score=1.0)


@pytest.mark.parametrize(
    ("declared", "kinds", "section", "why"),
    [
        ({"sources": ("a",)}, ["source"], "methods", "the study names no targets"),
        ({"targets": ("b",)}, [], "methods", "no target from scratch has ended yet"),
        ({"targets": ("b",)}, ["baseline"], "selection", "the study names no sources"),
        (
            {"sources": ("a",), "targets": ("b",)},
            ["baseline", "source"],
            "selection",
            "the study asks for no strategies",
        ),
        (
            {"sources": ("a",), "targets": ("b",)},
            ["baseline", "source"],
            "transfers",
            "the study does not ask for oracle = true",
        ),
        (
            {"sources": ("a",), "targets": ("b",), "oracle": True},
            ["baseline", "source"],
            "correlation",
            "no transfer has ended yet",
        ),
        (
            {"sources": ("a",), "targets": ("b",)},
            ["baseline"],
            "rankings",
            "no source prompt has ended yet",
        ),
    ],
)
def test_the_first_thing_that_is_missing_is_named(declared, kinds, section, why):
    assert reasons(study(**declared), [row(kind) for kind in kinds])[section] == why
