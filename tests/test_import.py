"""Importing spotfw is quick and loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import spotfw

HEAVY = ("tensorflow", "seqio", "t5", "mesh_tensorflow", "transformers", "torch", "pandas")


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh Python has after `code`."""
    script = f"{code}\nimport sys\nprint(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split("\n")[-2].split())


def test_the_bare_import_loads_nothing_but_itself():
    assert not loaded_by("import spotfw") & {*HEAVY, "numpy", "click", "pluggy", "attrs"}


@pytest.mark.parametrize("name", [n for n in spotfw.__all__ if n != "study"])
def test_public_names_come_without_tensorflow(name):
    assert not loaded_by(f"from spotfw import {name}") & set(HEAVY)


def test_hookimpl_is_pluggys_marker_for_this_project():
    assert spotfw.hookimpl.project_name == "spotfw"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        spotfw.Sesion  # noqa: B018


def test_dir_lists_every_public_name():
    assert set(spotfw.__all__) <= set(dir(spotfw))
