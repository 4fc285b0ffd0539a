"""A large library is ranked from vectors on disk, and what is shown is what the files say."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.contracts import Array, SimilarityMetric
from spotfw.errors import SpotError
from spotfw.library import Library, kept, lookup, vectors
from spotfw.library import segment as segments_module
from spotfw.library.halves import halved
from spotfw.library.segment import BFLOAT16, FLOAT32, ROW, Segment, open_segment, packed
from spotfw.library.segment import write_segment as write
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.ranking import Ranking

RNG = np.random.default_rng(0)


def made(number: int, **values: Any) -> SoftPrompt:
    array = np.random.default_rng(number).normal(size=(3, 8))
    return SoftPrompt(array, Provenance(**{"fingerprint": "f", "task": f"t{number}", **values}))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few prompts are a large library here, and a segment holds four."""
    monkeypatch.setattr(kept, "LARGE", 4)
    monkeypatch.setattr(vectors, "ROWS", 4)


@pytest.fixture(params=[FLOAT32, BFLOAT16])
def library(tmp_path: Path, request: pytest.FixtureRequest) -> Library:
    return Library(tmp_path / "lib", precision=request.param)


@pytest.fixture(params=["average_token_cosine", "per_token_cosine"])
def metric(request: pytest.FixtureRequest) -> SimilarityMetric:
    return Plugins(entry_points=False).metric(request.param)


def fill(library: Library, count: int = 11) -> list[str]:
    return [library.add(made(n), made(100 + n)) for n in range(count)]


def plain(library: Library) -> Library:
    """The same folder, ranked from its files alone."""
    return Library(library.folder, indexed=False)


def same(ranking: Ranking, expected: Ranking) -> None:
    """The same prompts in the same order, similarities alike up to the rounding of a sum."""
    rows = [attrs.evolve(item, similarity=round(item.similarity, 12)) for item in ranking]
    assert rows == [attrs.evolve(item, similarity=round(item.similarity, 12)) for item in expected]


def segments(library: Library) -> list[Path]:
    return sorted(Path(library.folder, "index").glob("*.vectors"))


def test_a_ranking_is_that_of_the_files(library: Library, metric: SimilarityMetric) -> None:
    ids = fill(library)
    library.add(made(50, fingerprint="other"))
    library.add(made(51, model="m", fingerprint=None))
    choices: list[dict[str, Any]] = [{}, {"exclude_task": "t3"}, {"exclude_ids": ids[:2]}]
    for choice in choices:
        expected = plain(library).rank(made(99), metric, **choice)
        for top in (None, 3, 100):
            ranking = library.rank(made(99), metric, top=top, **choice)
            same(ranking, expected[:top])
            assert ranking.left_out == expected.left_out
        listed = library.rank(made(99), metric, top=2, entries=library.entries(), **choice)
        same(listed, expected[:2])
    assert len(segments(library)) >= 3
    again = Library(library.folder)
    same(again.rank(made(99), metric, top=3), plain(library).rank(made(99), metric)[:3])


def test_of_many_that_are_possible_few_are_held(
    library: Library, metric: SimilarityMetric, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(11):
        library.add(made(number))  # its own embedding
    expected = plain(library).rank(made(99), metric)[:3]
    read: list[str] = []
    of = Library._of

    def counted(self: Library, value: str, id: str) -> SoftPrompt:
        read.append(id)
        return of(self, value, id)

    monkeypatch.setattr(Library, "_of", counted)
    same(library.rank(made(99), metric, top=3), expected)
    assert len(read) == len(set(read)) >= 3, "each is read once"
    monkeypatch.setattr(lookup, "EXACT", -1)
    again = Library(library.folder)
    read.clear()
    same(again.rank(made(99), metric, top=3), expected)
    assert len(read) == 2 * len(set(read)) - 2, "all but two are read again"


def test_vectors_of_two_widths(library: Library, metric: SimilarityMetric) -> None:
    fill(library, 5)
    wide = SoftPrompt(np.ones((3, 6)), Provenance(fingerprint="f", task="wide"))
    library.add(wide)
    assert [r.task for r in library.rank(wide, metric, top=9)] == ["wide"]
    assert len(library.rank(made(9), metric, top=9)) == 5


def test_prompts_that_come_and_go(library: Library, metric: SimilarityMetric) -> None:
    ids = fill(library)
    library.rank(made(99), metric, top=3)
    before = {path.name for path in segments(library)}
    late = library.add(SoftPrompt(made(99).array * 2, Provenance(fingerprint="f", task="late")))
    library.remove(ids[4], ids[7])
    for _ in range(2):
        ranking = library.rank(made(99), metric, top=20)
        assert ranking[0].id == late
        assert {r.id for r in ranking} == {late, *ids} - {ids[4], ids[7]}
    assert len({path.name for path in segments(library)} - before) == 1, "one segment is added"


def test_many_small_segments_become_one(library: Library, metric: SimilarityMetric) -> None:
    fill(library, 4)
    for number in range(20, 32):
        library.add(made(number))
        assert f"t{number}" in {r.task for r in library.rank(made(99), metric, top=99)}
    assert len(segments(library)) < 12
    same(library.rank(made(99), metric, top=99), plain(library).rank(made(99), metric))


def test_a_damaged_segment_is_made_again(library: Library, metric: SimilarityMetric) -> None:
    fill(library)
    expected = library.rank(made(99), metric, top=3)
    for path in segments(library):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        same(Library(library.folder).rank(made(99), metric, top=3), expected)
    (first, *_) = segments(library)
    first.write_bytes(first.read_bytes()[:-5])
    same(Library(library.folder).rank(made(99), metric, top=3), expected)
    first.write_bytes(b"")
    library.add(made(44))  # whoever writes takes the damaged ones away
    Library(library.folder).rank(made(99), metric)
    assert first not in segments(library)
    first.write_bytes(b"")
    library.remove(library.entries(task="t44")[0].id)
    same(Library(library.folder).rank(made(99), metric, top=3), expected)


def test_what_is_shown_of_a_forged_index_is_the_files_truth(
    library: Library, metric: SimilarityMetric
) -> None:
    """Who writes vectors with care can hide a prompt, until `verify`; no similarity is believed."""
    fill(library)
    expected = library.rank(made(99), metric)
    for path in segments(library):
        segment = open_segment(str(path.parent), path.name, metric.kept_as or "")
        assert segment is not None
        forged = np.zeros_like(segment.vectors)
        write(str(path.parent), _with(segment, vectors=forged), metric.kept_as or "")
        path.unlink()
    again = Library(library.folder)
    same(again.rank(made(99), metric, top=11), expected)
    assert again.verify() == []
    assert segments(library) == []
    same(again.rank(made(99), metric), expected)


def _with(segment: Segment, **values: Any) -> Segment:
    return attrs.evolve(segment, **values)


def test_a_missing_task_embedding_is_named(library: Library, metric: SimilarityMetric) -> None:
    ids = fill(library)
    key = library.get(ids[0]).embedding_id
    library.rank(made(99), metric, top=1)
    os.remove(library.path(key))
    for place in (library, Library(library.folder)):
        with pytest.raises(SpotError, match=f"{ids[0]} has no task embedding"):
            place.rank(made(99), metric, top=1)
    Path(library.path(ids[1])).write_bytes(b"nothing")
    for path in segments(library):
        path.unlink()
    with pytest.raises(SpotError, match=r"does not match its name|no task embedding"):
        Library(library.folder).rank(made(99), metric, top=1)


def test_a_folder_that_may_only_be_read(
    library: Library, metric: SimilarityMetric, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library)
    expected = plain(library).rank(made(99), metric)

    def refuse(path: Any, data: bytes, **options: Any) -> None:
        raise SpotError("read-only")

    monkeypatch.setattr("spotfw.files.write_atomically", refuse)
    for _ in range(2):
        same(library.rank(made(99), metric, top=4), expected[:4])
    assert segments(library) == []


def test_a_folder_that_did_not_change_is_not_listed_again(
    library: Library, metric: SimilarityMetric, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library)
    library.rank(made(99), metric, top=1)  # makes the index's folder
    os.utime(library.folder, ns=(10**18, 10**18))
    listed: list[str] = []
    ids = type(library._store).ids

    def listing(store: Any) -> list[str]:
        listed.append(store.folder)
        return ids(store)

    monkeypatch.setattr(type(library._store), "ids", listing)
    for _ in range(3):
        library.rank(made(99), metric, top=1)
    assert len(listed) == 1
    library.add(made(77))
    library.rank(made(99), metric, top=1)
    assert len(listed) == 2


def test_a_bucket(
    tmp_path: Path, metric: SimilarityMetric, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearby(path: Any) -> Path:
        there = Path(os.fspath(path).replace("gs://bucket", str(tmp_path)))
        there.parent.mkdir(parents=True, exist_ok=True)
        return there

    monkeypatch.setattr("spotfw.files._remote", nearby)
    library = Library("gs://bucket/lib")
    fill(library)
    expected = plain(library).rank(made(99), metric)
    for _ in range(2):
        same(library.rank(made(99), metric, top=4), expected[:4])
        library = Library("gs://bucket/lib")


def test_metrics_whose_features_are_not_kept(library: Library) -> None:
    class Kept(SimilarityMetric):
        """Says that it is kept, but is no dot product."""

        name = kept_as = "kept"

        def features(self, prompt: Array) -> Array:
            return prompt.mean(axis=0)

        def compare(self, query: Any, stack: Any) -> Any:
            return -np.abs(stack - query).sum(axis=1)

    fill(library)
    assert len(library.rank(made(99), Kept(), top=3)) == 3
    assert segments(library) == []


# Segments


def _segment(count: int, width: int, precision: str) -> tuple[Segment, Any]:
    values = RNG.standard_normal((count, width)).astype(np.float32)
    rows = np.zeros(count, ROW)
    rows["id"] = RNG.integers(0, 2**63, count)
    segment = Segment(
        rows=rows,
        others=np.arange(3, dtype=np.uint64),
        kinds=(("f", None, 3, width),),
        width=width,
        precision=precision,
        vectors=halved(values) if precision == BFLOAT16 else values,
    )
    return segment, values


@pytest.mark.parametrize("precision", [FLOAT32, BFLOAT16])
@pytest.mark.parametrize("count", [0, 1, 5, 2500])
def test_a_segment_is_read_as_it_was_written(tmp_path: Path, count: int, precision: str) -> None:
    segment, values = _segment(count, 6, precision)
    name = write(str(tmp_path), segment, "x/1")
    again = open_segment(str(tmp_path), name, "x/1")
    assert again is not None
    assert open_segment(str(tmp_path), name, "x/2") is None
    np.testing.assert_array_equal(again.rows, segment.rows)
    np.testing.assert_array_equal(again.others, segment.others)
    assert again.kinds == segment.kinds
    out = np.zeros(count, np.float32)
    query = np.arange(6, dtype=np.float32)
    again.products(query, out)
    tolerance = 1e-5 if precision == FLOAT32 else 0.1
    np.testing.assert_allclose(out, values @ query, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("scale", [0, 1e-40, 1e-3, 1.0])
def test_half_precision_is_off_by_half_a_step_of_bfloat16(scale: float) -> None:
    values = (RNG.standard_normal((50, 8)) * scale).astype(np.float32)
    values[0, ::2] = -values[0, ::2]
    words = halved(values)
    odd, even = words.view(np.float32), (words << 16).view(np.float32)
    for exact, kept_ in ((values[:, 1::2], odd), (values[:, ::2], even)):
        assert (np.abs(exact - kept_) <= np.abs(exact) * 2**-8 + 1e-38).all()


@pytest.mark.parametrize("cut", [0, 4, 40, 100, -1])
def test_what_is_no_segment(tmp_path: Path, cut: int) -> None:
    data = packed(_segment(4, 6, FLOAT32)[0], "x/1")
    (tmp_path / "a.vectors").write_bytes(data[:cut] if cut >= 0 else data)
    with pytest.raises(SpotError, match="not what was written"):
        open_segment(str(tmp_path), "a.vectors", "x/1")
    with pytest.raises(SpotError, match="cannot be read"):
        open_segment(str(tmp_path), "b.vectors", "x/1")


def test_a_segment_that_was_cut_off_says_so(tmp_path: Path) -> None:
    data = packed(_segment(4, 6, FLOAT32)[0], "x/1")
    (tmp_path / "a.vectors").write_bytes(data[:-5])
    size = len(data)
    with pytest.raises(
        SpotError, match=f"it has {size - 5} bytes, not {size}, as if it was cut off"
    ):
        open_segment(str(tmp_path), "a.vectors", "x/1")


def test_a_segment_that_is_cut_off_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write(str(tmp_path), _segment(2000, 64, FLOAT32)[0], "x/1")
    unpacked = segments_module._unpacked

    def cutting(data: Any, digest: Any, *rest: str) -> Any:
        def cut() -> str:
            os.truncate(tmp_path / name, 2**16)
            return str(digest())

        return unpacked(data, cut, *rest)

    monkeypatch.setattr(segments_module, "_unpacked", cutting)
    with pytest.raises(SpotError, match=r"cut off by [0-9,]+ bytes while it was read"):
        open_segment(str(tmp_path), name, "x/1")


def test_a_segment_without_end_is_not_read(tmp_path: Path) -> None:
    name = write(str(tmp_path), _segment(4, 6, FLOAT32)[0], "x/1")
    os.truncate(tmp_path / name, 2**32 + 1)  # a hole, which takes no space
    with pytest.raises(SpotError, match="cannot be read: it has more than the 4,294,967,296 bytes"):
        open_segment(str(tmp_path), name, "x/1")


def test_a_segment_that_would_not_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments_module, "_MOST", 100)
    with pytest.raises(SpotError, match="larger than is read"):
        write(str(tmp_path), _segment(4, 6, FLOAT32)[0], "x/1")
    assert not list(tmp_path.iterdir())


def _add_and_rank(folder: str, worker: int) -> None:
    kept.LARGE, vectors.ROWS = 4, 4
    library = Library(folder)
    metric = Plugins(entry_points=False).metric("average_token_cosine")
    for number in range(12):
        library.add(made(100 * worker + number))
        library.rank(made(9999), metric, top=5)
        if number % 5 == 4:
            library.remove(library.entries(task=f"t{100 * worker + number}")[0].id)


@pytest.mark.slow
def test_processes_that_add_remove_and_rank_at_once(tmp_path: Path) -> None:
    """Segments are written and merged by all of them; no ranking is wrong afterwards."""
    folder = str(tmp_path / "lib")
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=_add_and_rank, args=(folder, worker)) for worker in range(1, 5)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 4
    metric = Plugins(entry_points=False).metric("average_token_cosine")
    for _ in range(2):
        library = Library(folder)
        assert len(library.entries()) == 40
        same(library.rank(made(9999), metric, top=40), plain(library).rank(made(9999), metric))
    assert len(segments(library)) < 30
    assert not list(Path(folder, "index").glob(".*"))
