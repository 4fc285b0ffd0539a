"""``spotfw library import``, ``export`` and ``remove``."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.library import Library
from spotfw.plugins import Plugins
from spotfw.prompts import load_prompt
from tests.cli.conftest import prompt


@pytest.fixture
def ids(folder: Path) -> list[str]:
    """A library of three entries; the first two have a key of their own."""
    library = Library(folder)
    return [
        library.add(prompt(0, family="x"), prompt(0, step=1)),
        library.add(prompt(1, family="x"), prompt(1, step=1)),
        library.add(prompt(2, family="y")),
    ]


def test_import_prints_ids_and_tells_the_plugins(
    call: Callable[..., Any],
    folder: Path,
    tmp_path: Path,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    monkeypatch.setattr(plugins, "call", lambda hook, **values: calls.append((hook, values)))
    for name in ("sst2", "mnli"):
        np.save(tmp_path / f"{name}.npy", np.full((3, 4), len(calls) + 1.0))
    ran = call("import", tmp_path / "sst2.npy", tmp_path / "mnli.npy", "--fingerprint", "f")
    assert ran.status == 0
    entries = {e.id: e.provenance for e in Library(folder).entries(fingerprint="f")}
    assert [entries[id].task for id in ran.out.split()] == ["sst2", "mnli"]
    assert [hook for hook, _ in calls] == ["spotfw_prompt_added"] * 2
    rows = json.loads(call("import", tmp_path / "sst2.npy", "--task", "s", "--json").out)
    assert rows[0]["task"] == "s"
    assert Path(rows[0]["path"]).is_file()


def test_import_of_what_is_broken(call: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"x")
    ran = call("import", tmp_path / "a.zip", "--json")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert not folder.exists()
    assert call("import").status == 2


def test_export_all_or_some_as_a_zip(
    call: Callable[..., Any], ids: list[str], tmp_path: Path, spotfw_cli: Callable[..., Any]
) -> None:
    for name, words, count in (
        ("all.zip", (), 3),
        ("x.zip", ("--family", "x"), 2),
        ("one.zip", (ids[0][:12],), 1),
        ("named", (ids[0], ids[2], "--format", "zip"), 2),
    ):
        ran = call("export", *words, tmp_path / name, "--json")
        assert ran.status == 0
        document = json.loads(ran.out)
        assert (document["format"], len(document["ids"])) == ("zip", count)
        other = tmp_path / f"{name}-lib"
        assert spotfw_cli("library", "import", tmp_path / name, "--library", other).status == 0
        assert {e.id for e in Library(other).entries()} == set(document["ids"])
    assert "already exists" in call("export", tmp_path / "all.zip").err


def test_export_one(call: Callable[..., Any], ids: list[str], tmp_path: Path) -> None:
    call("export", ids[0], tmp_path / "p.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), prompt(0).array)
    call("export", ids[0], tmp_path / "key.safetensors", "--embedding")
    assert load_prompt(tmp_path / "key.safetensors").provenance.step == 1
    call("export", ids[0], tmp_path / "adapter", "--base-model", "some/t5")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "some/t5"
    assert load_prompt(tmp_path / "adapter").length == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("p.npy",), "takes one prompt"),
        (("ID", "ID2", "p.npy"), "takes one prompt"),
        (("ID", "p.pt"), "suffix '.pt'"),
        (("ID", "p.zip", "--embedding"), "leave out --embedding"),
        (("ID", "p.npy", "--format", "safetensors"), "ends in .safetensors"),
        (("ID", "p.npy", "--family", "y"), "filters leave out"),
        (("zzzz", "p.npy"), "no prompt in"),
        (("p.zip", "--task", "t9"), "Did you mean 't"),
        ((), "DST"),
    ],
)
def test_export_of_what_makes_no_sense(
    call: Callable[..., Any], ids: list[str], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    names = {"ID": ids[0], "ID2": ids[1]}
    ran = call("export", *(names.get(w, str(tmp_path / w) if "." in w else w) for w in words))
    assert ran.status == 2
    assert said in ran.err
    assert not list(tmp_path.glob("p*"))


def test_remove_asks(
    call: Callable[..., Any], folder: Path, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])
    asked = []

    def confirm(text: str, **values: Any) -> bool:
        asked.append(text)
        if not next(answers):
            import click

            raise click.Abort
        return True

    monkeypatch.setattr("click.confirm", confirm)
    assert call("remove", ids[0]).status != 0
    assert len(Library(folder).entries()) == 3
    ran = call("remove", ids[0])
    assert ran.status == 0
    assert f"{ids[0]}.safetensors" in ran.err
    assert len(asked) == 2
    assert len(Library(folder).entries()) == 2


def test_remove_without_a_terminal_says_yes(
    call: Callable[..., Any], folder: Path, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for stdin in (None, io.StringIO(""), io.StringIO("n\n")):
        monkeypatch.setattr("sys.stdin", stdin)
        ran = call("remove", ids[0])
        assert ran.status == 2
        assert "Say --yes." in ran.err
    assert len(Library(folder).entries()) == 3


def test_remove_with_yes(call: Callable[..., Any], folder: Path, ids: list[str]) -> None:
    key = Library(folder).get(ids[1]).embedding_id
    ran = call("remove", ids[1][:12], ids[2], "--yes", "--json")
    removed = json.loads(ran.out)["removed"]
    assert set(removed) == {f"{id}.safetensors" for id in (ids[1], ids[2], key)}
    assert [e.id for e in Library(folder).entries()] == [ids[0]]
    assert call("remove", ids[1], "--yes").status == 2
    assert call("remove", "--yes").status == 2


def test_leftovers_are_reported_and_removed(
    call: Callable[..., Any], folder: Path, ids: list[str]
) -> None:
    library = Library(folder)
    key = library.get(ids[0]).embedding_id
    (folder / f"{ids[0]}.safetensors").unlink()
    ran = call("verify", "--json")
    assert (ran.status, json.loads(ran.out)["sound"]) == (0, True)
    assert json.loads(ran.out)["leftovers"] == [f"{key}.safetensors"]
    assert "remove --leftovers" in ran.err
    assert json.loads(call("remove", "--leftovers", "--yes", "--json").out)["removed"] == [
        f"{key}.safetensors"
    ]
    assert library.leftovers() == []


def test_a_damaged_file_is_named_and_can_be_removed(
    call: Callable[..., Any], folder: Path, ids: list[str]
) -> None:
    (folder / f"{ids[2]}.safetensors").write_bytes(b"x")
    (folder / "index.json").unlink(missing_ok=True)
    ran = call("list")
    assert ran.status == 1
    assert f"spotfw library remove {ids[2]}" in ran.err
    assert call("verify").status == 1
    assert call("remove", ids[2], "--yes").status == 0
    assert call("verify").status == 0
    assert len(json.loads(call("list", "--json").out)) == 2
