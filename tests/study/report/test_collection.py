"""The page about a library: whole in one file, and nothing in it that a file could run."""

from __future__ import annotations

import re

import numpy as np
import pytest

from spotfw.library import Library
from spotfw.plugins.builtin.metrics import PerTokenCosine
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.study.findings.collection import kinds_of, misfits
from spotfw.study.report.collection import page, write_page

EVIL = "<script>alert(1)</script>"


def make(library, name="t", count=4, **facts):
    random = np.random.default_rng(0)
    for number in range(count):
        provenance = Provenance(
            **{
                "task": f"{name}{number}",
                "family": f"f{number % 2}",
                "model": "m",
                "fingerprint": "f",
                "seed": 0,
                "score": 50.0 + number,
                **facts,
            }
        )
        library.add(SoftPrompt(random.normal(size=(2, 4)), provenance))
    kinds = kinds_of(library, library.entries(), PerTokenCosine())
    return kinds, misfits(kinds)


@pytest.fixture
def library(tmp_path):
    return Library(str(tmp_path / "lib"))


def test_all_is_in_one_file(library, tmp_path):
    path = write_page(str(tmp_path / "out"), "mine", *make(library), "per_token_cosine")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["index.html"]
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert path == str(tmp_path / "out" / "index.html")
    assert "<svg" in text and "Map of tasks" in text
    links = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert 'data-search="prompts-1"' in text
    for entry in library.entries():
        assert entry.id in text


def test_what_files_say_is_escaped(library):
    kinds, listed = make(library, name=EVIL, family=EVIL, model=EVIL, started_from=EVIL)
    text = page(EVIL, kinds, listed, EVIL)
    assert "<script>alert" not in text
    assert text.count("<script>") == 1  # the page's own
    assert "&lt;script&gt;alert(1)" in text


def test_two_tasks_have_no_map_and_the_page_says_why(library):
    text = page("mine", *make(library, count=2), "per_token_cosine")
    assert "Left out: 2 tasks were compared, and three are needed" in text


def test_a_library_without_faults_says_so(library):
    kinds, _ = make(library)
    assert "Nothing: all prompts are of one kind" in page("mine", kinds, [], "cos")
