"""The library keeps what is added, finds it, and never compares what cannot be compared."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.contracts import Array, SimilarityMetric
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.library import Library
from spotfw.library.index import save_index
from spotfw.library.store import Store
from spotfw.metrics import per_token_cosine
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt, load_prompt


def made(number: int = 0, shape: tuple[int, int] = (3, 4), **values: Any) -> SoftPrompt:
    array = np.random.default_rng(number).normal(size=shape)
    return SoftPrompt(array, Provenance(**{"fingerprint": "f", "task": "t", **values}))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "lib")


@pytest.fixture
def metric() -> SimilarityMetric:
    return Plugins(entry_points=False).metric("per_token_cosine")


def names(library: Library) -> list[str]:
    return sorted(os.listdir(library.folder))


def test_what_is_added_is_found(library: Library) -> None:
    best, early = made(1, step=500, score=80.0), made(2, step=100)
    id = library.add(best, early)
    entry = library.get(id)
    assert (entry.length, entry.width, entry.provenance.task) == (3, 4, "t")
    np.testing.assert_array_equal(library.best(id).array, best.array)
    assert library.best(id).provenance.score == 80
    np.testing.assert_array_equal(library.embedding(id).array, early.array)
    assert library.embedding(id).provenance.step == 100
    assert len(library.entries()) == 1
    assert library.verify() == []
    np.testing.assert_array_equal(load_prompt(library.path(id)).array, best.array)
    json.dumps(entry.to_dict())


def test_adding_again_changes_nothing(library: Library) -> None:
    assert library.add(made(1), made(2)) == library.add(made(1), made(2))
    assert len([n for n in names(library) if n.endswith(".safetensors")]) == 2


def test_a_prompt_alone_is_its_own_key(library: Library) -> None:
    id = library.add(made(1))
    assert library.get(id).embedding_id == id
    assert library.embedding(id) == library.best(id)


def test_entries_move_between_libraries(library: Library, tmp_path: Path) -> None:
    id = library.add(made(1), made(2))
    alone = library.add(made(3))
    other = Library(tmp_path / "other")
    for each in (id, alone):
        other.add(library.best(each), library.embedding(each))
    assert len(other.entries()) == 2
    assert other.get(id).embedding_id == library.get(id).embedding_id
    assert other.verify() == []


def test_an_empty_library(library: Library, metric: SimilarityMetric) -> None:
    assert library.entries() == []
    assert library.verify() == []
    assert len(library.rank(made(), metric)) == 0
    assert not os.path.exists(library.folder)


def test_filters_and_order(library: Library) -> None:
    library.add(made(1, task="b", family="x", seed=1))
    library.add(made(2, task="b", family="x", seed=0))
    library.add(made(3, task="a", family="y", seed=0, fingerprint="g"))

    def listed(**wanted: Any) -> list[Any]:
        return [(e.provenance.task, e.provenance.seed) for e in library.entries(**wanted)]

    assert listed() == [("a", 0), ("b", 0), ("b", 1)]
    assert listed(task="b") == [("b", 0), ("b", 1)]
    assert listed(seed=0, family="x") == [("b", 0)]
    assert listed(fingerprint="g") == [("a", 0)]
    assert listed(task="absent") == []


def test_ids_may_be_cut_short(library: Library) -> None:
    ids = [library.add(made(i)) for i in range(3)]
    assert library.get(ids[0][:8]).id == ids[0]
    with pytest.raises(UnknownName, match="no prompt in"):
        library.get("zzzz")
    with pytest.raises(UnknownName):
        library.get("")
    many = [library.add(made(i)) for i in range(3, 40)]
    first = next(i[0] for i in many if sum(j[0] == i[0] for j in many) > 1)
    with pytest.raises(WrongUse, match="Give more of its digits"):
        library.get(first)


@pytest.mark.parametrize(
    "other", [made(2, (3, 5)), made(2, (4, 4)), made(2, fingerprint="g"), made(2, fingerprint=None)]
)
def test_a_key_that_does_not_fit_its_value(library: Library, other: SoftPrompt) -> None:
    with pytest.raises(SpotError, match="task embedding"):
        library.add(made(1), other)
    assert library.entries() == []


# Ranking


def test_prompts_of_models_known_by_name_alone(library: Library, metric: SimilarityMetric) -> None:
    """Without fingerprints, names tell frozen models apart, as far as they are known."""
    for number, model in enumerate(("t5-base", "gpt2", None)):
        library.add(made(number, fingerprint=None, model=model, task=f"task{number}"))
    ranking = library.rank(made(9, fingerprint=None, model="t5-base"), metric)
    assert {entry.task for entry in ranking} == {"task0", "task2"}
    assert ranking.left_out == {"of another model": 1}
    assert len(library.rank(made(9, fingerprint=None, model=None), metric)) == 3


def test_prompts_of_version_0_1_are_found(library: Library, metric: SimilarityMetric) -> None:
    """Their fingerprint is the beginning of today's; both are of one model."""
    old, new = "0123456789abcdef", "0123456789abcdef" + "f" * 16
    library.add(made(1, fingerprint=old, task="before"))
    library.add(made(2, fingerprint=new, task="now"))
    library.add(made(3, fingerprint=old + "0" * 16, task="others"))
    for fingerprint, tasks in ((new, {"before", "now"}), (old, {"before", "now", "others"})):
        assert {e.task for e in library.rank(made(9), metric, fingerprint=fingerprint)} == tasks
        assert {e.provenance.task for e in library.entries(fingerprint=fingerprint)} == tasks


def test_ranking_is_by_the_task_embeddings(library: Library, metric: SimilarityMetric) -> None:
    query = made(99)
    keys = [made(i) for i in range(20)]
    ids = [library.add(made(100 + i, task=f"t{i}", seed=i), k) for i, k in enumerate(keys)]
    ranking = library.rank(query, metric, name="cb")
    expected = sorted(
        ((per_token_cosine(query.array, k.array), id) for k, id in zip(keys, ids, strict=True)),
        reverse=True,
    )
    assert [r.id for r in ranking] == [id for _, id in expected]
    np.testing.assert_allclose([r.similarity for r in ranking], [s for s, _ in expected])
    assert (ranking.metric, ranking.query) == ("per_token_cosine", "cb")
    assert list(library.rank(query, metric)) == list(ranking)
    late = library.add(made(200, task="late"), SoftPrompt(query.array * 2, query.provenance))
    average = Plugins(entry_points=False).metric("average_token_cosine")
    assert library.rank(query, average)[0].id == late


def test_only_the_same_model_and_length_are_compared(
    library: Library, metric: SimilarityMetric
) -> None:
    same = library.add(made(1, task="a"))
    library.add(made(2, fingerprint="g"))
    library.add(made(3, fingerprint=None))
    library.add(made(4, (5, 4)))
    library.add(made(5, (3, 6)))
    own = library.add(made(6, task="cb"))
    ranking = library.rank(made(9), metric, exclude_task="cb")
    assert [r.id for r in ranking] == [same]
    assert ranking.left_out == {
        "of another model": 2,
        "of another length": 2,
        "of the task itself": 1,
    }
    assert [r.id for r in library.rank(made(9), metric, exclude_ids=[same])] == [own]
    assert len(library.rank(made(9).array, metric)) == 1
    assert len(library.rank(made(9).array, metric, "g")) == 1


def test_a_metric_that_gives_nonsense(library: Library) -> None:
    class Odd(SimilarityMetric):
        name = "odd"

        def features(self, prompt: Array) -> Array:
            return np.full(2, np.nan, np.float32)

    library.add(made(1))
    with pytest.raises(SpotError, match="'odd' gave"):
        library.rank(made(2), Odd())


def test_two_metrics_of_one_name_do_not_mix(library: Library) -> None:
    class Fixed(SimilarityMetric):
        name = "same"

        def __init__(self, value: float) -> None:
            self.value = value

        def features(self, prompt: Array) -> Array:
            return np.array([self.value], np.float32)

    library.add(made(1))
    assert library.rank(made(2), Fixed(2))[0].similarity == 4
    assert library.rank(made(2), Fixed(3))[0].similarity == 9


def test_a_metric_may_look_at_which_tasks_the_prompts_are_of(library: Library) -> None:
    read = list[Any]()

    class ByTask(SimilarityMetric):
        name = "by_task"
        note = ""
        worth: tuple[float, ...] = ()

        def features(self, prompt: Array) -> Array:
            read.append(prompt)
            return np.zeros(1, np.float32)

        def compare(self, query: Any, stack: Any) -> Any:
            return np.array(self.worth)

        def with_sources(self, sources: Any, target: str | None) -> SimilarityMetric:
            bound = ByTask()
            bound.worth = tuple({"a": 1.0, "b": 3.0}.get(task, 2.0) for task in sources)
            bound.note = f"for {target}"
            return bound

    for number, task in enumerate(("a", "b", "c")):
        library.add(made(number, task=task))
    metric = ByTask()
    ranking = library.rank(made(9, task="mine"), metric)
    assert [item.task for item in ranking] == ["b", "c", "a"]
    assert ranking.notes == ("for mine",) and metric.note == ""
    assert len(read) == 4
    bare = library.rank(SoftPrompt(made(9).array), metric, "f", exclude_task="a")
    assert [item.task for item in bare] == ["b", "c"] and bare.notes == ("for a",)
    assert len(read) == 5, "features of the library's prompts are kept"


# Files


def test_the_index_is_made_anew(library: Library) -> None:
    library.add(made(1), made(2))
    index = Path(library.folder, "index.json")
    first = library.entries()
    good = index.read_bytes()
    bad: list[bytes] = [b"", b"{", b"[]", b'{"x": 1}', good[:-9], good.replace(b"width", b"wide")]
    for text in bad:
        index.write_bytes(text)
        assert library.entries() == first
        assert index.read_bytes() == good
    # Well-formed, but not what the files say: its digest tells.
    index.write_bytes(good.replace(b'"length":3', b'"length":7'))
    assert library.entries() == first
    assert index.read_bytes() == good
    # One that was made with care, digest and all: who reads the files finds out.
    forged = json.loads(good)["prompts"]
    for summary in forged.values():
        summary["length"] = 7
    save_index(str(index), forged)
    assert library.entries() != first
    assert library.verify() == [] and library.entries() == first
    assert index.read_bytes() == good


def test_an_index_of_version_0_1_is_read_anew(library: Library) -> None:
    library.add(made(1), made(2))
    index = Path(library.folder, "index.json")
    first = library.entries()
    good = index.read_bytes()
    index.write_text(json.dumps(json.loads(good)["prompts"]))
    assert library.entries() == first
    assert index.read_bytes() == good


def test_verify_while_others_add_and_remove(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value is seen whose key is gone a moment later: looked at again, there is no fault."""
    kept, gone = library.add(made(1), made(2)), library.add(made(3), made(4))
    Path(library.folder, "index.json").unlink(missing_ok=True)
    read, seen = library._store.read_if_there, []

    def reading(self: Store, id: str) -> SoftPrompt | None:
        prompt = read(id)
        seen.append(id)
        if id == gone:
            Library(library.folder).remove(gone)
        return prompt

    monkeypatch.setattr(Store, "read_if_there", reading)
    assert library.verify() == []
    assert gone in seen
    monkeypatch.undo()
    assert [e.id for e in library.entries()] == [kept]


def test_the_index_follows_files_that_come_and_go(library: Library) -> None:
    kept, gone = library.add(made(1)), library.add(made(2))
    assert len(library.entries()) == 2
    os.remove(library.path(gone))
    assert [e.id for e in library.entries()] == [kept]
    assert set(json.loads(Path(library.folder, "index.json").read_text())["prompts"]) == {kept}


def test_a_library_that_may_only_be_read(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(made(1))

    def refuse(path: Any, data: bytes, **options: Any) -> None:
        raise SpotError("read-only")

    monkeypatch.setattr("spotfw.files.write_atomically", refuse)
    assert len(library.entries()) == 1
    with pytest.raises(SpotError, match="read-only"):
        library.add(made(2))


def test_damage_is_seen(library: Library, metric: SimilarityMetric) -> None:
    sound, damaged, keyless = (library.add(made(i), made(i + 10)) for i in range(3))
    library.entries()
    data = bytearray(Path(library.path(damaged)).read_bytes())
    data[-1] ^= 1
    Path(library.path(damaged)).write_bytes(data)
    os.remove(library.path(library.get(keyless).embedding_id))
    problems = {p.name: p.what for p in library.verify()}
    orphan = library.get(damaged).embedding_id
    assert set(problems) == {f"{i}.safetensors" for i in (damaged, keyless)}
    assert "does not match" in problems[f"{damaged}.safetensors"]
    assert "missing" in problems[f"{keyless}.safetensors"]
    with pytest.raises(SpotError, match="does not match"):
        library.best(damaged)
    with pytest.raises(SpotError, match="no file"):
        library.rank(made(), metric)
    with pytest.raises(SpotError, match="does not match"):
        library.add(made(1), made(11))
    assert library.best(sound)
    # The damaged one uses it, so that nobody may take it away yet.
    Path(library.folder, "index.json").unlink()
    assert library.sweep() == []
    assert library.remove(damaged) == [f"{damaged}.safetensors"]
    assert library.sweep() == [f"{orphan}.safetensors"]


def _add_many(folder: str, worker: int) -> None:
    library = Library(folder)
    for number in range(6):
        # Every second prompt is one that all processes add.
        which = number if number % 2 else 100 * worker + number
        library.add(made(which, seed=which), made(which + 1000, seed=which))
        library.entries()


@pytest.mark.slow
def test_eight_processes_at_once(library: Library) -> None:
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=_add_many, args=(library.folder, i)) for i in range(8)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 8
    assert len(library.entries()) == 8 * 3 + 3
    assert library.verify() == []
    assert not [n for n in names(library) if n.startswith(".")]
    assert len(json.loads(Path(library.folder, "index.json").read_text())["prompts"]) == 2 * 27


def test_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nearby(path: Any) -> Path:
        there = Path(os.fspath(path).replace("gs://bucket", str(tmp_path)))
        there.parent.mkdir(parents=True, exist_ok=True)  # a bucket has no folders
        return there

    monkeypatch.setattr("spotfw.files._remote", nearby)
    library = Library("gs://bucket/lib")
    id = library.add(made(1), made(2))
    assert library.path(id) == f"gs://bucket/lib/{id}.safetensors"
    assert [e.id for e in library.entries()] == [id]
    assert library.verify() == []
