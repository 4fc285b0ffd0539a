"""A library looked at as a whole: what can be compared, who is near whom, what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from spotfw.errors import WrongUse
from spotfw.library import Library
from spotfw.plugins.builtin.metrics import AverageTokenCosine
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.study.findings import collection
from spotfw.study.findings.collection import (
    kinds_of,
    misfits,
    neighbours,
    prompt_name,
    task_matrix,
)

#: Directions of task embeddings: the cosine of two is that of the angle between them.
ANGLES = {("a", 0): 0, ("a", 1): 10, ("b", 0): 20, ("c", 0): 90}
FAMILIES = {"a": "x", "b": "x", "c": "y"}


def prompt(degrees, length=2, **facts):
    angle = np.radians(degrees)
    array = np.tile([np.cos(angle), np.sin(angle), 0], (length, 1))
    return SoftPrompt(
        array, Provenance(**{"fingerprint": "f", "model": "m", "score": 1.0, **facts})
    )


@pytest.fixture
def library(tmp_path):
    library = Library(str(tmp_path / "lib"))
    for (task, seed), degrees in ANGLES.items():
        library.add(prompt(degrees, task=task, seed=seed, family=FAMILIES[task]))
    return library


def kinds(library):
    return kinds_of(library, library.entries(), AverageTokenCosine())


def said(library):
    return [(misfit.what, misfit.why) for misfit in misfits(kinds(library))]


def test_the_map_has_the_means_over_pairs_of_prompts(library):
    (kind,) = kinds(library)
    matrix = task_matrix(kind)
    assert [(label.task, label.family) for label in matrix.labels] == [
        *(("a", "x"), ("b", "x"), ("c", "y"))
    ]
    cos = lambda degrees: np.cos(np.radians(degrees))  # noqa: E731
    ab, ac = (cos(20) + cos(10)) / 2, (cos(90) + cos(80)) / 2
    expected = [[cos(10), ab, ac], [ab, np.nan, cos(70)], [ac, cos(70), np.nan]]
    np.testing.assert_allclose(matrix.values, expected, atol=1e-6)


def test_neighbours_are_of_other_tasks_and_each_task_once(library):
    (kind,) = kinds(library)
    near = {
        prompt_name(entry): [prompt_name(other) for other, _ in places]
        for entry, places in zip(kind.entries, neighbours(kind), strict=True)
    }
    assert near["a (seed 0)"] == ["b (seed 0)", "c (seed 0)"]
    assert near["b (seed 0)"] == ["a (seed 1)", "c (seed 0)"]


def test_a_sound_library_has_nothing_that_does_not_fit(library):
    assert said(library) == []


def test_prompts_of_another_length_are_a_kind_of_their_own(library):
    library.add(prompt(5, length=3, task="a", seed=7, family="x"))
    first, second = kinds(library)
    assert (len(first.entries), len(second.entries)) == (4, 1)
    (what, why), *_ = said(library)
    assert what == "1 prompts of m, 3 tokens of 3" or "3 tokens" in what
    assert "never compared" in why


def test_what_a_prompt_does_not_say_is_named(library):
    library.add(prompt(88, seed=3, score=None))
    texts = " | ".join(what for what, _ in said(library))
    assert "no task: (no task) " in texts and "no family: " in texts and "no score: " in texts


def test_one_task_and_seed_twice_is_named(library):
    library.add(prompt(1, task="a", seed=0, family="x", step=9))
    assert any(what == "2 prompts of a, seed 0" for what, _ in said(library))


def test_a_run_that_is_nearer_to_another_task_is_named(library):
    library.add(prompt(85, task="a", seed=2, family="x"))
    whys = [why for what, why in said(library) if what == "a (seed 2)"]
    assert any("than to the other runs of its own task" in why for why in whys)
    assert any("of the family x, but nearest is c (seed 0) of y" in why for why in whys)


def test_damaged_files_are_named_first(library):
    listed = misfits(kinds(library), [("x.safetensors", "is cut short")])
    assert (listed[0].what, listed[0].why) == ("x.safetensors", "is cut short")


def test_too_many_prompts_are_refused(library, monkeypatch):
    monkeypatch.setattr(collection, "MOST", 3)
    with pytest.raises(WrongUse, match="Choose some by --family or --task"):
        kinds(library)
