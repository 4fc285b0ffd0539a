"""How the benchmark of retrieval counts steps, replays races, and learns from other targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.retrieval_curve import (
    LINES,
    ORACLE,
    PAPER,
    SCRATCH,
    Judged,
    beside,
    curve_table,
    draw,
    sign_flips,
)
from benchmarks.retrieval_policies import STEPS, noise_race, race
from benchmarks.retrieval_studies import STEP, Course, learned

SOURCES = ("a", "b", "c", "d")


def test_signs_are_turned_in_every_way() -> None:
    # Of eight patterns of 1, 2, 3 only all plus and all minus are as extreme.
    assert sign_flips([1.0, 2.0, 3.0]) == 2 / 8
    # 1 + 2 - 2 = 1: patterns with a sum of at least 1 or at most -1, which are all.
    assert sign_flips([1.0, 2.0, -2.0]) == 1.0
    assert sign_flips([0.0, 0.0]) == 1.0


def judged(**steps: float) -> dict[str, Judged]:
    given = dict(zip(SCRATCH, (200.0, 400.0, 600.0), strict=True))
    return {name: Judged(cost, [cost, cost + 1]) for name, cost in (given | steps).items()}


def test_equal_cost_is_no_more_than_was_paid() -> None:
    among = judged()
    assert [beside(among, n) for n in (100, 200, 399, 400, 599, 600, 9000)] == [
        *[SCRATCH[0]] * 3,
        *[SCRATCH[1]] * 2,
        *[SCRATCH[2]] * 2,
    ]


def test_the_table_and_the_figure(tmp_path: Path) -> None:
    names = {name for names in LINES.values() for name in names} - {*SCRATCH}
    among = judged(**{name: 304.0 for name in names} | {PAPER: 304.0, ORACLE: 4000.0})
    head, *rows = curve_table(among)
    assert len({len(row) for row in (head, *rows)}) == 1
    by_name = {row[0]: row for row in rows}
    assert by_name[ORACLE][-1] == "+100 %" and by_name[PAPER][-1] == "+0 %"
    assert by_name[PAPER][5:7] == ["", ""] and by_name[SCRATCH[1]][3:5] == ["", ""]
    draw(among, tmp_path / "figure.svg")
    first = (tmp_path / "figure.svg").read_bytes()
    draw(among, tmp_path / "figure.svg")
    assert first.startswith(b"<?xml") and (tmp_path / "figure.svg").read_bytes() == first


def course(scores: dict[str, float], examples: int) -> Course:
    """One target, whose runs have the same validation score at each checkpoint."""
    rows = [
        {
            "task": "t",
            "seed": 0,
            "source": name,
            "score": score / 2,
            "selected": score,
            "by_step": dict.fromkeys((24, 48, 104, 152, 200), score),
        }
        for name, score in scores.items()
    ]
    order = pd.Series({name: -float(n) for n, name in enumerate(scores)})
    signals = {"known": lambda target, seed: order, "average tokens": lambda target, seed: order}
    return Course(("t",), pd.DataFrame(rows), pd.DataFrame(), signals, {"t": examples})


def test_a_noise_race_ends_whom_the_scores_tell_apart() -> None:
    apart = course({"a": 50.0, "b": 90.0, "c": 10.0, "d": 12.0}, 250)
    paid = noise_race("known", 4)(apart, "t", 0)
    assert (paid.score, paid.steps) == (45.0, 4 * 24 + 176)
    close = course({"a": 50.0, "b": 52.0, "c": 49.0, "d": 51.0}, 250)
    assert noise_race("known", 4)(close, "t", 0).steps == 4 * STEPS
    halved = race("known", 4, (48, 104))(close, "t", 0)
    assert (halved.score, halved.steps) == (26.0, 4 * 48 + 2 * 56 + 96)
    # Ranking by tokens needs the target's embedding.
    assert noise_race("average tokens", 4)(apart, "t", 0).steps == STEP + 4 * 24 + 176
    assert noise_race("known", 4, 400)(close, "t", 0).steps <= 400
    unknown = course({"a": 1.0, "b": 99.0}, 0)
    assert noise_race("known", 2)(unknown, "t", 0).steps == 2 * STEPS


def transfers() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    cells = [
        {"task": t, "seed": 0, "source": s, "score": rng.normal(), "similarity": rng.normal()}
        for t in ("t1", "t2", "t3")
        for s in SOURCES
    ]
    frame = pd.DataFrame(cells)
    return frame.drop(columns="similarity"), frame.drop(columns="score")


def test_past_transfers_know_nothing_of_the_target_itself() -> None:
    runs, alike = transfers()
    similar = alike.set_index(["task", "source"]).similarity

    def signal(target: str, seed: int) -> pd.Series:
        return similar.loc[target]

    before = learned(runs, alike, signal)("t1", 0)
    other = runs.copy()
    other.loc[other.task == "t1", "score"] *= -100
    pd.testing.assert_series_equal(before, learned(other, alike, signal)("t1", 0))
    assert list(before.index) == list(SOURCES)
    changed = learned(other, alike, signal)("t2", 0)
    assert not np.allclose(changed, learned(runs, alike, signal)("t2", 0))


def test_prompts_of_one_task_share_its_past() -> None:
    runs, alike = transfers()
    tasks = dict(zip(SOURCES, ("x", "x", "y", "z"), strict=True))
    same = pd.Series(dict.fromkeys(SOURCES, 0.5))
    given = learned(runs, alike, lambda target, seed: same, tasks)("t1", 0)
    assert given["a"] == pytest.approx(given["b"]) and given["a"] != given["c"]
