"""What files of strangers cannot do: a test for each line of docs/security.md."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest
import safetensors.numpy

import spotfw
from spotfw.errors import SpotError, WrongUse
from spotfw.library import Library, kept
from spotfw.library.exchange import import_prompts
from spotfw.library.hub_library import open_hub_library, push
from spotfw.library.index import marked
from spotfw.library.segment import open_segment, write_segment
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt, load_prompt, pack_prompt, save_prompt
from spotfw.reading import Unreadable, parse_json, read_regular
from spotfw.recipe.run_folder import RunFolder
from spotfw.study import read_study
from spotfw.study.grid.names import resolve
from spotfw.tasks import kept_tokens
from spotfw.tasks.rows.cached import cached_splits, check_records
from spotfw.tasks.tables.definition import read_definitions
from spotfw.tasks.tables.template import parse_template
from spotfw.tasks.toml import read_toml
from spotfw.tasks.vocabulary import ByteVocabulary
from tests.places import ROOT

PAGE = ROOT / "docs" / "security.md"


def made(number: int, **facts: Any) -> SoftPrompt:
    array = np.full((2, 3), number, np.float32)
    return SoftPrompt(array, Provenance(**{"task": "t", "fingerprint": "f", **facts}))


def test_each_line_has_its_test_and_each_test_its_line() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows if "test_" in row]
    assert all(len(tests) == 1 for tests in named)
    tests = [name for name in globals() if name.startswith("test_")]
    assert sorted(t for row in named for t in row) == sorted(
        set(tests) - {"test_each_line_has_its_test_and_each_test_its_line"}
    )


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", tmp_path / "pipe", tmp_path):
        with pytest.raises(Unreadable):
            read_regular(path)
        with pytest.raises(SpotError):
            load_prompt(str(path))


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 1000 + "1" + "}" * 1000, "9" * 5000, "[" + "1," * 3_000_000 + "1]"],
)
def test_documents_have_bounds(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"levels|values|digits|bytes"):
        parse_json(text)
    (tmp_path / "x.toml").write_text(f"a = {text.replace('{', '[').replace(':', ',')}")
    with pytest.raises(SpotError):
        read_toml(tmp_path / "x.toml", "task file")


def test_nothing_is_unpickled_or_evaluated() -> None:
    """But by `spotfw.testing`, which sends an author's own parts to a process and back."""
    for path in sorted((ROOT / "spotfw").rglob("*.py")):
        if (ROOT / "spotfw" / "testing") in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")}
            assert not names & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}, path
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", None)
                assert called not in ("eval", "exec"), path
                unsafe = [k for k in node.keywords if k.arg == "allow_pickle"]
                assert all(isinstance(k.value, ast.Constant) and not k.value.value for k in unsafe)


def test_nothing_from_a_file_acts_on_a_terminal(tmp_path: Path, spotfw_cli: Any) -> None:
    library = Library(tmp_path / "lib")
    library.add(made(1, task="\x1b[31mred\x07\u202e", family="\x9b"))
    for words in (("list",), ("list", "--json"), ("verify",)):
        ran = spotfw_cli("library", *words, "--library", tmp_path / "lib")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", ran.out + ran.err)
    with pytest.raises(SpotError) as caught:
        load_prompt(str(tmp_path / "\x1b[31m.npy"))
    assert "\x1b" not in str(caught.value)


@pytest.mark.mesh
@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from __gin__ import dynamic_registration",
        "include '/etc/passwd'",
        "make_layer_stack.layers = @os.system()",
    ],
)
def test_a_models_gin_runs_nothing(line: str) -> None:
    from spotfw.backends.mesh.gin_text import model_gin

    try:
        taken = model_gin(f"d_ff = 32\n{line}\n")
    except SpotError:
        return
    assert "os" not in taken and "include" not in taken and "__gin__" not in taken


def a_hugging_face_model(folder: Path, tiny_model: Path, spotfw_cli: Any) -> Path:
    assert spotfw_cli("models", "convert", tiny_model, folder).status == 0
    return folder


@pytest.mark.parametrize("layers", [10**9, 10**30, -1])
def test_a_models_config_has_bounds(
    layers: int, tmp_path: Path, tiny_model: Path, spotfw_cli: Any
) -> None:
    folder = a_hugging_face_model(tmp_path / "hf", tiny_model, spotfw_cli)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_layers": layers}))
    ran = spotfw_cli("models", "show", folder)
    assert ran.status != 0
    assert "unforeseen" not in ran.err


def test_an_index_of_weights_stays_in_its_folder(
    tmp_path: Path, tiny_model: Path, spotfw_cli: Any
) -> None:
    folder = a_hugging_face_model(tmp_path / "hf", tiny_model, spotfw_cli)
    weights = folder / "model.safetensors"
    names = list(safetensors.numpy.load_file(weights))
    shutil.move(weights, tmp_path / "outside.safetensors")
    index = {"weight_map": dict.fromkeys(names, "../outside.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    ran = spotfw_cli("models", "show", folder)
    assert ran.status != 0
    assert "unforeseen" not in ran.err


def test_pickled_weights_are_refused(tmp_path: Path, tiny_model: Path, spotfw_cli: Any) -> None:
    folder = a_hugging_face_model(tmp_path / "hf", tiny_model, spotfw_cli)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    ran = spotfw_cli("models", "show", folder)
    assert ran.status != 0
    assert "pickle" in ran.err


def test_a_prompt_holds_numbers_only(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([[object()]]), allow_pickle=True)
    with pytest.raises(SpotError):
        load_prompt(str(tmp_path / "p.npy"))


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "..\\outside"])
def test_a_library_stays_in_its_folder(key: str, tmp_path: Path) -> None:
    save_prompt(made(9), tmp_path / "outside.safetensors")
    library = Library(tmp_path / "lib")
    library.add(made(1))
    value = marked(made(2), key)
    name = hashlib.sha256(pack_prompt(value)).hexdigest()[:16]
    save_prompt(value, tmp_path / "lib" / f"{name}.safetensors")
    assert [problem.name for problem in library.verify()] == [f"{name}.safetensors"]
    with pytest.raises(SpotError, match="is not an id"):
        library.embedding(name)


def test_an_index_is_no_truth(tmp_path: Path) -> None:
    library = Library(tmp_path / "lib")
    library.add(made(1), made(2))
    index = tmp_path / "lib" / "index.json"
    entries, good = library.entries(), index.read_text()
    for damaged in (good.replace('"t"', '"u"'), good.replace("embedding_id", "embedding_ix"), "{}"):
        assert damaged != good
        index.write_text(damaged)
        assert library.entries() == entries


def test_vectors_are_no_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LARGE", 2)
    metric = Plugins(entry_points=False).metric("average_token_cosine")
    library = Library(tmp_path / "lib")
    for number in (1, -2, 3):
        library.add(made(number, task=f"t{number}"))
    expected = library.rank(made(9).array, metric, "f").rows()
    (path,) = (tmp_path / "lib" / "index").glob("*.vectors")
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert Library(tmp_path / "lib").rank(made(9).array, metric, "f").rows() == expected
    # With care, digest and all: the most alike are compared by their own files.
    (path,) = (tmp_path / "lib" / "index").glob("*.vectors")
    segment = open_segment(str(path.parent), path.name, "average_token_cosine/1")
    assert segment is not None
    path.unlink()
    forged = attrs.evolve(segment, vectors=-segment.vectors)
    write_segment(str(path.parent), forged, "average_token_cosine/1")
    assert Library(tmp_path / "lib").rank(made(9).array, metric, "f").rows() == expected


def test_a_source_is_left_as_it_is(tmp_path: Path) -> None:
    Library(tmp_path / "theirs").add(made(1))
    import_prompts(Library(tmp_path / "ours"), [str(tmp_path / "theirs")])
    assert not (tmp_path / "theirs" / "index.json").exists()


@pytest.mark.parametrize("name", ["../x.safetensors", "/tmp/x.safetensors", "a/b.safetensors"])
def test_an_archive_stays_in_its_library(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr(name, pack_prompt(made(1)))
    with pytest.raises(SpotError):
        import_prompts(Library(tmp_path / "lib"), [str(tmp_path / "a.zip")])
    assert sorted(path.name for path in tmp_path.iterdir()) in (["a.zip"], ["a.zip", "lib"])


def test_a_repository_brings_prompts_only(hub_server: Any, tmp_path: Path) -> None:
    library = Library(tmp_path / "lib")
    id = library.add(made(1))
    push(library, library.entries(), "hf://a/b")
    there = hub_server.files["a/b"]
    others = ("run.py", "x/y.safetensors", "../z.safetensors", "setup.cfg")
    there |= dict.fromkeys(others, b"print()")
    folder = Path(open_hub_library("hf://a/b").folder)
    assert {p.name for p in folder.iterdir()} <= {f"{id}.safetensors", "README.md"}
    there[f"{id}.safetensors"] = pack_prompt(made(2))
    with pytest.raises(SpotError, match="not sound"):
        open_hub_library("hf://a/b")
    there["0123456789abcdef.safetensors"] = b"cos\nsystem\n(S'echo'\ntR."
    with pytest.raises(SpotError, match="not sound"):
        import_prompts(Library(tmp_path / "mine"), [open_hub_library("hf://a/b").folder])
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("step", ["-1", "999999999999", "", "1e3", "9" * 5000])
def test_an_impossible_state_is_refused(step: str, tmp_path: Path) -> None:
    entry = {"step": 4, "loss": 1.0, "score": 1.0, "metrics": {}}
    header = {"format": "spotfw.state/1", "step": step, "history": json.dumps([entry])}
    data = safetensors.numpy.save({"prompt": np.zeros((2, 3), np.float32)}, metadata=header)
    (tmp_path / "state.safetensors").write_bytes(data)
    with pytest.raises(SpotError, match="damaged"):
        RunFolder(str(tmp_path)).load()


def test_a_study_runs_nothing(tmp_path: Path) -> None:
    text = 'model = "$(touch ran)"\nsources = ["{0.__class__}", "${HOME}"]\ntargets = ["~"]\n'
    (tmp_path / "s.toml").write_text(text)
    study = read_study(tmp_path / "s.toml")
    written = repr(study)
    assert all(name in written for name in ("$(touch ran)", "{0.__class__}", "${HOME}", "'~'"))
    assert [path.name for path in tmp_path.iterdir()] == ["s.toml"]


@pytest.mark.parametrize("line", ['modules = ["harm"]', '[open]\nmodules = ["harm"]'])
def test_a_study_imports_nothing(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spotfw_plugins: Plugins
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "harm.py").write_text("open('ran', 'w').close()\n")
    text = f'model = "./m"\nsources = ["t"]\n{line}\n'
    task = 'name = "t"\ninputs = "{text}"\nlabel_column = "label"\nlabels = ["a", "b"]\n'
    (tmp_path / "t.toml").write_text(
        f'{task}[splits]\ntrain = "rows.jsonl"\nvalidation = "rows.jsonl"\n'
    )
    (tmp_path / "s.toml").write_text(text.replace('"t"', '"t.toml"'))
    with pytest.raises(WrongUse, match="modul"):
        resolve(read_study(tmp_path / "s.toml"), spotfw_plugins)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["~/rows.jsonl", "$HOME/rows.jsonl", "${HOME}/rows.jsonl"])
def test_a_task_file_expands_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "t.toml"
    path.write_text(
        'name = "t"\nfamily = "f"\ninputs = "{text}"\nlabel_column = "label"\n'
        f'labels = ["a", "b"]\n[splits]\ntrain = "{name}"\n'
    )
    ((file, _),) = read_definitions(path)[0].splits["train"]
    assert file == tmp_path / name


@pytest.mark.parametrize("text", ["{a.__class__}", "{a[0]}", "{a!r}", "{a:>99999999999}"])
def test_a_template_is_a_column_and_no_more(text: str) -> None:
    try:
        template = parse_template(text)
    except ValueError:
        pass
    else:
        # A column of that very name, which no attribute of another stands for.
        with pytest.raises(KeyError):
            template.fill({"a": "x"})
    assert parse_template("{a}").fill({"a": "{b}", "b": "x"}) == "{b}"


def test_kept_tokens_are_no_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(kept_tokens.VARIABLE, "10")
    monkeypatch.setattr(kept_tokens, "SMALLEST", 1)
    texts = ["some text", "more of it"]

    def cut(of: list[str]) -> list[list[int]]:
        return [row.tolist() for row in kept_tokens.cut(ByteVocabulary(), of, 99)]

    first, second = cut(texts), cut(texts[::-1])
    assert first == second[::-1]
    paths = sorted(kept_tokens.folder().iterdir())
    contents = [path.read_bytes() for path in paths]
    beyond = (
        contents[0][32:48]
        + np.array([1, 1], "<i4").tobytes()
        + np.array([300] * 2, "<u2").tobytes()
    )
    sealed = kept_tokens._digest(paths[0].stem, beyond) + beyond
    for data in (contents[1], contents[0][:-1], contents[0] + b"0", b"", bytes(99), sealed):
        paths[0].write_bytes(data)
        assert (cut(texts), cut(texts[::-1])) == (first, second)
        assert [path.read_bytes() for path in paths] == contents, "they are made again"


def test_a_cache_of_seqio_has_bounds(tmp_path: Path) -> None:
    def cache(**info: Any) -> list[str]:
        facts = {"num_shards": 1, "features": {"inputs": {"shape": [None], "dtype": "int32"}}}
        (tmp_path / "info.train.json").write_text(json.dumps(facts | info))
        (tmp_path / "stats.train.json").write_text('{"examples": 1}')
        return cached_splits(tmp_path)["train"].files

    (name,) = cache()
    split = cached_splits(tmp_path)["train"]
    record = struct.pack("<QI", 4, 0) + b"four" + bytes(4)
    for data in (struct.pack("<QI", 2**40, 0) + bytes(99), record[:-1], record * 2):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SpotError, match="The cache of a seqio task cannot be read"):
            check_records(tmp_path, split)
    (tmp_path / name).write_bytes(record)
    check_records(tmp_path, split)
    (tmp_path / "train.tfrecord-more-of-1").write_bytes(record)
    with pytest.raises(SpotError, match="no file of this split"):
        check_records(tmp_path, split)
    for shape in ([None, 2**40], [None, None], [2**40]):
        with pytest.raises(SpotError, match="a length of its own"):
            cache(features={"inputs": {"shape": shape, "dtype": "int32"}})
    with pytest.raises(SpotError, match="no number of files"):
        cache(num_shards=2**40)


def test_a_faulty_plugin_harms_nobody_else() -> None:
    def ends() -> Any:
        raise SystemExit(3)

    def forges(run: dict[str, Any]) -> None:
        run.clear()

    hooks: dict[str, Callable[..., Any]] = {
        "spotfw_similarity_metrics": ends,
        "spotfw_run_started": forges,
    }
    faulty = SimpleNamespace(**{name: spotfw.hookimpl(hook) for name, hook in hooks.items()})
    plugins = Plugins(environ={}, entry_points=False)
    plugins.register(faulty, "faulty")
    assert plugins.metric("per_token_cosine")
    run = {"task": "t"}
    plugins.call("spotfw_run_started", run=run)
    assert run == {"task": "t"}
    assert [failure.plugin for failure in plugins.failures] == ["faulty"]
