"""The committed rows of the studies of all weights are whole; the README has their averages."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotfw.study import read_study
from spotfw.study.findings.arithmetic import average, models, of_model
from spotfw.study.findings.paper_tables import methods, targets_of
from spotfw.study.report.lines import size_figure
from spotfw.study.rows import Row, read_rows

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FOLDER = BENCHMARKS / "model_tuning"

#: A study and its rows.
STUDIES = {
    "study": "rows",
    "english": "english_rows",
    "sizes": "sizes_rows",
    "adaptation": "adaptation_rows",
}


def _rows(study: str) -> tuple[Row, ...]:
    return read_rows(str(FOLDER / f"{STUDIES[study]}.csv"))


@pytest.mark.parametrize("name", STUDIES)
def test_every_cell_of_the_declaration_has_a_row(name: str) -> None:
    study, rows = read_study(str(FOLDER / f"{name}.toml")), _rows(name)
    assert not [row.error for row in rows if row.error]
    assert set(models(rows)) == set(study.models)
    of_targets = [row for row in rows if row.task in study.targets]
    kinds = 1 + len(study.generics) + len(study.model_tunings)
    count = len(study.models) * len(study.targets) * len(study.seeds) * kinds
    assert len(of_targets) == count
    assert {row.seed for row in of_targets} == set(study.seeds)


@pytest.mark.parametrize("name", STUDIES)
def test_the_readme_has_the_averages_of_the_rows(name: str) -> None:
    rows, readme = _rows(name), (BENCHMARKS / "README.md").read_text()
    for model in models(rows):
        of_one = of_model(rows, model)
        for method, scores in methods(of_one).items():
            mean = average(scores, targets_of(of_one))
            assert mean is not None
            assert f"| {mean.mean:.1f} ± {mean.std:.1f} |" in readme, (name, model, method)


def test_the_figure_has_a_line_of_each_method_over_three_sizes() -> None:
    drawing = size_figure(_rows("sizes"))
    assert drawing.svg is not None
    committed = (BENCHMARKS / "results" / "model_sizes.svg").read_text()
    for text in ("107K", "312K", "1.02M", "from scratch", "Multi-task ModelTuning"):
        assert text in committed and text in drawing.svg.decode()
