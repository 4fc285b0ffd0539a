"""Folders bound to tasks: kept, found by any name, and reported when they are no longer so."""

from __future__ import annotations

import json
import os

import pytest

from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.tasks import bindings


@pytest.fixture(autouse=True)
def _own_configuration(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "my data"
    made.mkdir()
    return made


def test_nothing_is_bound_at_first():
    assert bindings.bindings() == {}
    assert bindings.bound("glue_mnli") is None
    assert not bindings.bindings_file().exists()


def test_bound_stays_bound(folder):
    assert bindings.bind("glue_mnli", folder) == folder
    assert bindings.bound("glue_mnli") == folder
    assert bindings.bindings() == {"glue_mnli": folder}
    assert json.loads(bindings.bindings_file().read_text()) == {"glue_mnli": str(folder)}


def test_a_relative_folder_is_kept_as_the_place_it_is(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder.parent)
    bindings.bind("a", "my data")
    monkeypatch.chdir(tmp_path.parent)
    assert bindings.bound("a") == folder


def test_any_name_of_a_task_finds_it(folder):
    bindings.bind("super_glue_cb", folder)
    assert bindings.bound("super_glue_cb_v102", "super_glue_cb") == folder
    assert bindings.bound("super_glue_cb_v102", "cb") is None


def test_binding_again_replaces_and_leaves_the_others(folder, tmp_path):
    bindings.bind("a", folder)
    bindings.bind("b", folder)
    bindings.bind("a", tmp_path)
    assert bindings.bindings() == {"a": tmp_path, "b": folder}


def test_unbound(folder):
    bindings.bind("a", folder)
    bindings.unbind("a")
    assert bindings.bindings() == {}
    assert folder.is_dir()
    with pytest.raises(UnknownName, match="no bound task named 'a'"):
        bindings.unbind("a")


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(WrongUse, match="does not exist"):
        bindings.bind("a", tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongUse, match="is a file, not a folder"):
        bindings.bind("a", tmp_path / "file")
    assert bindings.bindings() == {}


def test_a_folder_that_is_gone_is_reported(folder):
    bindings.bind("a", folder)
    folder.rmdir()
    with pytest.raises(SpotError, match=r"which is not there.*spotfw tasks unbind a"):
        bindings.bound("a")
    bindings.unbind("a")
    assert bindings.bound("a") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 3}', '{"a": ""}', "[" * 100_000, b"\xff"])
def test_a_spoilt_file_is_reported_and_not_written_over(text, folder):
    path = bindings.bindings_file()
    path.parent.mkdir(parents=True)
    spoilt = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(spoilt)
    for call in (lambda: bindings.bound("a"), lambda: bindings.bind("a", folder)):
        with pytest.raises(SpotError, match="cannot be read"):
            call()
    assert path.read_bytes() == spoilt


def test_folders_of_the_variable_are_found_by_name(tmp_path, monkeypatch, folder):
    for name in ("first/glue_rte", "second/glue_rte", "second/super_glue_wsc_fixed"):
        (tmp_path / name).mkdir(parents=True)
    both = os.pathsep.join(str(tmp_path / n) for n in ("first", "second"))
    monkeypatch.setenv(bindings.VARIABLE, both)
    assert bindings.bound("glue_rte_v002", "glue_rte") == tmp_path / "first/glue_rte"
    also = bindings.folder_name("super_glue/wsc.fixed:1.0.2")
    assert bindings.bound("super_glue_wsc", also) == tmp_path / "second" / also
    assert bindings.bound("glue_mnli") is None
    bindings.bind("glue_rte", folder)  # said of this task alone, so it comes first
    assert bindings.bound("glue_rte_v002", "glue_rte") == folder


def test_no_name_leads_out_of_the_variable_s_folder(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv(bindings.VARIABLE, str(tmp_path / "data"))
    for name in ("..", ".", "", "../data", str(tmp_path)):
        assert bindings.bound(name) is None


def test_a_variable_that_names_no_folder_is_wrong_use(monkeypatch, tmp_path):
    monkeypatch.setenv(bindings.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(WrongUse, match=r"SPOTFW_DATA names .*nowhere"):
        bindings.bound("a")
