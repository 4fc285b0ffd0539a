"""What errors suggest, and what is said only once."""

from __future__ import annotations

import threading

import pytest

from spotfw.errors import Once, UnknownName, did_you_mean


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("cosin", ["cosine", "dot"], " Did you mean 'cosine'?"),
        ("SUPERGLUE", ["SuperGLUE"], " Did you mean 'SuperGLUE'?"),
        (
            "mnli",
            ["a_long_name_that_has_mnli_in_it"],
            " Did you mean 'a_long_name_that_has_mnli_in_it'?",
        ),
        ("film", ["films", "flm"], " Did you mean 'films' or 'flm'?"),
        ("zzz", ["cosine"], ""),
        ("x", ["a_long_name_with_x"], ""),
        ("anything", [], ""),
    ],
)
def test_close_names_are_suggested(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint


def test_no_more_names_than_asked_for() -> None:
    known = [f"task_{number}" for number in range(9)]
    assert did_you_mean("task", known).count(" or ") == 2
    assert " or " not in did_you_mean("task", known, most=1)


def test_an_unknown_name_says_which_are_known() -> None:
    error = UnknownName("metric", "cosin", (name for name in ("dot", "cosine")))
    assert (
        str(error) == "There is no metric named 'cosin'. Did you mean 'cosine'? Known: cosine, dot."
    )
    assert (error.kind, error.name) == ("metric", "cosin")
    assert "Known: none." in str(UnknownName("model", "x", []))
    assert "n19 and 5 more." in str(UnknownName("model", "x", [f"n{i:02}" for i in range(25)]))


def test_each_key_is_new_once() -> None:
    once = Once()
    assert once.first("a")
    assert not once.first("a")
    assert once.first("a", "b")  # one of them is new
    assert not once.first("b", "a")
    once.forget("a")
    assert once.first("a") and not once.first("b")
    once.forget()
    assert once.first("b")


def test_of_many_threads_one_is_first() -> None:
    once, ready, firsts = Once(), threading.Barrier(8), []

    def ask() -> None:
        ready.wait()
        firsts.extend(number for number in range(200) if once.first(number))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(firsts) == list(range(200))
