"""A library by its folder, or by the name of a model that comes with one."""

from __future__ import annotations

from pathlib import Path

import pytest

import spotfw
from spotfw.contracts import NamedModel
from spotfw.errors import SpotError, WrongUse
from spotfw.library import Library, ReleasedLibrary
from spotfw.plugins import Plugins
from spotfw.plugins.libraries import libraries_named, library_named, released_folder
from spotfw.prompts import SoftPrompt


@pytest.fixture
def plugins(
    spotfw_plugins: Plugins, spotfw_filled_library: Library, monkeypatch: pytest.MonkeyPatch
) -> Plugins:
    """With the models ``small``, which comes with a library, and ``bare``, which does not."""

    class Models:
        @spotfw.hookimpl
        def spotfw_models(self) -> list[NamedModel]:
            return [
                NamedModel(
                    name="small", folder=lambda: "nowhere", library=spotfw_filled_library.folder
                ),
                NamedModel(name="bare", folder=lambda: "nowhere"),
            ]

    spotfw_plugins.register(Models(), "models")
    monkeypatch.chdir(Path(spotfw_filled_library.folder).parent)
    return spotfw_plugins


def test_a_models_name_is_its_library(plugins: Plugins) -> None:
    library = library_named("small", plugins, there=True)
    assert isinstance(library, ReleasedLibrary) and len(library.entries()) == 6
    assert released_folder("small", plugins) == library.folder
    assert released_folder("bare", plugins) is None


def test_a_folder_that_is_there_comes_first(plugins: Plugins) -> None:
    Path("small").mkdir()
    assert type(library_named("small", plugins, there=True)) is Library
    assert released_folder("small", plugins) is None


def test_one_that_must_be_there_and_is_not(plugins: Plugins) -> None:
    with pytest.raises(SpotError, match=r"no library smal: .*come with a library: small"):
        library_named("smal", plugins, there=True)
    assert library_named("new", plugins).entries() == []


def test_several_are_one_and_the_own_one_is_written(plugins: Plugins) -> None:
    for names in (["small", "mine"], ["mine", "small"]):
        Path("mine").mkdir(exist_ok=True)
        both = libraries_named(names, plugins)
        assert both is not None and both.folder == "mine" and len(both.entries()) == 6
    assert libraries_named((), plugins) is None
    with pytest.raises(SpotError, match="no library other"):
        libraries_named(["mine", "other"], plugins)


def test_a_session_without_a_library_reads_the_models(plugins: Plugins) -> None:
    session = spotfw.Session("small", plugins=plugins)
    assert len(session.library.entries()) == 6
    with pytest.raises(SpotError, match="is only read"):
        session.library.add(SoftPrompt([[1.0]]))
    with pytest.raises(WrongUse, match="needs a prompt library"):
        _ = spotfw.Session("bare", plugins=plugins).library


def test_what_could_not_be_kept_is_not_tuned(plugins: Plugins, spotfw_task_folder: Path) -> None:
    session = spotfw.Session("small", "small", plugins=plugins)
    task = str(spotfw_task_folder / "tiny_reviews.toml")
    with pytest.raises(SpotError, match="is only read"):
        session.tune(task)


def test_commands_know_it_by_name(plugins: Plugins, spotfw_cli, tmp_path: Path) -> None:
    import json

    listed = spotfw_cli("library", "list", "small", "--json")
    assert len(json.loads(listed.out)) == 6
    assert spotfw_cli("library", "verify", "--library", "small").status == 0
    id = json.loads(listed.out)[0]["id"]
    shown = spotfw_cli("library", "show", id, "--library", "small", "--json")
    assert json.loads(shown.out)["id"] == id
    assert spotfw_cli("library", "export", id, "one.npy", "--library", "small").status == 0
    for words in (
        ("add", "one.npy"),
        ("import", "one.npy"),
        ("remove", id, "--yes"),
        ("remove", "--leftovers", "--yes"),
    ):
        refused = spotfw_cli("library", *words, "--library", "small")
        assert refused.status == 1 and "is only read" in refused.err, words
    imported = spotfw_cli("library", "import", "small", "--library", "mine")
    assert imported.status == 0 and len(Library("mine").entries()) == 6
