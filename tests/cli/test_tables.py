"""Tables in a terminal: what is never broken, what wraps, and where a table is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from spotfw.cli.tables import layout
from spotfw.recipe.progress.wrapping import wrap

ID = "0123456789abcdef"


def texts(*arguments, **keywords):
    return [text for _, text in layout(*arguments, **keywords)]


def test_what_fits_stands_side_by_side():
    lines = layout(["name", "n"], [["a_task", "1,200"], ["b", "7"]], 80, right={1})
    assert lines == [(True, "name        n"), (False, "a_task  1,200"), (False, "b           7")]


def test_names_wrap_behind_their_marks_and_numbers_do_not():
    rows = [["super_glue_boolq_v102", "262,144", "71.25 ± 10.50"]]
    assert texts(["task", "steps", "score"], rows, 36) == [
        "task          steps    score",
        "super_glue_   262,144  71.25 ± 10.50",
        "boolq_v102",
    ]


def test_an_id_stays_whole_and_what_does_not_fit_stands_below_with_the_first_column():
    rows = [[ID, "a task", ID[::-1], "12"]]
    lines = texts(["id", "task", "embedding", "n"], rows, 40, whole={0, 2})
    assert lines == [
        "id                task",
        f"{ID}  a task",
        "",
        "id                embedding         n",
        f"{ID}  {ID[::-1]}  12",
    ]


def test_headings_that_say_nothing_take_no_line():
    assert texts(["", ""], [["name", "x"]], 80) == ["name  x"]


def test_wide_characters_take_two_columns():
    assert texts(["", "n"], [["情感", "1"], ["ab", "2"]], 80)[1:] == ["情感  1", "ab    2"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ab cd e", ["ab cd", "e"]),
        ("   ab cd", ["   ab", "   cd"]),
        ("abcdefgh", ["abcde", "fgh"]),
        ("ab_cdef", ["ab_", "cdef"]),
        ("x `a b`", ["x", "`a b`"]),
        ("", [""]),
        ("a\n\nb", ["a", "", "b"]),
    ],
)
def test_text_is_broken_between_words_else_behind_marks(text, lines):
    assert wrap(text, 5) == lines


def test_a_command_that_is_too_long_is_broken_between_its_words():
    text = "see `spotfw predict runs/a.b --task mine.toml`."
    assert wrap(text, 24) == ["see `spotfw predict", "runs/a.b --task", "mine.toml`."]


def test_settings_are_broken_behind_commas_and_numbers_nowhere():
    text = "[:base=average_token_cosine,strength=1.0,width=0.95]"
    assert wrap(text, 30) == ["[:base=average_token_cosine,", "strength=1.0,width=0.95]"]
    assert wrap("mean=0.95_x", 10) == ["mean=0.95_", "x"]


@given(
    st.lists(st.tuples(st.text("ab_ 界", max_size=40), st.integers(0, 10**9)), min_size=1),
    st.integers(30, 120),
)
def test_no_line_is_too_long_and_no_number_is_broken(cells, width):
    rows = [[name, f"{number:,}"] for name, number in cells]
    lines = texts(["name", "number"], rows, width)
    assert all(cell_len(line) <= width for line in lines)
    for _, number in rows:
        assert any(line.endswith(number) for line in lines)
    letters = sum(len(name.replace(" ", "")) for name, _ in rows)
    # Nothing is cut: all letters of all names are there.
    assert sum(c in "ab_界" for line in lines[1:] for c in line) == letters
