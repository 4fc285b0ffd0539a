"""The hook `spotfw_prompt_added` is called once for each new entry, in every way to add one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import spotfw
from spotfw.errors import SpotError
from spotfw.library import Library, open_library
from spotfw.library.exchange import export_archive, import_prompts
from spotfw.plugins import Plugins
from spotfw.prompts import save_prompt
from tests.cli.conftest import prompt
from tests.cli.test_tune import Counting

Added = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def added(spotfw_plugins: Plugins) -> Added:
    """What the process's plugins heard, in order."""
    calls: Added = []

    def spotfw_prompt_added(path: str, provenance: dict[str, Any]) -> None:
        assert Path(path).is_file()
        calls.append((path, provenance))

    hook = spotfw.hookimpl(spotfw_prompt_added)
    spotfw_plugins.register(SimpleNamespace(spotfw_prompt_added=hook), "tracker")
    return calls


def tasks(added: Added) -> list[Any]:
    return [provenance["task"] for _, provenance in added]


def test_python(added: Added, spotfw_plugins: Plugins, tmp_path: Path) -> None:
    library = Library(tmp_path / "lib", plugins=spotfw_plugins)
    id = library.add(prompt(1, family="x"), prompt(1, step=1))
    assert [path for path, _ in added] == [library.path(id)]
    provenance = added[0][1]
    assert (provenance["task"], provenance["family"], provenance["extra"]) == ("t1", "x", {})
    assert library.add(prompt(1, family="x"), prompt(1, step=1)) == id
    assert len(added) == 1  # it was there
    library.add(prompt(2))
    assert tasks(added) == ["t1", "t2"]
    library.remove(id)
    library.add(prompt(1, family="x"), prompt(1, step=1))
    assert tasks(added) == ["t1", "t2", "t1"]


def test_what_cannot_be_added_is_not_announced(
    added: Added, spotfw_plugins: Plugins, tmp_path: Path
) -> None:
    library = Library(tmp_path / "lib", plugins=spotfw_plugins)
    with pytest.raises(SpotError):
        library.add(prompt(1), prompt(1, fingerprint="other"))
    assert added == []


def test_a_library_without_plugins_tells_nobody(added: Added, tmp_path: Path) -> None:
    Library(tmp_path / "lib").add(prompt(1))
    open_library(tmp_path / "lib").add(prompt(2))
    assert added == []


def test_an_import(added: Added, spotfw_plugins: Plugins, tmp_path: Path) -> None:
    other = Library(tmp_path / "other")
    for number in (1, 2, 3):
        other.add(prompt(number), prompt(number, step=1))
    export_archive(other, other.entries(), tmp_path / "shared.zip")
    library = Library(tmp_path / "lib", plugins=spotfw_plugins)
    library.add(prompt(2), prompt(2, step=1))
    for source in (tmp_path / "shared.zip", tmp_path / "other"):
        import_prompts(library, [str(source)])
    assert sorted(tasks(added)) == ["t1", "t2", "t3"]


def test_commands(added: Added, spotfw_cli: Callable[..., Any], tmp_path: Path) -> None:
    place = ("--library", tmp_path / "lib")
    for number in (1, 2):
        save_prompt(prompt(number), tmp_path / f"{number}.safetensors")
    for command in ("add", "import", "add"):
        assert spotfw_cli("library", command, tmp_path / "1.safetensors", *place).status == 0
    assert tasks(added) == ["t1"]
    files = [tmp_path / f"{number}.safetensors" for number in (1, 2)]
    assert spotfw_cli("library", "import", *files, *place).status == 0
    assert tasks(added) == ["t1", "t2"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the task file ``mine.toml`` and a model, opened by a stand-in engine."""
    (tmp_path / "model").mkdir()
    (tmp_path / "rows.jsonl").write_text('{"text": "good", "label": "yes"}\n')
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ninputs = "mine: {text}"\nlabel_column = "label"\nlabels = ["yes", "no"]\n'
        '[splits]\ntrain = "rows.jsonl"\nvalidation = "rows.jsonl"\n'
    )
    model = Counting(str(tmp_path / "model"))
    monkeypatch.setattr("spotfw.plugins.builtin.backends.MeshBackend.missing", lambda self: None)
    monkeypatch.setattr(
        "spotfw.plugins.builtin.backends.MeshBackend.open", lambda self, folder, **_: model
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


SETTINGS = {"steps": 2, "prompt_length": 2, "checkpoint_every": 1}


def test_a_session(added: Added, folder: Path) -> None:
    session = spotfw.Session("./model", "lib")
    tuned = session.tune("mine.toml", **SETTINGS)
    assert tasks(added) == ["mine"]
    session.add(tuned)
    session.tune("mine.toml", **SETTINGS)  # the same run again
    assert len(added) == 1
    session.tune("mine.toml", keep=False, seed=1, **SETTINGS)
    assert len(added) == 1
    session.library.add(prompt(1))
    assert tasks(added) == ["mine", "t1"]


def test_a_study(added: Added, folder: Path) -> None:
    (folder / "study.toml").write_text(
        'model = "./model"\nsources = ["mine.toml"]\nseeds = [0, 1]\n'
        "[settings]\nsteps = 2\nprompt_length = 2\ncheckpoint_every = 1\n"
    )
    study = spotfw.study.read_study("study.toml")
    for _ in range(2):
        outcome = spotfw.study.run(study, "out", workers=0)
        assert not outcome.failed
    assert [provenance["seed"] for _, provenance in added] == [0, 1]
