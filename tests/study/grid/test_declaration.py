"""study.toml: what is read, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw.errors import WrongUse
from spotfw.study.grid.declaration import parse_study, read_study

GOOD: dict[str, Any] = {
    "sources": ["a", "b"],
    "targets": ["c"],
    "strategies": ["best_of_top_k"],
    "ks": [1],
}


def test_defaults_and_values(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'models = ["x", "y"]\nsources = ["a"]\ntargets = ["b", "t.toml"]\nseeds = [4]\n'
        '[source]\nsteps = 7\n[benchmarks]\nG = ["b"]\n[[generic]]\ntasks = ["a", "b"]\n'
    )
    (tmp_path / "t.toml").write_text("")
    study = read_study(tmp_path / "mine.toml")
    assert (study.name, study.models, study.seeds) == ("mine", ("x", "y"), (4,))
    assert study.metrics == ("average_token_cosine", "per_token_cosine")
    assert study.source == {"steps": 7} and study.benchmarks == {"G": ("b",)}
    assert study.generics[0].name == "a+b" and study.generics[0].rates is None
    assert study.targets == ("b", str(tmp_path / "t.toml"))  # a file beside the study
    assert study.default_folder == "mine-study"
    folders = {"study.toml": "study", "a/my-study.toml": "my-study", "studyish.toml": None}
    for place, folder in folders.items():
        assert attrs.evolve(study, place=place).default_folder == (folder or "studyish-study")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sorces": ["a"]}, "sorces. Did you mean 'sources'?"),
        ({"source": {"stepz": 3}}, "stepz. Did you mean 'steps'?"),
        ({"generic": [{"task": ["a"]}]}, "[[generic]] 1: task. Did you mean 'tasks'?"),
        ({"generic": [{"name": "x"}]}, "[[generic]] number 1"),
        ({"generic": [{"tasks": ["a"], "rates": [1, 2]}]}, "rates of [[generic]] number 1"),
        ({"generic": [{"tasks": ["a"]}, {"tasks": ["a"]}]}, "a more than once"),
        ({"model": "x", "models": ["y"]}, "both model and models"),
        ({"seeds": ["0"]}, "seeds in"),
        ({"seeds": [True]}, "seeds in"),
        ({"seeds": [-1]}, "whole numbers from 0"),
        ({"seeds": [1, 1]}, "1 more than once"),
        ({"ks": [0]}, "whole numbers from 1"),
        ({"ks": []}, "ks in"),
        ({"targets": []}, "targets in"),
        ({"sources": ["a", "a"]}, "a more than once"),
        ({"oracle": "yes"}, "true or false"),
        ({"settings": {"seed": 1}}, "seeds = [...]"),
        ({"settings": {"steps": 0}}, "[settings] in s.toml"),
        ({"settings": [1]}, "must be a table"),
        ({"benchmarks": {"G": ["z"]}}, "'G' under [benchmarks] names z"),
        ({"strategies": ["oracle"]}, "oracle = true"),
        ({"strategies": ["none"]}, "baselines always run"),
        ({"ks": None}, "no ks"),
        ({"strategies": None}, "no strategies"),
        ({"sources": None}, "the library is empty"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    document = {k: v for k, v in (GOOD | changes).items() if v is not None}
    with pytest.raises(WrongUse) as caught:
        parse_study(document, "s.toml")
    assert message in str(caught.value)
    assert "s.toml" in str(caught.value)


def test_no_toml(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("sources = [")
    for name in ("s.toml", "absent.toml"):
        with pytest.raises(WrongUse, match=name):
            read_study(tmp_path / name)
