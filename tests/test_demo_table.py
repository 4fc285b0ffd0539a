"""The README's table of the demo: written and checked by a run."""

from __future__ import annotations

import copy
import importlib.util
import json
from typing import Any

import numpy as np
import pytest

from tests.places import ROOT


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("make_demo", ROOT / "docs" / "make_demo.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


demo = _module()
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")


def run_with(change: float = 0.0) -> dict[str, Any]:
    """A demo's document of two targets and two seeds."""
    rows = [
        {"target": t, "seed": s, "scores": {"from scratch": 50.0 + s, "oracle": 90.0 + change}}
        for t in ("a_task", "b_task")
        for s in (0, 1)
    ]
    return {"rows": rows}


@pytest.mark.parametrize("target", ["hotel_reviews", "shop_reviews"])
def test_a_table_in_the_readme_agrees_with_itself(target: str) -> None:
    table = demo.scores_in(PAGE, target)
    targets = [name for name in table if name != "mean"]
    for column, (mean, _) in table["mean"].items():
        assert abs(np.mean([table[t][column][0] for t in targets]) - mean) < 0.11, column


def test_what_is_written_is_read_back() -> None:
    scores = demo.scores_of(run_with())
    page = f"before\n```\n{demo.TITLE}\n{demo.text_of(scores)}```\nafter\n"
    assert demo.scores_in(page, "b_task") == {
        name: {"from scratch": (50.5, 0.5), "oracle": (90.0, 0.0)}
        for name in ("a_task", "b_task", "mean")
    }


@pytest.mark.parametrize(("change", "status"), [(0.0, 0), (1.5, 0), (4.0, 1)])
def test_a_column_that_is_stale_is_found(
    change: float, status: int, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "README", tmp_path / "README.md")
    tables = [f"```\n{demo.TITLE}\ntarget\n{name}  old\n```\n" for name in ("other", "a_task")]
    (tmp_path / "README.md").write_text("".join(tables), encoding="utf-8")
    for name, document in {"then": run_with(), "now": run_with(change)}.items():
        (tmp_path / name).write_text(json.dumps(document))
    assert demo.main([str(tmp_path / "then")]) == 0
    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith(tables[0])
    assert demo.main([str(tmp_path / "now"), "--check"]) == status


def test_another_column_is_stale_whatever_it_says() -> None:
    now = demo.scores_of(run_with())
    then = copy.deepcopy(now)
    for cells in then.values():
        cells["gone"] = (1.0, 1.0)
    (line,) = demo.differences(then, now)
    assert "rows or columns are others" in line
