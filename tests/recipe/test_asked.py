"""What a session is asked in Python is judged by its kind, and a path is as good as its text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import SoftPrompt
from spotfw.recipe.session import Session
from spotfw.testing import NumpyBackend
from tests.settings import MOMENT as SETTINGS


@pytest.fixture
def fw(
    tmp_path: Path,
    spotfw_task_folder: Path,
    spotfw_numpy_backend: NumpyBackend,
    spotfw_plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> Session:
    shutil.copytree(spotfw_task_folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    return Session(Path("./model"), Path("library"), plugins=spotfw_plugins, backend="numpy")


def test_paths_are_as_good_as_texts(fw: Session) -> None:
    tuned = fw.tune(Path("tiny_words.toml"), out=Path("run"), **SETTINGS)
    assert tuned.folder == "run"
    assert fw.tune("tiny_words.toml", out="run", resume=True, **SETTINGS).best == tuned.best
    best = Path("run/best.safetensors")
    evaluation = fw.evaluate(best, Path("tiny_words.toml"))
    assert evaluation == fw.evaluate(tuned.best, "tiny_words.toml")
    assert fw.predict(best, ["word: grand"]) == fw.predict(tuned.best, ["word: grand"])
    assert fw.rank(best).left_out == fw.rank(str(best)).left_out
    assert [entry.provenance.task for entry in fw.library.entries()] == ["tiny_words"]


@pytest.mark.parametrize("task", [None, 5, b"tiny_words.toml", ["tiny_words.toml"]])
def test_what_is_no_task(fw: Session, task: Any) -> None:
    with pytest.raises(WrongUse, match="A task is a name"):
        fw.tune(task, **SETTINGS)
    assert fw.task("tiny_words.toml").name == "tiny_words"  # and spoils nothing after it


def test_what_is_no_prompt_split_strategy_or_line(fw: Session) -> None:
    best = fw.tune("tiny_words.toml", **SETTINGS).best
    with pytest.raises(WrongUse, match=r"of the type ndarray.*SoftPrompt\(array=array\)"):
        fw.evaluate(best.array, "tiny_words.toml")  # type: ignore[arg-type]
    assert fw.evaluate(SoftPrompt(array=best.array), "tiny_words.toml").examples
    with pytest.raises(WrongUse, match="A split is a name"):
        fw.evaluate(best, "tiny_words.toml", None)  # type: ignore[arg-type]
    for strategy in (3, None):
        with pytest.raises(WrongUse, match="A strategy is a name, or a function"):
            fw.transfer("tiny_words.toml", strategy=strategy, **SETTINGS)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="ids to choose among are a list"):
        fw.transfer("tiny_words.toml", among="0123", **SETTINGS)


def test_a_text_is_no_list_of_lines(fw: Session) -> None:
    """Its letters would be answered one by one."""
    best = fw.tune("tiny_words.toml", **SETTINGS).best
    with pytest.raises(WrongUse, match=r"Write \[text\]"):
        fw.predict(best, "grand")
    for line in (None, b"x", "\ud800", np.str_("x\udc00")):
        with pytest.raises(WrongUse, match="Line 2 of the input is no text"):
            fw.predict(best, ["word: grand", line])  # type: ignore[list-item]
