"""Plans: what is checked before anything is run, and names in place of files."""

from __future__ import annotations

import importlib
import sys
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

PAPER = "per_token_cosine"


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


def _lowest(folder: Path, text: str) -> Plugins:
    """Plugins with a stranger's strategy and metric, whose module says `text`."""
    for name, body in {
        "made_up_strategy": "class Lowest:\n    name = 'lowest'\n"
        "    def __call__(self, ranking, k):\n        return []\n",
        "made_up_metric": "from spotfw.contracts import SimilarityMetric\n"
        "class Spread(SimilarityMetric):\n    name = 'spread'\n"
        "    def features(self, prompt):\n        return prompt.std(0)\n",
    }.items():
        (folder / f"{name}.py").write_text(body + (text if name in text else ""))
    plugins = Plugins(entry_points=False)
    strategy, metric = (
        importlib.import_module(name).__dict__ for name in ("made_up_strategy", "made_up_metric")
    )
    hooks: dict[str, Callable[[], list[Any]]] = {
        "spotfw_selection_strategies": lambda: [strategy["Lowest"]()],
        "spotfw_similarity_metrics": lambda: [metric["Spread"]()],
    }
    part = types.SimpleNamespace(**{name: hookimpl(hook) for name, hook in hooks.items()})
    plugins.register(part, "lowest")
    return plugins


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    for name in ("made_up_strategy", "made_up_metric"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


@pytest.mark.parametrize(
    ("edited", "kinds"),
    [
        ("made_up_strategy", {("strategy", "lowest", "spread"), ("strategy", "lowest", PAPER)}),
        (
            "made_up_metric",
            {
                ("strategy", "lowest", "spread"),
                ("strategy", "best_of_top_k", "spread"),
                ("similarities", None, "spread"),
            },
        ),
    ],
)
def test_what_a_plugin_s_part_made_is_made_anew_when_its_code_has_changed(
    small_study: Make,
    tmp_path: Path,
    importable: Path,
    edited: str,
    kinds: set[tuple[str, str | None, str]],
) -> None:
    study = small_study(metrics=["spread", PAPER], strategies=["lowest", "best_of_top_k"], ks=[1])
    out = str(tmp_path / "out")
    first = plan(study, out, plugins=_lowest(importable, ""))
    ledger.begin(out, study, first.resolved)
    for cell in first.cells:
        ledger.record(out, cell, None, "as if it had ended")
    same = plan(study, out, plugins=_lowest(importable, ""))
    assert len(same.records) == len(same.cells) and not same.warnings
    other = plan(study, out, plugins=_lowest(importable, f"# {edited}\n"))
    anew = [cell for cell in other.cells if cell.id not in other.records]
    facts = [cell.facts for cell in anew]
    assert {(f["kind"], f["strategy"], f["metric"]) for f in facts} == kinds
    what = {"made_up_strategy": "strategy lowest", "made_up_metric": "metric spread"}[edited]
    assert other.warnings == (
        f"code of {what}: {edited}.py has changed since {len(anew)} cells were run, which will "
        "be run again.",
    )
    # As it was, the old cells count again.
    assert len(plan(study, out, plugins=_lowest(importable, "")).records) == len(first.cells)


def test_cells_of_a_time_when_code_was_not_noted_count_and_a_line_says_so(
    small_study: Make, tmp_path: Path, importable: Path
) -> None:
    study = small_study(metrics=["spread"], strategies=["lowest"], ks=[1])
    out, plugins = str(tmp_path / "out"), _lowest(importable, "")
    first = plan(study, out, plugins=plugins)
    ledger.begin(out, study, first.resolved)
    for cell in first.cells:
        noted = {name: d for name, d in cell.content.items() if not name.startswith("code of ")}
        was = attrs.evolve(cell, content=noted)
        assert was.id == cell.before_code
        ledger.record(out, was, None, "as if it had ended")
    again = plan(study, out, plugins=plugins)
    assert len(again.records) == len(again.cells)
    (warning,) = again.warnings
    assert warning == (
        f"3 of the cells in {out} were run when the code of plugins was not noted: whether that "
        "of metric spread, strategy lowest has changed since is not known."
    )


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
