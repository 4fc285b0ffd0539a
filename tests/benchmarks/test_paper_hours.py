"""Hours predicted for the paper's section 3, from rates made up here."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")

from benchmarks.paper_hours import CORES, WAYS, hours, predicted


def test_twice_the_rows_take_twice_the_time() -> None:
    assert hours(7200, 1.0, 64) == pytest.approx(4.0)
    assert hours(7200, 1.0, 64, batch=8) == pytest.approx(8.0)
    assert hours(7200, 1.0, 512) > 3.0 * hours(7200, 1.0, 64)


def test_the_kinds_of_cells_sum_up_to_the_whole() -> None:
    rates, seconds = dict.fromkeys(WAYS.values(), 2.0), dict.fromkeys(CORES.values(), 3.0)
    values = {
        row.what: row.ours for row in predicted({"source": 100, "baseline": 300}, rates, seconds)
    }
    kinds = [hours for what, hours in values.items() if " steps, " in what and hours is not None]
    assert len(kinds) == 2
    assert sum(kinds) == pytest.approx(values["64 together, compiled, inputs of 64"])
