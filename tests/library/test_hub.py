"""Libraries and models of the Hugging Face hub, on a local server."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from spotfw.errors import SpotError, WrongUse
from spotfw.library import Library, hub
from spotfw.library.archive import Limits
from spotfw.library.card import MARK, CardFacts, card
from spotfw.library.hub_library import HubLibrary, open_hub_library, push
from spotfw.plugins import default_plugins
from spotfw.plugins.hub_models import hub_model, is_hub_model
from spotfw.plugins.libraries import libraries_named, library_named
from spotfw.plugins.models import choose_backend, model_folder

NAME = "hf://someone/prompts"


@pytest.fixture
def library(spotfw_filled_library) -> Library:
    return spotfw_filled_library


@pytest.fixture
def pushed(hub_server, library) -> Library:
    """The library, of which all is on the hub."""
    push(library, library.entries(), NAME)
    return library


def _unreachable(monkeypatch, hub_server):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")


# Names.


@pytest.mark.parametrize(
    ("name", "repo", "revision"),
    [
        ("hf://a/b", "a/b", None),
        ("a/b", "a/b", None),
        ("hf://a-1/B.c_2@refs/pr/7", "a-1/B.c_2", "refs/pr/7"),
    ],
)
def test_names(name, repo, revision):
    place = hub.hub_place(name)
    assert (place.repo, place.revision) == (repo, revision)
    assert str(place) == "hf://" + name.removeprefix("hf://")


@pytest.mark.parametrize(
    "name", ["hf://", "hf://a", "hf://a/b/c", "hf://../b", "a/b@", "hf://a/ b"]
)
def test_what_is_no_name(name):
    with pytest.raises(WrongUse, match="names no repository"):
        hub.hub_place(name)


# Libraries.


def test_what_is_pushed_is_read_like_any_other_library(pushed):
    there = library_named(NAME, default_plugins(), there=True)
    assert isinstance(there, HubLibrary)
    assert there.entries() == pushed.entries()
    metric = default_plugins().metric("per_token_cosine")
    query = pushed.embedding(pushed.entries()[0].id)
    assert there.rank(query, metric) == pushed.rank(query, metric)


def test_pushing_again_sends_nothing_and_more_adds_only_what_is_new(hub_server, library):
    first, *others = library.entries()
    one = push(library, [first], NAME)
    assert set(one.names) == {f"{i}.safetensors" for i in {first.id, first.embedding_id}}
    before = dict(hub_server.files["someone/prompts"])
    hub_server.asked.clear()
    again = push(library, [first], NAME)
    assert again.names == () and hub_server.files["someone/prompts"] == before
    assert not [asked for asked in hub_server.asked if asked.startswith("POST")]
    more = push(library, others, NAME)
    assert len(more.entries) == len(library.entries())
    after = hub_server.files["someone/prompts"]
    assert all(after[name] == data for name, data in before.items() if name != "README.md")


def test_the_page_is_kept_up_and_keeps_what_was_said(hub_server, library):
    first, *others = library.entries()
    push(library, [first], NAME, licence="apache-2.0", base_model="google/flan-t5-small")
    push(library, others, NAME)
    page = hub_server.files["someone/prompts"]["README.md"].decode()
    assert 'license: "apache-2.0"' in page and 'base_model: "google/flan-t5-small"' in page
    assert all(f"`{entry.id}`" in page for entry in library.entries())


def test_an_owner_s_own_page_is_left(hub_server, library):
    hub_server.files["someone/prompts"] = {"README.md": b"# Mine\n"}
    pushed = push(library, library.entries(), NAME)
    assert pushed.card is None
    assert hub_server.files["someone/prompts"]["README.md"] == b"# Mine\n"


def test_a_dry_run_asks_nothing(hub_server, library):
    pushed = push(library, library.entries(), NAME, dry_run=True)
    assert MARK in pushed.card and pushed.page == "" and hub_server.asked == []


def test_pulling_never_overwrites(pushed, tmp_path, spotfw_cli):
    mine = Library(tmp_path / "mine")
    entry = pushed.entries()[0]
    mine.add(pushed.best(entry.id), pushed.embedding(entry.id))
    files = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "mine").glob("*.safetensors")}
    for _ in range(2):
        ran = spotfw_cli("library", "pull", "someone/prompts", "--library", tmp_path / "mine")
        assert ran.status == 0, ran.err
        assert [e.id for e in mine.entries()] == [e.id for e in pushed.entries()]
    now = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "mine").glob("*.safetensors")}
    assert files.items() <= now.items()


def test_the_commands(hub_server, library, spotfw_cli):
    first = library.entries()[0]
    words = ("--library", library.folder, "--json")
    dry = spotfw_cli("library", "push", "someone/prompts", first.id[:6], "--dry-run", *words)
    assert json.loads(dry.out)["page"] is None and not hub_server.files
    done = json.loads(spotfw_cli("library", "push", "someone/prompts", *words).out)
    assert done["library"] == NAME and done["prompts"] == len(library.entries())
    assert done["page"] == f"{hub_server.address}/someone/prompts"
    listed = json.loads(spotfw_cli("library", "list", NAME, "--json").out)
    assert [row["id"] for row in listed] == [e.id for e in library.entries()]
    ranked = spotfw_cli("library", "rank", first.id, "--library", NAME, "--json")
    assert len(json.loads(ranked.out)) == len(library.entries()) - 1
    refused = spotfw_cli("library", "remove", first.id, "--yes", "--library", NAME)
    assert refused.status == 1 and "only read here" in refused.err


def test_a_library_of_the_hub_stands_behind_one_s_own(pushed, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for names in ([str(mine), NAME], [NAME, str(mine)]):
        both = libraries_named(names, default_plugins())
        assert [e.id for e in both.entries()] == [e.id for e in pushed.entries()]
        assert both.folder == str(mine)
    with pytest.raises(SpotError, match="only read here"):
        library_named(NAME, default_plugins()).add(pushed.best(pushed.entries()[0].id))


def test_a_session_takes_it(pushed, spotfw_numpy_backend, tmp_path):
    from spotfw import Session

    session = Session(str(tmp_path), backend="numpy", library=NAME)
    assert len(session.library.entries()) == len(pushed.entries())


# Strangers' files.


def test_a_damaged_file_is_refused(hub_server, pushed):
    files = hub_server.files["someone/prompts"]
    name = next(name for name in files if name.endswith(".safetensors"))
    files[name] = files[name][:-1] + b"?"
    with pytest.raises(SpotError, match=r"not sound.*content does not match"):
        open_hub_library(NAME)


def test_other_weights_and_too_much_are_not_fetched(hub_server, pushed):
    small = Limits(members=2)
    for limits in (small, Limits(member_bytes=100), Limits(total_bytes=1000)):
        with pytest.raises(SpotError, match="is not fetched"):
            open_hub_library(NAME, limits)
    hub_server.files["someone/prompts"]["model.safetensors"] = b"\0" * 100
    hub_server.asked.clear()
    with pytest.raises(SpotError, match="no library of prompts"):
        open_hub_library(NAME)
    with pytest.raises(SpotError, match="no library of prompts"):
        push(pushed, pushed.entries(), NAME)
    assert not [asked for asked in hub_server.asked if "/resolve/" in asked]


def test_other_files_are_not_fetched(hub_server, pushed):
    hub_server.files["someone/prompts"]["run.py"] = b"print()"
    hub_server.files["someone/prompts"]["sub/0123456789abcdef.safetensors"] = b""
    folder = Path(open_hub_library(NAME).folder)
    assert {p.suffix for p in folder.iterdir()} <= {".safetensors", ".md"}


def test_a_page_has_no_markup_of_the_prompts(library):
    entry = library.entries()[0]
    text = "a | b\n<img src=x> [c](d)"
    provenance = attrs.evolve(entry.provenance, task=text, extra={"licence_of_data": "CC BY 4.0"})
    page = card([attrs.evolve(entry, provenance=provenance)], CardFacts(repo="a/b"))
    row = next(line for line in page.splitlines() if entry.id in line)
    assert "\\<img" in row and "\\| b" in row and "\\[c\\]" in row and "CC BY 4.0" in row
    assert 'license: "unknown"' in page


# Errors.


def test_offline_is_one_paragraph(hub_server, library, monkeypatch):
    _unreachable(monkeypatch, hub_server)
    with pytest.raises(SpotError, match=r"cannot be reached.*hf download someone/prompts") as error:
        open_hub_library(NAME)
    assert "\n" not in str(error.value)
    with pytest.raises(SpotError, match=r"cannot be reached.*Push where there is a network"):
        push(library, library.entries(), NAME)


def test_offline_what_was_fetched_before_is_used(hub_server, pushed, monkeypatch, caplog):
    open_hub_library(NAME)
    _unreachable(monkeypatch, hub_server)
    assert open_hub_library(NAME).entries() == pushed.entries()
    assert "fetched before" in caplog.text


def test_no_such_repository(hub_server):
    with pytest.raises(SpotError, match="no repository someone/else"):
        open_hub_library("hf://someone/else")


def test_no_such_revision(hub_server, pushed):
    with pytest.raises(SpotError, match="no revision 'v9'"):
        open_hub_library(f"{NAME}@v9")


def test_without_a_token(hub_server, library, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(SpotError, match="hf auth login"):
        push(library, library.entries(), NAME)


def test_without_the_package(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(SpotError, match=r"spotfw\[hub\]"):
        open_hub_library(NAME)


def test_nothing_to_push(hub_server, library):
    with pytest.raises(WrongUse, match="No prompt"):
        push(library, [], NAME)


# Models.


@pytest.fixture
def model(hub_server) -> str:
    hub_server.files["google/t5-tiny"] = {
        "config.json": b'{"model_type": "t5"}',
        "model.safetensors": b"weights",
        "spiece.model": b"pieces",
        "pytorch_model.bin": b"pickle",
        "README.md": b"# T5",
        "onnx/model.safetensors": b"other",
    }
    return "google/t5-tiny"


def test_a_model_is_fetched_without_pickles(model, hub_server):
    for name in (model, f"hf://{model}", f"{model}@main"):
        folder = Path(model_folder(name, default_plugins()))
        assert {p.name for p in folder.iterdir()} == {
            "config.json",
            "model.safetensors",
            "spiece.model",
        }
    assert not [asked for asked in hub_server.asked if "pytorch_model" in asked]


def test_a_folder_that_is_there_comes_first(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "google" / "t5-tiny").mkdir(parents=True)
    assert not is_hub_model(model)
    assert model_folder(model, default_plugins()) == model


@pytest.mark.parametrize("name", ["a", "./a", "../a", "/a/b", "a/b/c", "gs://a/b", "a b/c"])
def test_what_is_no_model_of_the_hub(name):
    assert not is_hub_model(name)


def test_it_is_opened_by_an_engine_that_reads_such_folders(model):
    plugins = default_plugins()
    reads = {b.name for b in plugins.backends() if getattr(b, "reads", "") == "huggingface"}
    assert choose_backend(model, plugins) in reads | {"mesh"}


def test_offline_a_model_is_one_paragraph_that_says_how_to_fetch_it(
    hub_server, monkeypatch, spotfw_cli, tmp_path
):
    _unreachable(monkeypatch, hub_server)
    ran = spotfw_cli("models", "show", "google/t5-base-lm-adapt")
    assert ran.status == 1 and ran.out == ""
    text = " ".join(ran.err.split())
    assert "no model folder google/t5-base-lm-adapt here" in text
    assert "hf download google/t5-base-lm-adapt --local-dir t5-base-lm-adapt" in text
    assert "--model t5-base-lm-adapt" in text


def test_offline_a_model_that_was_fetched_is_used(model, hub_server, monkeypatch):
    before = hub_model(model)
    _unreachable(monkeypatch, hub_server)
    assert hub_model(model) == before


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", r"refs/pr/NUMBER"),
    ],
)
def test_what_is_no_model_that_is_read(model, hub_server, without, said):
    del hub_server.files[model][without]
    with pytest.raises(SpotError, match=said):
        hub_model(model)


def test_a_mistyped_folder_is_said_to_be_one(hub_server):
    with pytest.raises(SpotError, match=r"no model folder runs/modle here.*no repository"):
        hub_model("runs/modle")


def test_a_model_of_the_hub_is_tuned_on_and_named_by_its_name(hub_server, tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
    packed = pytest.importorskip("spotfw_playground.bundled").PACKED
    from spotfw import Session

    hub_server.files["google/t5-toy"] = {
        path.name: path.read_bytes() for path in Path(packed).iterdir() if path.is_file()
    }
    session = Session("google/t5-toy", backend="torch:device=cpu", runs=str(tmp_path / "runs"))
    few = {"max_train_examples": 8, "max_eval_examples": 4, "batch_size": 4, "prompt_length": 2}
    tuned = session.tune("film_reviews", steps=1, checkpoint_every=1, embedding_step=1, **few)
    origin = tuned.best.provenance
    assert origin.model == "google/t5-toy"
    assert origin.fingerprint == session.model.fingerprint
    session.close()
