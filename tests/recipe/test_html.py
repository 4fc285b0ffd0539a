"""What a notebook shows: names in place of ids, and nothing that a name could run."""

from __future__ import annotations

import re

import attrs
import pytest

import spotfw
from spotfw.ranking import Ranked, Ranking
from spotfw.ranking.markup import MOST_ROWS, html_table

EVIL = "<script>alert('x')</script>"
SHORT = {"prompt_length": 4, "steps": 10, "checkpoint_every": 5, "embedding_step": 5}


def ranking(task="mnli", count=1):
    items = [
        Ranked(rank=n, id=f"{n:016x}", task=task, seed=n, similarity=0.5, score=71.25)
        for n in range(1, count + 1)
    ]
    return Ranking(items=items, metric="cos", query="cb")


def cells(page):
    return re.findall(r"<td[^>]*>(.*?)</td>", page)


def test_a_ranking_names_its_prompts():
    page = ranking()._repr_html_()
    assert "Ranking for cb (cos)" in page
    assert cells(page) == ["1", "mnli (seed 1)", "-", "+0.5000", "71.25"]
    assert "0000000000000001" not in page


def test_an_empty_ranking_says_why():
    page = Ranking(items=(), metric="cos", left_out={"of another model": 3})._repr_html_()
    assert "no prompt to compare with (3 of another model)" in page


def test_a_long_one_says_how_many_more_there_are():
    page = ranking(count=MOST_ROWS + 7)._repr_html_()
    assert page.count("<tr>") == MOST_ROWS + 1
    assert "and 7 more" in page


def test_everything_is_escaped():
    assert "<script" not in html_table(EVIL, [EVIL], [[EVIL]])
    named = attrs.evolve(ranking(EVIL), query=EVIL, metric=EVIL)
    assert "<script" not in named._repr_html_()
    assert "&lt;script&gt;" in named._repr_html_()


@pytest.fixture
def session(tmp_path, spotfw_numpy_backend, spotfw_numpy_model, spotfw_tiny_tasks):
    from spotfw.testing.tiny_library import fill_library

    model = spotfw_numpy_model
    fill_library(
        tmp_path / "library", spotfw_tiny_tasks, width=model.width, fingerprint=model.fingerprint
    )
    return spotfw.Session(
        str(tmp_path),
        library=str(tmp_path / "library"),
        runs=str(tmp_path / "runs"),
        backend="numpy",
        progress=False,
    )


def test_a_tuning_and_a_transfer(session, spotfw_tiny_tasks):
    tuned = session.tune(spotfw_tiny_tasks[0], keep=False, **SHORT)
    page = tuned._repr_html_()
    assert f"tiny_reviews: {tuned.score:.2f} at step" in page
    assert "<th>accuracy</th>" in page
    assert cells(page)[0] == "5"
    result = session.transfer(spotfw_tiny_tasks[0], k=2, **SHORT)
    page = result._repr_html_()
    assert f"tiny_reviews: {result.score:.2f}" in page
    assert "Ranking for tiny_reviews (per_token_cosine)" in page
    assert not any(entry.id in page for entry in result.ranking)


def test_a_session_shows_progress_unless_told_not_to(session, spotfw_tiny_tasks, capsys, tmp_path):
    session.tune(spotfw_tiny_tasks[0], keep=False, **SHORT)
    assert capsys.readouterr().err == ""
    loud = spotfw.Session(str(tmp_path), runs=str(tmp_path / "more"), backend="numpy")
    loud.tune(spotfw_tiny_tasks[0], **SHORT)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"Opening the model {tmp_path} ..."
    assert lines[-1].startswith("tune tiny_reviews: 10/10 steps")
    heard = []
    loud.tune(spotfw_tiny_tasks[1], observer=heard.append, **SHORT)
    assert (capsys.readouterr().err, len(heard)) == ("", 10)
