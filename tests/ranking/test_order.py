"""A ranking is a sequence that prints, slices and tabulates."""

from __future__ import annotations

import random
from typing import Any

import pytest

from spotfw.errors import WrongUse
from spotfw.ranking import Ranked, Ranking, in_order


def ranked(id: str, similarity: float, task: str = "t", **values: Any) -> Ranked:
    return Ranked(rank=0, id=id, similarity=similarity, task=task, **values)


ITEMS = [
    ranked("a", 0.5, "mnli", family="NLI", seed=0),
    ranked("b", 0.9, "mnli", family="NLI", seed=1),
    ranked("c", 0.8, "sst2", family="sentiment", seed=0, score=91.0),
    ranked("d", -0.1, "cola"),
]


def ranking() -> Ranking:
    return Ranking(items=in_order(ITEMS), metric="m", query="cb")


def test_is_a_sequence_in_order() -> None:
    ranked = ranking()
    assert [r.id for r in ranked] == ["b", "c", "a", "d"]
    assert [r.rank for r in ranked] == [1, 2, 3, 4]
    assert len(ranked) == 4
    assert ranked[0].id == "b"
    assert ranked[-1] in ranked
    with pytest.raises(IndexError):
        ranked[4]


def test_slices_keep_ranks_and_stay_rankings() -> None:
    part = ranking()[1:3]
    assert isinstance(part, Ranking)
    assert [r.rank for r in part] == [2, 3]
    assert part.metric == "m"


def test_ties_do_not_depend_on_the_order_given() -> None:
    items = [ranked("x", 0.1 + 0.2, "b", seed=1), ranked("y", 0.3, "b", seed=0)]
    items += [ranked("z", 0.3, "a"), ranked("w", 0.3, "b", seed=1)]
    for seed in range(5):
        random.Random(seed).shuffle(items)
        assert [r.id for r in in_order(items)] == ["z", "y", "w", "x"]


def test_a_similarity_that_is_nan_has_no_place() -> None:
    with pytest.raises(WrongUse, match=r"prompt x \(cb\) is NaN"):
        in_order([*ITEMS, ranked("x", float("nan"), "cb")])


def test_a_score_that_is_nan_does_not_matter_to_the_order() -> None:
    items = [ranked("x", 0.7, score=float("nan")), *ITEMS]
    assert [r.id for r in in_order(items)] == ["b", "c", "x", "a", "d"]


def test_by_task_takes_the_mean_similarity() -> None:
    tasks = ranking().by_task()
    assert [(r.rank, r.task, r.id) for r in tasks] == [
        (1, "sst2", "c"),
        (2, "mnli", "b"),
        (3, "cola", "d"),
    ]
    assert tasks[1].similarity == pytest.approx(0.7)


def test_prints_as_a_table() -> None:
    lines = str(ranking()).splitlines()
    assert lines[0] == "Ranking for cb (m)"
    assert lines[1].split() == ["rank", "similarity", "task", "family", "seed", "id"]
    assert lines[2].split() == ["1", "+0.9000", "mnli", "NLI", "1", "b"]
    assert lines[5].split() == ["4", "-0.1000", "cola", "-", "-", "d"]
    assert repr(ranking()) == str(ranking())


def test_a_name_does_not_act_on_a_terminal() -> None:
    named = Ranking(items=in_order([ranked("a", 0.5, "x\x1b[31m\u202e")]), metric="m", query="cb")
    assert "x\\x1b[31m\\u202e" in str(named) and "\x1b" not in str(named)


def test_an_empty_ranking_says_why() -> None:
    empty = Ranking(items=(), metric="m", left_out={"of another model": 3})
    assert str(empty) == "Ranking (m): no prompt to compare with (3 of another model)"
    assert not empty
    assert list(empty.by_task()) == []


def test_to_pandas() -> None:
    frame = ranking().to_pandas()
    assert list(frame["id"]) == ["b", "c", "a", "d"]
    assert list(frame.columns) == ["rank", "id", "task", "family", "seed", "similarity", "score"]
    assert list(Ranking(items=()).to_pandas().columns) == list(frame.columns)
    assert ranking().rows()[1]["score"] == 91


def test_prompts_have_names_that_tell_them_apart() -> None:
    twin = ranked("0123456789abcdef", 0.1, "mnli", seed=0)
    assert Ranking(items=in_order([*ITEMS, twin])).names() == {
        "a": "mnli (seed 0, a)",
        "b": "mnli (seed 1)",
        "c": "sst2 (seed 0)",
        "d": "cola (seed -)",
        "0123456789abcdef": "mnli (seed 0, 01234567)",
    }
