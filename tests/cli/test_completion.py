"""Names that a shell is given to complete."""

from __future__ import annotations

import pytest

SHELL = "_SPOTFW_COMPLETE"


@pytest.fixture
def completed(monkeypatch, spotfw_cli, spotfw_filled_library, spotfw_plugins, spotfw_task_folder):
    """What bash is offered for the last word of a command line."""
    monkeypatch.setenv("SPOTFW_TASKS", str(spotfw_task_folder))

    def ask(line):
        line = line.format(library=spotfw_filled_library.folder)
        monkeypatch.setenv(SHELL, "bash_complete")
        monkeypatch.setenv("COMP_WORDS", f"spotfw {line}")
        monkeypatch.setenv("COMP_CWORD", str(len(line.split())))
        ran = spotfw_cli()
        assert (ran.status, ran.err) == (0, "")
        return [row.split(",") for row in ran.out.split()]

    return ask


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("transf", ["transfer"]),
        ("tune tiny_r", ["tiny_reviews"]),
        ("transfer tiny_reviews tiny_t", ["tiny_things"]),
        ("tasks show tiny_w", ["tiny_words"]),
        ("library rank x --metric per_", ["per_token_cosine"]),
        ("transfer x --strategy best", ["best_of_top_k"]),
        ("tune x --model t5.1.1.lm100k.xx", ["t5.1.1.lm100k.xxl"]),
    ],
)
def test_names_are_completed(completed, line, names):
    assert completed(line) == [["plain", name] for name in names]


def test_ids_are_those_of_the_library_that_is_named(completed, spotfw_filled_library):
    ids = [entry.id for entry in spotfw_filled_library.entries()]
    start = ids[0][:4]
    expected = [["plain", id] for id in ids if id.startswith(start)]
    assert completed(f"library show --library {{library}} {start}") == expected


def test_a_file_may_stand_where_a_task_may(completed):
    assert completed("tune ./my") == [["file", "./my"]]


def test_a_library_that_is_not_there_completes_nothing(completed):
    assert completed("library show --library nowhere ab") == [["file", "ab"]]


def test_a_plugin_that_fails_gives_no_error(completed, monkeypatch):
    def fail(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr("spotfw.plugins.Plugins.components", fail)
    assert completed("transfer x --strategy best") == []
