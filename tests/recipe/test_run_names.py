"""A run's name depends on everything its result depends on, and on nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.prompts import SoftPrompt
from spotfw.recipe.run_names import run_name
from spotfw.tasks import Mixture, Task, bindings

TASK = Task(name="reviews", family="sentiment", type="classification", build=lambda _: None)
MODEL: Any = SimpleNamespace(fingerprint="f00d", precision="float32")


def named(task: Task | Mixture = TASK, **changes: Any) -> str:
    settings = TuningSettings(**changes.pop("settings", {}))
    given = {"model": MODEL, "backend": "mesh", "init": "class_label"} | changes
    return run_name(task, settings, **given)


def test_the_same_call_gives_the_same_name() -> None:
    assert named() == named()
    assert named().startswith("reviews-seed0-")


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"seed": 1}},
        {"settings": {"steps": 5}},
        {"settings": {"scale_weight_decay": True}},
        {"backend": "other"},
        {"init": "sampled_vocab"},
        {"model": SimpleNamespace(fingerprint="beef", precision="float32")},
        {"model": SimpleNamespace(fingerprint="f00d", precision="bfloat16")},
        {"start": SoftPrompt(np.ones((2, 3), np.float32))},
        {"task": attrs.evolve(TASK, name="others")},
    ],
)
def test_another_call_gives_another_name(changes: dict[str, Any]) -> None:
    assert named(**changes) != named()


def test_tuned_as_an_earlier_version_did_it_has_the_name_of_then() -> None:
    """These two are of the version that scaled the weight decay and had no setting for it."""
    names = [named(settings={"scale_weight_decay": True, "steps": n}) for n in (262_144, 5)]
    assert names == ["reviews-seed0-50cf3b7053", "reviews-seed0-bc3df76eb0"]


def test_a_start_counts_by_its_values_and_makes_the_initializer_idle() -> None:
    ones, twos = (SoftPrompt(np.full((2, 3), value, np.float32)) for value in (1, 2))
    assert named(start=ones) != named(start=twos)
    assert named(start=ones) == named(start=ones, init="sampled_vocab")


def test_a_task_file_counts_by_its_content(tmp_path: Path) -> None:
    place = tmp_path / "reviews.toml"
    place.write_text("a")
    task = attrs.evolve(TASK, origin=str(place))
    first = named(task)
    place.write_text("b")
    assert named(task) != first


def test_what_a_model_is_made_of_counts(tmp_path: Path) -> None:
    words = {"fingerprint": "f00d", "precision": "float32", "identity": {"vocabulary": "a"}}
    other = {**words, "identity": {"vocabulary": "b"}}
    names = {named(model=SimpleNamespace(**facts)) for facts in (words, other)}
    assert len({*names, named()}) == 3


def test_a_file_to_start_from_counts_by_its_content(tmp_path: Path) -> None:
    start = tmp_path / "start.npy"
    start.write_bytes(b"a")
    first = named(init=f"prompt:{start}")
    start.write_bytes(b"b")
    assert named(init=f"prompt:{start}") != first


@pytest.mark.parametrize("mixed", [False, True])
def test_other_rows_in_a_bound_folder_make_another_run(tmp_path: Path, mixed: bool) -> None:
    task = Mixture(name="both", tasks=(TASK,)) if mixed else TASK
    free = named(task)
    rows = tmp_path / "train.jsonl"
    rows.write_text("{}\n")
    bindings.bind(TASK.name, str(tmp_path))
    bound = named(task)
    assert bound != free
    assert named(task) == bound
    os.utime(rows, ns=(1, 1))
    assert named(task) == bound  # what was only touched is what it was
    rows.write_text("[]\n")
    assert named(task) != bound
    bindings.unbind(TASK.name)
    assert named(task) == free


def test_many_tasks_mixed_make_no_long_name() -> None:
    name = named(Mixture(name="+".join(f"task_{i}" for i in range(40)), tasks=()))
    assert name.startswith("mixture-of-40-seed0-")
