"""The page and the figure of where the time goes, from made-up curves; nothing is measured."""

from __future__ import annotations

from pathlib import Path

import attrs

from benchmarks.where_time_goes import AXES, MIDDLE, Sizes, points_by_layers
from benchmarks.where_time_page import Curve, draw, page

FACTS = {
    "rounds": 2,
    "load": 0.5,
    "middle": attrs.asdict(MIDDLE),
    "model": attrs.asdict(MIDDLE.dimensions),
    "rate": {"library": "PyTorch", "gflops": 200},
}


def curves() -> list[Curve]:
    """Lines of which Mesh TensorFlow takes 2 ms for each of what is counted, and 30 besides."""
    return [
        Curve(
            axis=axis,
            values=list(values),
            milliseconds={
                "mesh": [30.0 + 2.0 * value for value in values],
                "torch": [60.0 + 1.5 * value for value in values],
                "products": [1.0 * value for value in values],
            },
        )
        for axis, values in AXES.items()
    ]


def test_every_size_is_measured_once_and_beside_the_middle() -> None:
    points = [point for group in points_by_layers().values() for point in group]
    assert len(points) == len({*points}) == sum(map(len, AXES.values())) - len(AXES) + 1
    assert points.count(MIDDLE) == 1
    doubled = attrs.evolve(MIDDLE, batch=2 * MIDDLE.batch)
    assert doubled.operations == 2 * MIDDLE.operations
    assert Sizes(cohort=2).operations == 2 * MIDDLE.operations


def test_the_figure_is_small_and_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "figure.svg", tmp_path / "b" / "figure.svg"
    for place in (first, second):
        place.parent.mkdir()
        draw(curves(), place)
    assert first.read_bytes() == second.read_bytes()
    assert 10_000 < first.stat().st_size < 150_000


def test_the_page_says_what_the_curves_hold(tmp_path: Path) -> None:
    page(curves(), FACTS, tmp_path / "page.md")
    text = " ".join((tmp_path / "page.md").read_text().split())
    assert "32.0 ms and PyTorch 61.5; cheapest is a row among 64 (2.5 ms)" in text
    assert "a layer of both parts takes Mesh TensorFlow 2.0 ms and PyTorch 1.5" in text
    assert "| Mesh TensorFlow | 34 | 38 | 46 | 54 |" in text
    assert max(map(len, (tmp_path / "page.md").read_text().splitlines())) < 110
