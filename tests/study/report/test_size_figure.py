"""Figure 1 draws every method of a study at each model size, all weights among them."""

from __future__ import annotations

import attrs

from spotfw.study.report.lines import size_figure
from spotfw.study.rows import Row


def test_all_weights_have_lines_of_their_own() -> None:
    small = [
        Row(kind="baseline", model="small", parameters=10, task="t", score=60.0),
        Row(kind="generic", model="small", parameters=10, task="t", source="mix", score=70.0),
        Row(kind="model tuning", model="small", parameters=10, task="t", source="All", score=80.0),
        Row(kind="model source", model="small", parameters=10, task="a+b", source="All", score=9.0),
    ]
    large = [attrs.evolve(row, model="large", parameters=90, score=90.0) for row in small]
    drawing = size_figure([*small, *large])
    assert drawing.why is None and drawing.svg is not None
    svg = drawing.svg.decode()
    assert all(f"<!-- {name} -->" in svg or name in svg for name in ("All", "SPoT mix"))
