"""What every generated task promises."""

from __future__ import annotations

import collections
import hashlib
import subprocess
import sys

import pytest

from spotfw_playground.families import BY_NAME, SPECS
from spotfw_playground.specs import SPLITS, TaskSpec, rows

every_task = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


@every_task
def test_splits_have_their_sizes_and_share_no_input(spec: TaskSpec) -> None:
    seen: set[str] = set()
    for split in SPLITS:
        inputs = {row.inputs for row in rows(spec, split)}
        assert len(rows(spec, split)) == len(inputs) == spec.size(split)
        assert not seen & inputs
        seen |= inputs


@every_task
def test_classes_are_balanced_in_every_split(spec: TaskSpec) -> None:
    for split in SPLITS:
        counts = collections.Counter(row.targets for row in rows(spec, split))
        if spec.labels:
            assert set(counts) == set(spec.labels)
            assert max(counts.values()) - min(counts.values()) <= 1
        else:
            assert max(counts.values()) < 0.3 * spec.size(split)


@every_task
def test_inputs_are_short_clean_text(spec: TaskSpec) -> None:
    for row in rows(spec, "test"):
        assert row.inputs == row.inputs.lower().strip()
        assert "{" not in row.inputs and "  " not in row.inputs
        assert len(row.inputs.split()) <= 30
        assert len(row.targets.split()) == 1


def test_there_are_tasks_for_sources_and_targets() -> None:
    sources = {spec.family for spec in SPECS if spec.is_source}
    targets = {spec.family for spec in SPECS if not spec.is_source}
    assert len(SPECS) >= 16
    assert len(sources & targets) >= 6
    assert sources - targets and targets - sources
    assert all(spec.train >= 20_000 for spec in SPECS if spec.is_source)
    assert all(200 <= spec.train <= 600 for spec in SPECS if not spec.is_source)
    assert len(BY_NAME) == len(SPECS)


def test_rows_are_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from spotfw_playground.families import SPECS\n"
        "from spotfw_playground.specs import rows\n"
        "d = hashlib.sha256()\n"
        "for s in SPECS: d.update(repr(rows(s, 'validation')).encode())\n"
        "print(d.hexdigest())"
    )
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(p for p in sys.path if p)}
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    here = hashlib.sha256()
    for spec in SPECS:
        here.update(repr(rows(spec, "validation")).encode())
    assert there.stdout.strip() == here.hexdigest()


def test_noise_replaces_the_share_asked_for_in_training_only() -> None:
    spec = BY_NAME["film_reviews"]
    changed = sum(
        a.targets != b.targets
        for a, b in zip(rows(spec, "train"), rows(spec, "train", noise=0.2), strict=True)
    )
    assert 0.18 < changed / spec.train < 0.22
    assert rows(spec, "test", noise=0.2) == rows(spec, "test")
    assert {row.targets for row in rows(spec, "train", noise=0.2)} == set(spec.labels)
    with pytest.raises(ValueError, match="between 0 and 1"):
        rows(spec, "train", noise=2)


def test_free_answers_stand_in_the_passage() -> None:
    for spec in SPECS:
        if not spec.labels:
            assert all(row.targets in row.inputs for row in rows(spec, "validation"))
