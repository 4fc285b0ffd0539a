"""``spotfw tasks bind`` and ``unbind``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spotfw.tasks.bindings import bindings


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SPOTFW_PLUGINS", "")
    monkeypatch.setenv("SPOTFW_TASKS", "")
    monkeypatch.delenv("SPOTFW_DATA", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "cola"
    place.mkdir()
    rows = [{"sentence": f"a fine song {i}", "label": int(i > 1), "idx": i} for i in range(6)]
    for split in ("train", "validation"):
        (place / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return place


def test_a_folder_is_bound_looked_through_and_forgotten(spotfw_cli, folder):
    ran = spotfw_cli("tasks", "bind", "glue_cola", folder, "--json")
    assert ran.status == 0, ran.err
    document = json.loads(ran.out)
    assert (document["task"], document["folder"]) == ("glue_cola_v002", str(folder))
    splits = {row["split"]: row for row in document["splits"]}
    assert splits["train"]["examples"] == 6
    assert splits["train"]["published"] == 8551
    assert splits["train"]["labels"] == {"unacceptable": 2, "acceptable": 4}
    listed = json.loads(spotfw_cli("tasks", "bind", "--json").out)
    assert listed == [{"task": "glue_cola_v002", "folder": str(folder), "by": "hand"}]
    assert str(folder) in spotfw_cli("tasks", "bind").out
    document = json.loads(spotfw_cli("tasks", "show", "glue_cola", "--json").out)
    assert (document["at"], document["folder"]) == ("bound", str(folder))
    assert spotfw_cli("tasks", "unbind", "glue_cola").status == 0
    assert bindings() == {}
    assert folder.is_dir()


def test_another_data_set_is_refused_and_the_binding_stays(spotfw_cli, folder, tmp_path):
    assert spotfw_cli("tasks", "bind", "glue_cola", folder).status == 0
    other = tmp_path / "other"
    other.mkdir()
    for split in ("train", "validation"):
        (other / f"{split}.jsonl").write_text('{"text": "x", "label": 1}\n' * 3)
    ran = spotfw_cli("tasks", "bind", "glue_cola", other)
    assert ran.status == 1
    assert "no column 'sentence'" in ran.err
    assert bindings() == {"glue_cola_v002": folder}
    ran = spotfw_cli("tasks", "bind", "glue_mrpc", other)
    assert ran.status == 1
    assert bindings() == {"glue_cola_v002": folder}


def test_rows_that_cannot_be_used_are_named(spotfw_cli, folder, caplog):
    with (folder / "train.jsonl").open("a") as file:
        file.write('{"sentence": "a song", "label": 7, "idx": 9}\n')
    ran = spotfw_cli("tasks", "bind", "glue_cola", folder, "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["splits"][0]["examples"] == 6
    assert "1 of 7 rows cannot be used" in caplog.text
    assert "train.jsonl:7" in caplog.text


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("bind", "glue_cola"), 2, "Name the folder too"),
        (("bind", "glue_cola", "nowhere"), 2, "does not exist"),
        (("bind", "glue_colla", "nowhere"), 2, "Did you mean"),
        (("unbind", "glue_cola"), 2, "no bound task named 'glue_cola_v002'"),
        (("unbind", "nobody"), 2, "no bound task named 'nobody'"),
    ],
)
def test_wrong_use(spotfw_cli, words, status, message):
    ran = spotfw_cli("tasks", *words)
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err
    assert bindings() == {}


def test_nothing_is_bound(spotfw_cli):
    ran = spotfw_cli("tasks", "bind", "--json")
    assert json.loads(ran.out) == []
    assert "No task is bound" in spotfw_cli("tasks", "bind").err


def test_folders_of_the_variable_are_listed_too(spotfw_cli, folder, monkeypatch):
    place = folder.rename(folder.with_name("glue_cola"))
    monkeypatch.setenv("SPOTFW_DATA", str(place.parent))
    binding = {"task": "glue_cola_v002", "folder": str(place), "by": "SPOTFW_DATA"}
    assert json.loads(spotfw_cli("tasks", "bind", "--json").out) == [binding]
    assert json.loads(spotfw_cli("tasks", "show", "glue_cola", "--json").out)["at"] == "bound"


def test_a_variable_that_names_no_folder_is_reported(spotfw_cli, monkeypatch):
    monkeypatch.setenv("SPOTFW_DATA", "nowhere")
    ran = spotfw_cli("tasks", "bind")
    assert (ran.status, ran.out) == (2, "")
    assert "SPOTFW_DATA names nowhere, which is no folder" in ran.err
    for words in (("list",), ("show", "glue_cola")):
        ran = spotfw_cli("tasks", *words, "--json")
        assert ran.status == 0 and json.loads(ran.out)
        assert "SPOTFW_DATA names nowhere" in ran.err


def test_absent_data_is_reported_with_how_to_get_it(spotfw_cli, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    shown = spotfw_cli("tasks", "show", "glue_cola").out
    (paragraph,) = [line for line in shown.splitlines() if "not on this machine" in line]
    assert "`spotfw tasks bind glue_cola FOLDER`" in paragraph
    assert "sentence (text), label (0 unacceptable, 1 acceptable)" in paragraph
    assert "t.load('glue/cola:1.0.0')" in paragraph
