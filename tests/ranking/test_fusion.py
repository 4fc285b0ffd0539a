"""Reciprocal rank fusion, and what a ranking says of itself."""

from __future__ import annotations

import attrs
import pytest

from spotfw.errors import WrongUse
from spotfw.ranking import Ranked, Ranking, in_order
from spotfw.ranking.fusion import fuse


def ranking(metric: str, order: str, **values: float) -> Ranking:
    items = [Ranked(rank=0, id=id, task=id.upper(), similarity=-n) for n, id in enumerate(order)]
    return Ranking(items=in_order(items), metric=metric, query="q", **values)  # type: ignore[arg-type]


def test_by_hand() -> None:
    both = fuse([ranking("x", "abc"), ranking("y", "cab", passes=5)], constant=1)
    sums = {item.id: item.similarity for item in both}
    assert sums == pytest.approx({"a": 1 / 2 + 1 / 3, "b": 1 / 3 + 1 / 4, "c": 1 / 4 + 1 / 2})
    assert [item.id for item in both] == ["a", "c", "b"]
    assert (both.metric, both.query, both.passes) == ("x+y", "q", 5)
    assert [r.metric for r in both.signals] == ["x", "y"]


def test_one_alone_keeps_its_order() -> None:
    assert [item.id for item in fuse([ranking("x", "dbca")])] == list("dbca")


def test_equals_stay_in_a_fixed_order() -> None:
    assert [item.id for item in fuse([ranking("x", "ba"), ranking("y", "ab")])] == ["a", "b"]


def test_a_source_that_one_does_not_have() -> None:
    both = fuse([ranking("x", "ab"), ranking("y", "b")], constant=0)
    assert {item.id: item.similarity for item in both} == {"a": 1.0, "b": 1.5}


@pytest.mark.parametrize(("rankings", "constant"), [([], 60), ([ranking("x", "a")], -1)])
def test_what_cannot_be_fused(rankings: list[Ranking], constant: float) -> None:
    with pytest.raises(WrongUse, match="one or more"):
        fuse(rankings, constant)


def test_an_explanation() -> None:
    both = fuse([ranking("x", "abc"), ranking("y", "cab", passes=5)])
    (first, *rest) = both.explain(ranking("z", "ac", passes=2))
    assert first.id == "a" and len(rest) == 2
    assert first.signals == {"x": 0, "y": -1, "z": 0}
    assert first.places == {"x": 1, "y": 2, "z": 1}
    assert first.reason == "1st of 3 by x; 2nd of 3 by y"
    assert first.passes == 7
    assert rest[1].places == {"x": 2, "y": 3}
    assert fuse([ranking("x", "a"), ranking("y", "a")]).explain()[0].reason == "1st of 1 by x, y"
    rows = both.explain().rows()
    assert rows[0]["x:place"] == 1 and rows[0]["tuning_passes"] is None
    text = str(both[:1].explain())
    assert text.splitlines()[0] == "Ranking for q (x+y)"
    assert len(text.splitlines()) == 3


def test_a_ranking_by_one_metric_explains_itself() -> None:
    (only, _) = ranking("x", "ab").explain()
    assert (only.reason, only.signals) == ("1st of 2 by x", {"x": 0})


def test_values_that_are_no_similarity_are_named_so() -> None:
    loss = attrs.evolve(ranking("x", "ab"), measure="minus loss")
    assert str(loss).splitlines()[1].split("  ")[1] == "minus loss"
    assert "<th>minus loss</th>" in loss._repr_html_()
    both = fuse([loss, ranking("y", "ab")])
    assert str(both).splitlines()[1].split()[1] == "fused"
    headings, _ = both.explain().table()
    assert headings[3:5] == ["x (minus loss)", "y"]


def test_an_empty_one() -> None:
    assert len(ranking("x", "").explain()) == 0
    assert str(ranking("x", "").explain()).startswith("Ranking")
