"""The fixtures that plugins' tests get, and what pytest's start costs."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import spotfw
from spotfw.plugins.builtin.metrics import PerTokenCosine
from spotfw.testing import fill_library, write_tiny_model
from spotfw.testing.tiny_model import FINGERPRINT, WIDTH


def test_pytest_starts_without_tensorflow(tmp_path):
    script = (
        "import sys, pytest\n"
        "pytest.main(['-q', '.'])\n"
        "assert 'spotfw.testing.fixtures' in sys.modules\n"
        "print([m for m in ('tensorflow', 'seqio', 't5', 'numpy', 'pandas') if m in sys.modules])"
    )
    # In a folder of its own: this repository's settings and tests are not meant.
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_three_tasks(spotfw_tiny_tasks, spotfw_task_folder):
    assert [t.name for t in spotfw_tiny_tasks] == ["tiny_reviews", "tiny_words", "tiny_things"]
    assert [t.family for t in spotfw_tiny_tasks] == ["sentiment", "sentiment", "reading"]
    assert spotfw_tiny_tasks[2].labels == ()
    assert (spotfw_task_folder / "tiny_words.toml").is_file()


def test_a_filled_library_ranks_by_family(spotfw_filled_library, spotfw_tiny_tasks):
    entries = spotfw_filled_library.entries()
    assert len(entries) == 6
    assert spotfw_filled_library.verify() == []
    first = spotfw_filled_library.entries(task="tiny_reviews")[0]
    query = spotfw_filled_library.embedding(first.id)
    ranking = spotfw_filled_library.rank(query, PerTokenCosine(), exclude_ids=[first.id])
    assert ranking[0].task == "tiny_reviews"
    assert {item.family for item in ranking[:3]} == {"sentiment"}
    assert ranking.left_out == {"excluded": 1}


def test_filling_twice_gives_the_same(tmp_path, spotfw_tiny_tasks):
    first, second = (fill_library(tmp_path / name, spotfw_tiny_tasks, seeds=1) for name in "ab")
    assert [e.id for e in first.entries()] == [e.id for e in second.entries()]


def test_plugins_are_built_ins_alone(spotfw_plugins, spotfw_cli):
    import spotfw.plugins

    assert spotfw.plugins.default_plugins() is spotfw_plugins
    assert {row["distribution"] for row in spotfw_plugins.describe()} == {"spotfw"}


class Zeros:
    name = "zeros_of_a_test"

    def __call__(self, context, rng):
        return np.zeros((context.length, context.embeddings.shape[1]), np.float32)


@pytest.mark.mesh
def test_the_command_line_and_sessions_see_the_isolated_plugins(
    spotfw_plugins, spotfw_cli, tmp_path
):
    part = SimpleNamespace(spotfw_prompt_initializers=spotfw.hookimpl(lambda: [Zeros()]))
    spotfw_plugins.register(part, "mine", distribution="spotfw-mine")
    rows = json.loads(spotfw_cli("plugins", "list", "--json").out)
    assert {row["distribution"] for row in rows} == {"spotfw", "spotfw-mine"}
    # `doctor` and a study's plan name `default_plugins` when they are imported.
    checks = json.loads(spotfw_cli("doctor", "--quick", "--json").out)["checks"]
    (listed,) = [check["found"] for check in checks if check["name"] == "plugins"]
    assert listed.startswith("spotfw-mine") and "playground" not in listed
    assert spotfw.Session(str(tmp_path)).plugins is spotfw_plugins
    ran = spotfw_cli("tune", "film_reviews", "--model", tmp_path, "--out", tmp_path / "run")
    assert ran.status == 2 and "no task named 'film_reviews'" in ran.err
    (tmp_path / "study.toml").write_text('sources = ["film_reviews"]\n')
    ran = spotfw_cli("study", "plan", tmp_path / "study.toml")
    assert ran.status == 2 and "no task named 'film_reviews'" in ran.err


@pytest.mark.slow
def test_the_tiny_model_is_the_same_everywhere(spotfw_opened_model, tmp_path):
    assert (spotfw_opened_model.fingerprint, spotfw_opened_model.width) == (FINGERPRINT, WIDTH)
    from spotfw.backends.mesh.folders.checkpoint import fingerprint

    assert fingerprint(str(write_tiny_model(tmp_path / "again"))) == FINGERPRINT


@pytest.mark.slow
def test_the_library_fits_the_model(spotfw_opened_model, spotfw_filled_library):
    entry = spotfw_filled_library.entries()[0]
    start = np.zeros((entry.length, spotfw_opened_model.width), np.float32)
    assert spotfw_filled_library.rank(start, PerTokenCosine(), spotfw_opened_model.fingerprint)
