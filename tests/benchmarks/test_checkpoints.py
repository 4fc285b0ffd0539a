"""What t5's checkpoints cost where not all of them were measured, and who is compared."""

from __future__ import annotations

import pytest

from benchmarks.checkpoints import Cost, whole_cost


def cost(cpu: float, wall: float) -> Cost:
    return Cost(cpu=cpu, wall=wall, scores={"2": 50.0})


def test_all_measured_is_taken_as_it_is() -> None:
    measured = {10: cost(20.0, 21.0), 100: cost(155.0, 160.0)}
    assert whole_cost(measured, 100) == (measured[100], "")


def test_else_it_is_on_the_line_through_two_and_says_so() -> None:
    whole, how = whole_cost({10: cost(22.0, 30.0), 5: cost(14.5, 20.0)}, 100)
    assert (whole.cpu, whole.wall) == (22.0 + 1.5 * 90, 30.0 + 2.0 * 90)
    assert how == " (t5's by the line through 5 and 10)"


def test_a_line_needs_two() -> None:
    with pytest.raises(SystemExit, match="Name two counts"):
        whole_cost({5: cost(1.0, 1.0)}, 100)
