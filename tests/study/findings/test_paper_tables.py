"""The tables from rows: the paper's own numbers, and what partly finished studies say."""

from __future__ import annotations

import csv
import io
import math

import pytest

from spotfw.study.findings.ablations import by_task
from spotfw.study.findings.paper_tables import table1, table3, table4, table5
from spotfw.study.findings.tables import Cell, Table
from spotfw.study.grid.declaration import read_study
from spotfw.study.rows import Row, read_rows
from tests.paper import figures
from tests.places import ROOT


def paper_rows() -> list[Row]:
    """Table 4's means as rows of one seed."""
    rows = []
    for (name, task), score in figures.scores().items():
        source = None if name == "Baseline" else name
        kind = "transfer" if source else "baseline"
        rows.append(Row(kind=kind, task=task, source=source, score=score))
    return rows


def test_table_four_gives_table_five() -> None:
    printed = figures.error_reductions()
    table = table5(paper_rows())
    computed = {(str(row[0].value), str(row[1].value)): row[4].value for row in table.rows}
    assert len(printed) == 30
    assert set(computed) == set(printed)
    for pair, value in printed.items():
        assert computed[pair] == pytest.approx(value, abs=0.1), pair
    values = [row[4].value for row in table.rows]
    assert values == sorted(values, reverse=True)
    assert "30 of 160" in table.notes[0]


def test_table_three_states_the_average_from_scratch_of_table_four() -> None:
    printed = {row["method"]: row for row in figures.rows(3)}
    table = table3(paper_rows())
    scratch, oracle = table.rows
    assert scratch[0].value == "from scratch"
    assert scratch[-1].value == pytest.approx(float(printed["baseline"]["score"]), abs=0.05)
    # Means over three prompts hide the best of 48, but not how the two changes relate:
    # the mean of relative error reductions, not the reduction of the mean error.
    absolute, relative = oracle[3].value, oracle[4].value
    assert isinstance(absolute, float) and isinstance(relative, float)
    stated = printed["oracle"]
    ratio = float(stated["relative_change"]) / float(stated["change"])
    assert relative / absolute == pytest.approx(ratio, rel=0.01)


def test_table_four_comes_back() -> None:
    table = table4(paper_rows())
    assert len(table.rows) == 17 and len(table.columns) == 11
    for row, line in zip(table.rows, figures.rows(4), strict=True):
        for column, cell in zip(table.columns[1:], row[1:], strict=True):
            assert cell.value == float(line[column])
    best = {
        (row[0].value, column)
        for row in table.rows
        for column, cell in zip(table.columns, row, strict=True)
        if cell.mark == "best"
    }
    assert ("MNLI", "CB") in best and ("ReCoRD", "WSC") in best
    scratch = table.rows[0]
    assert {cell.mark for cell in scratch} == {""}
    hellaswag = next(row for row in table.rows if row[0].value == "HellaSWAG")
    assert hellaswag[1].mark == ""  # 32.7 on CoLA, far below 52.9


def small() -> list[Row]:
    """Two targets, two seeds, two sources, one strategy."""
    rows = []
    for seed in (0, 1):
        for task, scratch in (("a", 50.0), ("b", 80.0)):
            rows.append(Row(kind="baseline", task=task, seed=seed, score=scratch + seed))
            for source, gain in (("x", 10.0), ("y", 5.0)):
                rows.append(
                    Row(
                        kind="transfer",
                        task=task,
                        source=source,
                        source_seed=0,
                        seed=seed,
                        score=scratch + seed + gain,
                    )
                )
            rows.append(
                Row(
                    kind="strategy",
                    strategy="best_of_top_k",
                    metric="m",
                    k=1,
                    task=task,
                    seed=seed,
                    score=scratch + seed + 5,
                )
            )
    return rows


def test_changes_by_hand() -> None:
    table = table3(small())
    scratch, oracle, strategy = table.rows
    assert scratch[-1].text == "65.5 ± 0.5"
    assert oracle[2].value == 2
    assert oracle[3].value == pytest.approx(10)
    # 10 of the 49.5 and of the 19.5 points that are left from scratch in the mean.
    assert oracle[4].value == pytest.approx((1000 / 49.5 + 1000 / 19.5) / 2)
    assert [cell.value for cell in strategy[:3]] == ["best of top k", "m", 1]
    assert strategy[3].text == "+5.0 ± 0.0"
    assert strategy[5].mark == "best" and oracle[5].mark == ""
    assert table.notes[1:] == ()


def test_failed_and_senseless_scores_count_nowhere() -> None:
    rows = small()
    more = [
        Row(kind="transfer", task="a", source="z", seed=0, score=100, error="died"),
        Row(kind="transfer", task="a", source="z", seed=0, score=math.nan),
        Row(kind="transfer", task="a", source="z", seed=0),
    ]
    assert table3(rows + more) == table3(rows)
    assert table5(rows + more) == table5(rows)


def test_a_missing_cell_leaves_out_its_seed_and_says_so() -> None:
    rows = [r for r in small() if not (r.kind == "strategy" and r.task == "b" and r.seed == 1)]
    table = table3(rows)
    assert table.rows[2][5].value == pytest.approx(70)  # seed 0: (55 + 85) / 2
    assert any(
        "best of top k, m, k = 1" in note and "seeds 0 of 0, 1" in note for note in table.notes
    )


def test_a_missing_baseline_leaves_out_its_seed_and_says_so() -> None:
    rows = [r for r in small() if not (r.kind == "baseline" and r.seed == 1)]
    table = table3(rows)
    assert table.rows[2][5].value == pytest.approx(70)  # seed 0: (55 + 85) / 2
    for name in ("oracle, k = 2", "best of top k, m, k = 1"):
        assert any(name in note and "seeds 0 of 0, 1" in note for note in table.notes)


def test_a_baseline_without_error() -> None:
    rows = [
        Row(kind="baseline", task="a", score=100.0),
        Row(kind="transfer", task="a", source="x", score=99.0),
    ]
    table = table3(rows)
    assert table.rows[1][3].value == pytest.approx(-1)
    assert table.rows[1][4].text == "-"
    assert "no error is left" in table.notes[-1]
    assert table5(rows).rows == ()


def test_a_score_below_zero_is_a_score() -> None:
    rows = [
        Row(kind="baseline", task="cola", score=-4.0),
        Row(kind="transfer", task="cola", source="mnli", score=22.0),
    ]
    (line,) = table5(rows).rows
    assert line[-1].value == pytest.approx(25)


def test_benchmarks_and_generic_sources() -> None:
    rows = [
        *small(),
        *(
            Row(kind="generic", source="all", task=task, seed=seed, score=90.0 + seed)
            for task in "ab"
            for seed in (0, 1)
        ),
    ]
    table = table1(rows, {"first": ["a"], "both": ["a", "b"]})
    assert table.columns == ("method", "metric", "k", "first", "both")
    cells = {str(row[0].value): row for row in table.rows}
    assert list(cells)[:2] == ["from scratch", "SPoT all"]
    assert cells["from scratch"][3].text == "50.5 ± 0.5"
    assert cells["SPoT all"][4].text == "90.5 ± 0.5" and cells["SPoT all"][4].mark == "best"
    assert table1(rows).columns == ("method", "metric", "k", "average")


def test_rows_without_longer_tuning_stand_below_their_method() -> None:
    def rows_of(kind: str, steps: int, score: float, source: str | None = None) -> list[Row]:
        scores = {"accuracy_matched": score, "accuracy_mismatched": score - 2}
        return [
            Row(kind=kind, source=source, task=task, seed=seed, steps=steps, **more)  # type: ignore[arg-type]
            for seed in (0, 1)
            for task, more in (
                ("cola", {"score": score, "scores": {"matthews_corrcoef": score}}),
                ("mnli", {"score": score - 1, "scores": scores}),
            )
        ]

    rows = [
        *rows_of("baseline", 160, 60.0),
        *rows_of("baseline ablation", 20, 50.0),
        *rows_of("generic", 160, 80.0, "GLUE"),
        *rows_of("generic", 160, 70.0, "C4"),
        *rows_of("generic ablation", 20, 75.0, "GLUE"),
    ]
    titles = [
        *("from scratch", "from scratch, 20 steps"),
        *("SPoT GLUE", "SPoT GLUE, 20 steps", "SPoT C4"),
    ]
    table = table1(rows, {"GLUE": ["cola", "mnli"]})
    assert [row[0].value for row in table.rows] == titles
    assert [row[3].value for row in table.rows] == [59.5, 49.5, 79.5, 74.5, 69.5]
    tasks = by_task(rows, ["cola", "mnli"])
    assert tasks.columns == (
        *("method", "cola", "mnli accuracy_matched", "mnli accuracy_mismatched"),
    )
    assert {str(r[0].value): [c.value for c in r[1:]] for r in tasks.rows} == {
        title: [score, score, score - 2]
        for title, score in zip(titles, (60.0, 50.0, 80.0, 75.0, 70.0), strict=True)
    }
    # The paper's tables of section 3 know nothing of them.
    assert table3(rows).rows[0][-1].value == 59.5


def test_the_committed_rows_of_section_2_give_its_tables() -> None:
    folder = ROOT / "benchmarks" / "section2"
    study, rows = read_study(folder / "study.toml"), read_rows(str(folder / "rows.csv"))
    for table in (table1(rows, study.benchmarks), by_task(rows, study.targets)):
        written = (folder / "tables" / f"{table.name}.md").read_text(encoding="utf-8")
        assert table.to_markdown() == written


def test_no_rows_make_empty_tables() -> None:
    for make in (table1, table3, table4, table5):
        table = make([])
        assert table.rows == ()
        assert table.to_csv() and table.to_markdown()


def test_csv_and_markdown() -> None:
    table = Table(
        name="t",
        title="a|b",
        columns=["task", "score", "rank"],
        rows=[["x|<y>", Cell(81.25, 0.5, mark="best"), 1], ["z,", None, None]],
    )
    assert list(csv.reader(io.StringIO(table.to_csv()))) == [
        ["task", "score_mean", "score_std", "rank"],
        ["x|<y>", "81.25", "0.5", "1"],
        ["z,", "", "", ""],
    ]
    lines = table.to_markdown().splitlines()
    assert lines[2:4] == ["| task | score | rank |", "| --- | ---: | ---: |"]
    assert lines[4] == r"| x\|\<y\> | **81.2 ± 0.5** | 1 |"
    assert lines[5] == "| z, | - | - |"


def test_a_rounded_zero_has_no_sign() -> None:
    assert Cell(-0.04, sign=True).text == "0.0"
    assert Cell(0.06, sign=True).text == "+0.1"
    assert Cell(math.nan).text == "-"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_017_600, "1,017,600"), (27186.4, "27,186.4"), (2024, "2024"), (0, "0"), ("12345", "12345")],
)
def test_large_numbers_have_separators_where_they_are_read(value: float | str, text: str) -> None:
    assert Cell(value).text == text
    table = Table(name="t", title="t", columns=["n"], rows=[[value]])
    assert table.to_csv() == f"n\n{value}\n"
