"""Which engine opens a model where the user names none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import spotfw
from spotfw import Session
from spotfw.contracts import FrozenModel, NamedModel
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.plugins.builtin.backends import MeshBackend
from spotfw.plugins.models import choose_backend, folder_kind, model_folder


class HuggingFace:
    """A backend that reads Hugging Face's folders."""

    name = "theirs"
    reads = "huggingface"

    def __init__(self, lacks: str | None = None) -> None:
        self.lacks = lacks

    def missing(self) -> str | None:
        return self.lacks

    def open(self, model: str, **options: Any) -> FrozenModel:
        raise SpotError(f"opened {model}")


@pytest.fixture
def plugins(spotfw_plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    monkeypatch.setattr(MeshBackend, "missing", lambda self: None)
    return spotfw_plugins


def having(plugins: Plugins, backend: HuggingFace, *models: NamedModel) -> None:
    hooks = {"spotfw_backends": lambda: [backend], "spotfw_models": lambda: models}
    part = SimpleNamespace(**{name: spotfw.hookimpl(hook) for name, hook in hooks.items()})
    plugins.register(part, "theirs")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """A Mesh TF folder that was converted from Hugging Face's, and one of Hugging Face's."""
    for name, files in {"mesh": ("checkpoint", "config.json"), "hf": ("config.json",)}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text("{}")
    return str(tmp_path / "mesh"), str(tmp_path / "hf")


def test_a_run_that_tuned_all_weights_stands_for_its_model(
    folders: tuple[str, str], tmp_path: Path, plugins: Plugins
) -> None:
    having(plugins, HuggingFace())
    run = tmp_path / "run"
    run.mkdir()
    model = Path(folders[1]).rename(run / "model")
    assert folder_kind(str(run)) is None  # "model" may be anyone's
    (model / "model_tuning.json").write_text("{}")
    assert folder_kind(str(run)) == "huggingface"
    assert model_folder(str(run), plugins) == str(model)
    session = Session(str(run), plugins=plugins)
    assert session.backend == "theirs"
    with pytest.raises(SpotError, match=f"opened {model}"):
        _ = session.model


def test_the_kind_of_a_folder(folders: tuple[str, str], tmp_path: Path) -> None:
    assert [folder_kind(folder) for folder in folders] == ["mesh", "huggingface"]
    assert folder_kind(str(tmp_path)) is None and folder_kind("gs://bucket/model") is None


def test_a_hugging_face_folder_goes_to_an_engine_that_reads_it(
    plugins: Plugins, folders: tuple[str, str]
) -> None:
    mesh, theirs = folders
    assert choose_backend(theirs, plugins) == "mesh"  # which says how to convert it
    having(plugins, HuggingFace())
    assert choose_backend(theirs, plugins) == "theirs"
    assert choose_backend(mesh, plugins) == "mesh"
    assert choose_backend("gs://bucket/model", plugins) == "mesh"


def test_an_engine_that_lacks_its_library_is_not_chosen(
    plugins: Plugins, folders: tuple[str, str]
) -> None:
    having(plugins, HuggingFace(lacks="torch"))
    assert choose_backend(folders[1], plugins) == "mesh"


def test_without_tensorflow_a_named_model_opens_from_its_other_folder(
    plugins: Plugins, folders: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh, theirs = folders
    both = NamedModel(name="both", folder=lambda: mesh, hf_folder=theirs)
    having(plugins, HuggingFace(), both, NamedModel(name="only-mesh", folder=lambda: mesh))
    assert choose_backend("both", plugins) == "mesh" and model_folder("both", plugins) == mesh
    monkeypatch.setattr(MeshBackend, "missing", lambda self: "tensorflow")
    assert choose_backend("both", plugins) == "theirs"
    assert model_folder("both", plugins) == theirs
    assert choose_backend("only-mesh", plugins) == "mesh"
    with pytest.raises(SpotError, match=r"needs the package tensorflow.*spotfw\[mesh\]"):
        Session("only-mesh", plugins=plugins).model  # noqa: B018 - opens it


def test_what_the_user_names_is_taken(plugins: Plugins, folders: tuple[str, str]) -> None:
    having(plugins, HuggingFace())
    assert Session(folders[1], plugins=plugins).backend == "theirs"
    assert Session(folders[1], plugins=plugins, backend="mesh").backend == "mesh"


def test_the_command_line_says_which_engine_it_chose(
    plugins: Plugins,
    folders: tuple[str, str],
    tiny_task_file: Path,
    spotfw_cli: Any,
    tmp_path: Path,
) -> None:
    having(plugins, HuggingFace())
    words = ("tune", tiny_task_file, "--model", folders[1], "--out", tmp_path / "run")
    ran = spotfw_cli(*words)
    assert ran.status == 1 and f"opened {folders[1]}" in ran.err
    assert "Engine: theirs, because it reads the model's folder as it is." in ran.err
    assert "Engine:" not in spotfw_cli(*words, "--backend", "theirs").err
