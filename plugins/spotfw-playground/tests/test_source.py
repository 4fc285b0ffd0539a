"""The tasks as a plugin's task source, the page and the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from spotfw.contracts import TaskSource
from spotfw.errors import WrongUse
from spotfw.tasks import Mixture, Task
from spotfw_playground import plugin
from spotfw_playground.cli import main
from spotfw_playground.families import SPECS
from spotfw_playground.source import PlaygroundSource


def test_the_source_lists_every_task_and_family() -> None:
    source = PlaygroundSource()
    assert isinstance(source, TaskSource)
    listed = list(source.tasks())
    assert [t.name for t in listed if isinstance(t, Task)] == [spec.name for spec in SPECS]
    mixtures = {m.name: m for m in listed if isinstance(m, Mixture)}
    assert len(mixtures["playground_sentiment"].tasks) == 5
    assert "playground_season" not in mixtures


def test_noise_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugin.NOISE_VARIABLE, "0.25")
    (source,) = plugin.spotfw_task_sources()
    assert isinstance(source, PlaygroundSource) and source.noise == 0.25
    monkeypatch.setenv(plugin.NOISE_VARIABLE, "much")
    with pytest.raises(WrongUse, match="from 0 to 1"):
        plugin.spotfw_task_sources()


def test_the_page_is_whole_and_self_contained(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["page", "--out", str(tmp_path / "page.html")])
    assert result.exit_code == 0, result.output
    html = (tmp_path / "page.html").read_text()
    assert all(f"<h3>{spec.name}</h3>" in html for spec in SPECS)
    assert "http" not in html and "<script" not in html


def test_examples_are_json_lines() -> None:
    result = CliRunner().invoke(main, ["examples", "film_reviews", "-n", "3"])
    assert [set(json.loads(line)) for line in result.output.splitlines()] == [
        {"inputs", "targets"}
    ] * 3
    wrong = CliRunner().invoke(main, ["examples", "film_revews"])
    assert wrong.exit_code == 2 and "film_reviews" in wrong.output
