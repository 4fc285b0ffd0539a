"""Tables, JSON and progress as people and programs read them."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from spotfw.cli.display import Progress, duration, print_json, print_table


def test_json_is_one_document_without_nan(capsys):
    print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": np.float32(2), "d": (1, None)})
    written = capsys.readouterr()
    assert json.loads(written.out) == {"a": None, "b": [None, 1.5], "c": 2.0, "d": [1, None]}
    assert written.err == ""


def test_a_table_shows_every_cell_however_long():
    out = io.StringIO()
    long = "x" * 300
    print_table(["name", "score"], [["cb [new]", 71.234], [long, None]], stream=out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["name", "score"]
    assert lines[1].startswith("cb [new] ")
    assert lines[1].endswith("71.23")
    assert lines[2].split() == [long, "-"]


def test_a_title_stays_on_one_line_above_a_narrow_table():
    out = io.StringIO()
    print_table(["n"], [[1]], title="Sources for book_reviews by per_token_cosine", stream=out)
    assert out.getvalue().splitlines()[0] == "Sources for book_reviews by per_token_cosine"


def test_plain_progress_writes_a_line_every_ten_seconds_and_the_last():
    now = iter(range(0, 1000, 4))
    out = io.StringIO()
    with Progress("tune cb", 8, stream=out, clock=lambda: float(next(now))) as progress:
        for step in range(1, 9):
            progress.update(step, loss=0.5)
    lines = out.getvalue().splitlines()
    assert [line.split("/")[0] for line in lines] == [f"tune cb: {n}" for n in (1, 4, 7, 8)]
    assert lines[0] == "tune cb: 1/8 steps, loss 0.50"
    # Three steps in twelve seconds; four are left.
    assert lines[1] == "tune cb: 4/8 steps, 0.25 steps/s, 16 s left, loss 0.50"


def test_the_rate_of_a_resumed_job_counts_from_where_it_began():
    now = iter([0.0, 100.0])
    out = io.StringIO()
    with Progress("tune cb", 1000, stream=out, clock=lambda: next(now)) as progress:
        progress.update(500)
        progress.update(600)
    assert "1 steps/s, 7 min left" in out.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3600, "60 min"), (7500, "2 h 05 min")],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
