"""What past transfers foretell: the formula, its limits, and the metric beside a library."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.contracts import SourceTasks
from spotfw.errors import SpotError, WrongUse
from spotfw.library import Library
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.study.rows import Row, Similarity, write_rows, write_similarities
from spotfw.testing import check_similarity_metric
from spotfw_metrics import PastTransfers
from spotfw_metrics.past import Past, cross_validated, foretold, standardized
from spotfw_metrics.past_transfers import MOST, MOST_TARGETS, read_past

SOURCES = ("a", "b", "c", "d")
RNG = np.random.default_rng(0)


def past(scores: Any, alike: Any = None) -> Past:
    table = np.asarray(scores, np.float64)
    return Past(
        targets=tuple(f"t{n}" for n in range(len(table))),
        sources=SOURCES[: table.shape[1]],
        scores=table,
        alike=np.zeros_like(table) if alike is None else np.asarray(alike, np.float64),
    )


def test_rows_are_standardized_each_by_itself() -> None:
    values = standardized(np.array([[1.0, 2.0, 3.0], [7, 7, 7], [5, math.nan, 9]]))
    root = math.sqrt(1.5)
    expected = [[-root, 0, root], [0, 0, 0], [-1, math.nan, 1]]
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_with_no_past_it_is_the_prompt_metric() -> None:
    alike = np.array([0.3, 0.1, 0.2])
    given = foretold(past(np.zeros((0, 3))), SOURCES[:3], alike, 1.0, 0.5)
    np.testing.assert_allclose(given, standardized(alike[None])[0])


def test_alike_targets_count_alike_and_the_mean_is_shrunk() -> None:
    # Nothing is known of how like targets are: r = 0, all weights are exp(-1 / width). The prompt
    # metric was worth nothing: its correlation with the past is 0, an exact one counted in once.
    table = [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    given = foretold(past(table), SOURCES[:3], np.array([0.0, 0.0, 0.0]), 1.0, 0.5)
    weight, root = math.exp(-2), math.sqrt(1.5)
    shrunk = 2 * weight / (2 * weight + 1)
    np.testing.assert_allclose(given, [-root * shrunk, 0, root * shrunk], atol=1e-12)


def test_a_target_that_is_like_this_one_counts_more() -> None:
    alike = [[3.0, 2, 1, 0], [0.0, 1, 2, 3]]
    given = past([[4.0, 3, 2, 1], [1.0, 2, 3, 4]], alike)
    near_first = foretold(given, SOURCES, np.array([3.0, 2, 1, 0]), 1e-9, 0.5)
    near_second = foretold(given, SOURCES, np.array([0.0, 1, 2, 3]), 1e-9, 0.5)
    assert list(np.argsort(-near_first)) == [0, 1, 2, 3]
    assert list(np.argsort(-near_second)) == [3, 2, 1, 0]
    # r is 1 and -1: weights 1 and exp(-4).
    z = standardized(np.array([[4.0, 3, 2, 1]]))[0]
    far = math.exp(-4)
    np.testing.assert_allclose(near_first, z * (1 - far) / (1 + far), atol=1e-6)


def test_many_consistent_transfers_outweigh_the_prompt_metric() -> None:
    scores = np.tile([1.0, 2.0, 3.0, 4.0], (20, 1))
    similar = RNG.standard_normal((20, 4))
    given = foretold(past(scores, similar), SOURCES, np.array([4.0, 3, 2, 1]), 1.0, 0.5)
    assert list(np.argsort(-given)) == [3, 2, 1, 0]


def test_a_metric_that_misled_counts_for_nothing() -> None:
    alike = np.tile([4.0, 3.0, 2.0, 1.0], (9, 1))
    given = past(np.tile([1.0, 2.0, 3.0, 4.0], (9, 1)), alike)
    unknown = foretold(given, ["x", "y"], np.array([5.0, 1.0]), 1.0, 0.5)
    np.testing.assert_allclose(unknown, [0.0, 0.0])


def test_prompts_of_one_task_share_its_past_and_differ_by_similarity() -> None:
    given = foretold(past([[1.0, 2.0, 3.0]]), ["a", "a", None], np.array([0.2, 0.1, 0.3]), 1, 0.5)
    assert given[0] > given[1] and np.isfinite(given).all()


@given(st.integers(0, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_it_is_finite_and_knows_no_order(targets: int, prompts: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, alike = rng.standard_normal((2, targets, 4))
    scores[rng.random(scores.shape) < 0.3] = np.nan
    alike[rng.random(alike.shape) < 0.3] = np.nan
    names = list(rng.choice([*SOURCES, "new"], prompts))
    query = rng.standard_normal(prompts)
    there = foretold(past(scores, alike), names, query, 1.0, 0.5)
    turned = foretold(past(scores, alike), names[::-1], query[::-1], 1.0, 0.5)[::-1]
    assert np.isfinite(there).all()
    np.testing.assert_allclose(there, turned, atol=1e-9)
    # Points and an offset of all of a target's scores change nothing.
    np.testing.assert_allclose(
        there, foretold(past(3 * scores + 50, alike), names, query, 1.0, 0.5), atol=1e-6
    )


def test_each_target_is_foretold_from_the_others_alone() -> None:
    seen: list[tuple[str, ...]] = []

    def foretell(others: Past, sources: Any, alike: Any) -> Any:
        seen.append(others.targets)
        return alike

    scores = [[1.0, 2, 3, 4], [4.0, 3, 2, 1], [1.0, math.nan, math.nan, 2]]
    left_out = cross_validated(past(scores, np.tile([1.0, 2, 3, 4], (3, 1))), foretell)
    assert seen == [("t1", "t2"), ("t0", "t2")], "one with two sources is not judged"
    assert left_out.targets == ("t0", "t1")
    assert left_out.spearman == left_out.base_spearman == (1.0, -1.0)
    assert left_out.regret == (0.0, 3.0)
    assert "each of 2 past targets" in str(left_out)
    assert "too few" in str(cross_validated(past([[1.0, 2.0]]), foretell))


def row(task: str, source: str, score: float, model: str = "m", seed: int = 0) -> Row:
    return Row(kind="transfer", task=task, source=source, score=score, model=model, seed=seed)


def study(folder: Path, rows: list[Row]) -> str:
    write_rows(str(folder), rows)
    pairs = [
        Similarity(
            model="m",
            metric="average_token_cosine",
            **{"task_a": t, "family_a": "", "seed_a": 0, "role_a": "target", "id_a": t},
            **{"task_b": s, "family_b": "", "seed_b": 0, "role_b": "source", "id_b": s},
            similarity=0.1 * n,
        )
        for t in ("t1", "t2")
        for n, s in enumerate("abc")
    ]
    write_similarities(str(folder), pairs)
    return str(folder)


TRIED = [row(t, s, n) for t in ("t1", "t2") for n, s in enumerate("cba")]


def test_a_study_s_rows(tmp_path: Path) -> None:
    place = study(tmp_path, [*TRIED, row("t1", "a", 5.0, seed=1), row("t1", "z", 1.0)])
    read = read_past(place, "average_token_cosine")
    assert (read.targets, read.sources) == (("t1", "t2"), ("a", "b", "c", "z"))
    np.testing.assert_allclose(read.scores[0], [3.5, 1, 0, 1])  # the mean over seeds
    np.testing.assert_allclose(read.alike[1], [0, 0.1, 0.2, math.nan], atol=1e-12)
    assert np.isnan(read.scores[1, 3]) and read.without("t1").targets == ("t2",)
    assert not np.isfinite(read_past(place, "per_token_cosine").alike).any()


def test_rows_that_cannot_be_learned_from(tmp_path: Path) -> None:
    several = study(tmp_path / "several", [*TRIED, row("t1", "a", 1.0, model="other")])
    with pytest.raises(WrongUse, match="models m, other"):
        read_past(several, "average_token_cosine")
    assert read_past(several, "average_token_cosine", "other").sources == ("a",)
    none = study(tmp_path / "none", [Row(kind="baseline", task="t1", score=1.0)])
    with pytest.raises(SpotError, match="no finished transfer"):
        read_past(none, "average_token_cosine")
    with pytest.raises(SpotError):
        read_past(str(tmp_path / "nowhere"), "average_token_cosine")
    nameless = study(tmp_path / "nameless", [*TRIED, Row(kind="transfer", task="t1", score=1.0)])
    assert read_past(nameless, "average_token_cosine").sources == ("a", "b", "c")
    many = study(tmp_path / "many", [row(f"t{n}", "a", 1.0) for n in range(MOST_TARGETS + 1)])
    with pytest.raises(SpotError, match="1 sources to 501 targets"):
        read_past(many, "average_token_cosine")
    with (tmp_path / "none" / "rows.csv").open("wb") as file:
        file.truncate(MOST + 1)
    for place in (none, str(tmp_path / "none" / "rows.csv")):
        with pytest.raises(SpotError, match="more than the"):
            read_past(place, "average_token_cosine")


def library(folder: Path) -> Library:
    made = Library(folder)
    for n, task in enumerate("abc"):
        array = np.full((2, 3), 1.0, np.float32)
        array[:, 0] += n
        made.add(SoftPrompt(array, Provenance(task=task, seed=0, fingerprint="f" * 16)))
    return made


QUERY = SoftPrompt(
    np.array([[3.0, 1, 1], [3, 1, 1]], np.float32), Provenance(task="new", fingerprint="f" * 16)
)


def test_a_library_is_ranked_by_what_its_tasks_did_before(tmp_path: Path) -> None:
    made = library(tmp_path / "library")
    plain = made.rank(QUERY, _average())
    assert [item.task for item in plain] == ["c", "b", "a"]
    metric = PastTransfers(rows=study(tmp_path / "study", TRIED), strength=0.1)
    learned = made.rank(QUERY, metric)
    assert [item.task for item in learned] == ["a", "b", "c"]
    (note,) = learned.notes
    assert "2 past targets" in note and "foretold from the others" in note
    assert note in str(learned.explain()) and note in made.rank(QUERY, metric).notes


def _average() -> Any:
    return Plugins().metric("average_token_cosine")


def test_the_target_s_own_rows_are_left_out(tmp_path: Path) -> None:
    made = library(tmp_path / "library")
    metric = PastTransfers(rows=study(tmp_path / "study", TRIED))
    own = SoftPrompt(QUERY.array, Provenance(task="t1", fingerprint="f" * 16))
    assert "1 past targets" in made.rank(own, metric).notes[0]
    assert "2 past targets" in made.rank(QUERY, metric).notes[0], "for another target they are back"


def test_nothing_is_looked_at_that_is_not_named(tmp_path: Path) -> None:
    with pytest.raises(SpotError, match="past_transfers:rows=DIR"):
        library(tmp_path).rank(QUERY, PastTransfers())


def test_it_is_configured_by_name_and_keeps_its_promises() -> None:
    metric: Any = Plugins().metric("past_transfers:rows=somewhere,strength=2,base=per_token_cosine")
    assert (metric.rows, metric.strength, metric.base) == ("somewhere", 2.0, "per_token_cosine")
    assert isinstance(metric, SourceTasks)
    with pytest.raises(WrongUse):
        PastTransfers(width=0.0)
    check_similarity_metric(PastTransfers())


def test_its_content_is_what_was_tried_wherever_it_lies(tmp_path: Path) -> None:
    def content(name: str, rows: list[Row]) -> dict[str, str]:
        return PastTransfers(rows=study(tmp_path / name, rows)).content()

    tried = content("tried", TRIED)
    assert list(tried) == ["transfers"] and content("moved", TRIED[::-1]) == tried
    assert content("more", [*TRIED, row("t1", "z", 1.0)]) != tried
    assert content("better", [row("t1", "a", 5.0), *TRIED[1:]]) != tried
    assert PastTransfers().content() == PastTransfers(rows=str(tmp_path / "no")).content() == {}
