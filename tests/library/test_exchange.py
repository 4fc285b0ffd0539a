"""Prompts come in from other programs' files and go out to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.errors import SpotError, WrongUse
from spotfw.library import Library
from spotfw.library.exchange import (
    export_archive,
    export_format,
    export_prompt,
    import_prompts,
    read_source,
)
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt, load_prompt, save_prompt, write_peft
from tests.places import SHARED

OFFICIAL = SHARED / "prompts" / "t5_1_1_lm100k_base"


def made(number: int, **values: Any) -> SoftPrompt:
    array = np.random.default_rng(number).normal(size=(3, 4))
    return SoftPrompt(array, Provenance(**{"fingerprint": "f", "task": f"t{number}", **values}))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "lib")


def tasks(library: Library) -> list[str | None]:
    return [entry.provenance.task for entry in library.entries()]


def test_a_bare_array_is_named_after_its_file(library: Library, tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "sst2.npy", array)
    (imported,) = import_prompts(library, [str(tmp_path / "sst2.npy")], {"family": "sentiment"})
    entry = library.get(imported.id)
    assert (entry.provenance.task, entry.provenance.family) == ("sst2", "sentiment")
    np.testing.assert_array_equal(library.best(imported.id).array, array)
    (imported,) = import_prompts(library, [str(tmp_path / "sst2.npy")], {"task": "glue_sst2"})
    assert library.get(imported.id).provenance.task == "glue_sst2"


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_arrays_of_other_precisions(library: Library, tmp_path: Path, dtype: Any) -> None:
    np.save(tmp_path / "a.npy", np.eye(3, dtype=dtype))
    (imported,) = import_prompts(library, [str(tmp_path / "a.npy")])
    np.testing.assert_array_equal(imported.best.array, np.eye(3, dtype=np.float32))


def test_an_adapter_is_the_same_wherever_it_lies(library: Library, tmp_path: Path) -> None:
    for place in ("here", "there"):
        write_peft(made(1), tmp_path / place / "mine", base_model="some/t5")
    ids = [
        import_prompts(library, [str(tmp_path / place / "mine") + end])[0].id
        for place, end in (("here", ""), ("there", "/"))
    ]
    assert ids[0] == ids[1]
    assert library.get(ids[0]).provenance.task == "mine"
    assert library.get(ids[0]).provenance.model == "some/t5"


def test_a_runs_folder_gives_value_and_key(library: Library, tmp_path: Path) -> None:
    save_prompt(made(1), tmp_path / "run" / "best.safetensors")
    save_prompt(made(1, step=5), tmp_path / "run" / "embedding.safetensors")
    (imported,) = import_prompts(library, [str(tmp_path / "run")])
    assert library.embedding(imported.id).provenance.step == 5


def test_another_library_is_taken_whole(library: Library, tmp_path: Path) -> None:
    other = Library(tmp_path / "other")
    ids = {other.add(made(1), made(1, step=5)), other.add(made(2))}
    assert {imported.id for imported in import_prompts(library, [other.folder])} == ids
    assert library.entries() == other.entries()


def test_a_source_folder_stays_as_it_is(library: Library, tmp_path: Path) -> None:
    Library(tmp_path / "theirs").add(made(1), made(2))
    index = tmp_path / "theirs" / "index.json"
    for text in (None, b"{}"):
        index.unlink(missing_ok=True)
        if text is not None:
            index.write_bytes(text)
        before = {p.name: p.read_bytes() for p in (tmp_path / "theirs").iterdir()}
        import_prompts(library, [str(tmp_path / "theirs")])
        assert {p.name: p.read_bytes() for p in (tmp_path / "theirs").iterdir()} == before


def test_many_sources_at_once_or_none(library: Library, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 4), np.float32))
    save_prompt(made(2), tmp_path / "b.safetensors")
    (tmp_path / "bad.npy").write_bytes(b"nonsense")
    sources = [str(tmp_path / name) for name in ("a.npy", "b.safetensors", "bad.npy")]
    with pytest.raises(SpotError, match=r"bad\.npy"):
        import_prompts(library, sources)
    assert library.entries() == []
    progress: list[tuple[int, int]] = []
    import_prompts(library, sources[:2], None, lambda *count: progress.append(count))
    assert progress == [(1, 2), (2, 2)]
    assert tasks(library) == ["a", "t2"]


def test_facts_may_not_gainsay_the_file(library: Library, tmp_path: Path) -> None:
    save_prompt(made(1), tmp_path / "p.safetensors")
    with pytest.raises(WrongUse, match="'t1', not 'other'"):
        import_prompts(library, [str(tmp_path / "p.safetensors")], {"task": "other"})
    assert library.entries() == []


def test_sources_that_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, said in (("absent.npy", "no file"), ("empty", "no PEFT adapter"), ("x.zip", "file")):
        with pytest.raises(SpotError, match=said):
            read_source(str(tmp_path / name))


def test_a_zip_is_known_by_its_content(library: Library, tmp_path: Path) -> None:
    other = Library(tmp_path / "other")
    other.add(made(1))
    export_archive(other, other.entries(), str(tmp_path / "a.zip"))
    (tmp_path / "a.zip").rename(tmp_path / "download")
    import_prompts(library, [str(tmp_path / "download")])
    assert tasks(library) == ["t1"]


# Out


@pytest.mark.parametrize("name", ["p.npy", "p.safetensors", "adapter", "x/y/p.npy"])
def test_a_prompt_goes_out_and_comes_back(library: Library, tmp_path: Path, name: str) -> None:
    id = library.add(made(1), made(1, step=5))
    export_prompt(library.best(id), str(tmp_path / name))
    again = load_prompt(tmp_path / name)
    np.testing.assert_array_equal(again.array, made(1).array)
    if name.endswith(".safetensors"):
        assert again == made(1)
    with pytest.raises(SpotError, match="already exists"):
        export_prompt(library.best(id), str(tmp_path / name))


def test_npy_is_what_prompt_tuning_reads(library: Library, tmp_path: Path) -> None:
    export_prompt(made(1), str(tmp_path / "p.npy"))
    array = np.load(tmp_path / "p.npy", allow_pickle=False)
    assert (array.dtype, array.shape, array.flags.c_contiguous) == (np.float32, (3, 4), True)


def test_formats_by_suffix_and_by_name() -> None:
    assert [export_format(d) for d in ("a.npy", "a.safetensors", "a.zip", "a", "b.c/a/")] == [
        "npy",
        "safetensors",
        "zip",
        "peft",
        "peft",
    ]
    assert export_format("t5.v1", "peft") == "peft"
    assert export_format("shared", "zip") == "zip"
    with pytest.raises(WrongUse, match=r"suffix '\.pt'"):
        export_format("a.pt")
    with pytest.raises(WrongUse, match=r"ends in \.npy"):
        export_format("a.safetensors", "npy")


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="needs ../shared/prompts/t5_1_1_lm100k_base")
def test_the_official_prompts(library: Library, tmp_path: Path) -> None:
    """In, ranked, out as an adapter, a zip and .npy, and in again."""
    paths = sorted(map(str, OFFICIAL.glob("*.npy")))
    done = import_prompts(library, paths, {"fingerprint": "f"})
    assert tasks(library) == ["mrpc", "rte", "sst2"]
    ids = {imported.best.provenance.task: imported.id for imported in done}
    for name in ("per_token_cosine", "average_token_cosine"):
        ranking = library.rank(
            library.embedding(ids["rte"]),
            Plugins(entry_points=False).metric(name),
            exclude_ids=[ids["rte"]],
        )
        assert {item.task for item in ranking} == {"mrpc", "sst2"}
    for path in paths:
        task = Path(path).stem
        export_prompt(library.best(ids[task]), str(tmp_path / f"{task}.npy"))
        export_prompt(library.best(ids[task]), str(tmp_path / task))
        assert (tmp_path / f"{task}.npy").read_bytes() == Path(path).read_bytes()
        assert np.array_equal(load_prompt(tmp_path / task).array, np.load(path))
    export_archive(library, library.entries(), str(tmp_path / "all.zip"))
    again = Library(tmp_path / "again")
    import_prompts(again, [str(tmp_path / "all.zip")])
    assert again.entries() == library.entries()
