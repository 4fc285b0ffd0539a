"""Answers beside their texts in a terminal of any width, and a line each elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from spotfw.cli.predictions import print_predictions
from tests.cli.screens import Terminal

LONG = "review: the acting was rather disappointing, but the plot was very charming"
ROWS: list[dict[str, Any]] = [
    {"input": LONG, "output": "good", "scores": {"bad": 0.25, "good": 0.75}},
    {"input": "", "output": None, "scores": None},
    {
        "input": "review: 映画は とても 良かった です よね",
        "output": "bad\nand more",
        "scores": None,
    },
]


@pytest.fixture(autouse=True)
def of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal says how wide it is, and nothing else."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def shown(width: int, rows: list[dict[str, Any]]) -> list[str]:
    terminal = Terminal(width, 24)
    with terminal.attached():
        print_predictions(rows, "review: ")
    return terminal.text().splitlines()


def test_texts_stand_beside_answers_cut_to_the_width() -> None:
    first, blank, last = shown(50, [{**row, "scores": None} for row in ROWS])
    assert first == "good          the acting was rather disappointi..."
    assert blank == "" and last.startswith("bad and more  映")
    assert all(cell_len(line) <= 50 for line in (first, last))


@pytest.mark.parametrize(
    ("width", "begins"),
    [
        (80, "good          good 0.7500  bad 0.2500  the acting"),
        (58, "good          good 0.7500  the acting"),
        (46, "good          the acting"),
        (33, "good    good 0.7500"),
    ],
)
def test_as_many_labels_as_leave_room_for_a_text(width: int, begins: str) -> None:
    assert shown(width, ROWS)[0].startswith(begins)


def test_elsewhere_a_line_is_an_answer_with_all_labels(capsys: pytest.CaptureFixture[str]) -> None:
    print_predictions(ROWS, "review: ")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["good\tgood 0.7500\tbad 0.2500", "", "bad and more"]
