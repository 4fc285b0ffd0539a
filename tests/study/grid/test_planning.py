"""Plans: what is checked before anything is run, and names in place of files."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest

from spotfw.contracts import Array, SimilarityMetric
from spotfw.errors import UnknownName, WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins
from spotfw.study import plan
from spotfw.study.grid import ledger
from spotfw.study.grid.cell import Cell
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.names import by_name

Make = Callable[..., Study]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return Plugins(entry_points=False)


def test_files_become_the_names_of_their_tasks(small_study: Make, plugins: Plugins) -> None:
    study = small_study(benchmarks={"words": ["tiny_words.toml"], "more": ["tiny_words.toml"]})
    named = by_name(study, plugins)
    (target,) = named.targets
    assert target == plugins.task(study.targets[0]).name != study.targets[0]
    assert named.benchmarks == {"words": (target,), "more": (target,)}
    gone = small_study(targets=["gone.toml"])
    assert by_name(gone, plugins).targets == ("gone.toml",)
    assert by_name(study, plugins, study.targets).targets == study.targets


def test_cells_of_two_models_have_two_names(
    small_study: Make, plugins: Plugins, tiny_model: Path, tmp_path: Path
) -> None:
    both = small_study(model=None, models=[str(tiny_model), "elsewhere/model"])
    laid = plan(both, str(tmp_path / "out"), plugins=plugins)
    assert len({laid.title(cell) for cell in laid.cells}) == len(laid.cells)
    single = plan(small_study(), str(tmp_path / "out"), plugins=plugins)
    assert [single.title(cell) for cell in single.cells] == [str(cell) for cell in single.cells]


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, 262_144),
        ({"generic": None}, 100_000),
        ({"sources": ["tiny_reviews.toml"]}, 100_000),
        ({"target": {"steps": 7}}, 7),
    ],
)
def test_targets_of_section_2_have_a_source_s_steps(
    small_study: Make, plugins: Plugins, changes: dict[str, Any], steps: int
) -> None:
    section3 = {"sources": None, "strategies": None, "ks": None, "oracle": None, "mixture": None}
    study = small_study(**section3 | {"settings": {"prompt_length": 4}} | changes)
    settings = plan(study, "nowhere", plugins=plugins).resolved.settings
    assert settings[study.models[0], "target"]["steps"] == steps


@pytest.mark.parametrize("where", ["study", "generic"])
def test_the_usual_number_of_updates_is_no_other_one(
    small_study: Make, plugins: Plugins, where: str
) -> None:
    both = {"name": "both", "tasks": ["tiny_reviews.toml"], "also_steps": [4]}
    changes: dict[str, Any] = {"also_steps": [4]} if where == "study" else {"generic": [both]}
    with pytest.raises(WrongUse, match=r"also_steps.* names 4, the steps that are tuned anyway"):
        plan(small_study(**changes), "nowhere", plugins=plugins)


@pytest.mark.parametrize(
    ("opened", "message"), [("vocabluary", "Did you mean 'vocabulary'"), ("library", "library")]
)
def test_wrong_keys_of_open_are_errors(
    small_study: Make, plugins: Plugins, tmp_path: Path, opened: str, message: str
) -> None:
    with pytest.raises(UnknownName, match=message) as caught:
        plan(small_study(open={opened: "x"}), str(tmp_path / "out"), plugins=plugins)
    assert "[open]" in str(caught.value)


def test_a_study_goes_on_on_another_tpu_and_with_nothing_else_in_another_way(
    small_study: Make, plugins: Plugins, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    opened = {"tpu": "first", "tpu_topology": "v3-8"}
    study = small_study(open=opened)
    resolved = plan(study, out, plugins=plugins).resolved
    ledger.begin(out, study, resolved)
    moved = {"tpu": "second", "iterations_per_loop": 10, "cohort": 4}
    ledger.begin(out, attrs.evolve(study, open=opened | moved), resolved)
    for other in ({"tpu_topology": "v3-32"}, {"activations": "bfloat16"}, {"mesh_shape": "d:8"}):
        with pytest.raises(WrongUse, match=r"\[open\] was"):
            ledger.begin(out, attrs.evolve(study, open=opened | other), resolved)


class _Reading(SimilarityMetric):
    """A metric that ranks by a file."""

    name = "reading"

    def __init__(self, file: Path) -> None:
        self.file = file

    def features(self, prompt: Array) -> npt.NDArray[np.float64]:
        return np.asarray(prompt.mean(0), np.float64)

    def content(self) -> dict[str, str]:
        return {"file": self.file.read_text()} if self.file.exists() else {}


def test_what_a_metric_chose_by_other_values_is_chosen_anew(
    small_study: Make, tmp_path: Path
) -> None:
    metric = _Reading(tmp_path / "read")
    plugins = Plugins(entry_points=False)
    hook = hookimpl(lambda: [metric])
    plugins.register(types.SimpleNamespace(spotfw_similarity_metrics=hook), "reading")
    study = small_study(metrics=["reading", "per_token_cosine"])

    def cells(text: str) -> dict[str, Cell]:
        metric.file.write_text(text)
        return {cell.id: cell for cell in plan(study, str(tmp_path / "out"), plugins=plugins).cells}

    first, again, other = cells("a"), cells("a"), cells("b")
    assert first.keys() == again.keys()
    changed = [cell for key, cell in first.items() if key not in other]
    assert {(cell.kind, cell.facts["metric"]) for cell in changed} == {
        ("strategy", "reading"),
        ("similarities", "reading"),
    }
