"""Products of vectors in half precision, and searches that come to what full precision gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotfw.library import halves
from spotfw.library.halves import fast_products, halved, products
from spotfw.library.likely import largest
from spotfw.library.retrieval import search
from spotfw.library.segment import BFLOAT16, FLOAT32, ROW, Segment, write_segment
from spotfw.library.vectors import VectorIndex

KIND = ("f", None, 3, 8)
RNG = np.random.default_rng(0)


def stand_in(rows: Any, vector: Any, kind: str, *, out: Any, out_dtype: str) -> None:
    """What SimSIMD computes: a product of bfloat16 rows and a bfloat16 vector."""
    assert (kind, out_dtype, out.dtype, rows.dtype) == ("bf16", "f32", np.float32, np.uint16)
    widened, query = ((part.astype(np.uint32) << 16).view(np.float32) for part in (rows, vector))
    np.dot(widened, query, out=out)


@pytest.fixture(params=["stand-in", "simsimd", "without"])
def dot(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The product of a library, of one that stands in for it, or of none."""
    name = str(request.param)
    if name == "simsimd":
        pytest.importorskip("simsimd", reason="the extra `fast` is not installed")
        if halves._dot() is None:
            pytest.skip("SimSIMD has no kernels for this processor")
    else:
        monkeypatch.setattr(halves, "_dot", lambda: stand_in if name == "stand-in" else None)
    return name


@pytest.mark.parametrize("width", [2, 6, 70, 768])
def test_a_fast_product_is_that_of_numpy_but_for_rounding(dot: str, width: int) -> None:
    values = RNG.standard_normal((50, width)).astype(np.float32)
    query = RNG.standard_normal(width).astype(np.float32)
    out, exact = np.zeros(50, np.float32), np.zeros(50, np.float32)
    assert fast_products(halved(values), query, out) == (dot != "without")
    products(halved(values), query, exact)
    # A step of bfloat16 is 2^-8 of a number; columns are off by 1.5 steps, the query by half.
    bound = 2**-7 * (np.abs(values) @ np.abs(query)) + 1e-6
    assert (np.abs(exact - values @ query) <= bound).all()
    if dot != "without":
        assert (np.abs(out - exact) <= bound).all()


def test_no_rows_have_no_fast_product(dot: str) -> None:
    assert not fast_products(np.zeros((0, 3), np.uint32), np.ones(6, np.float32), np.zeros(0, "f4"))


def test_a_library_that_computes_something_else_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys
    import types

    def without_query(rows: Any, vector: Any, kind: str, *, out: Any, out_dtype: str) -> None:
        out[:] = 1

    for dot, capabilities, used in (
        (stand_in, {"serial": True, "haswell": True}, True),
        (stand_in, {"serial": True, "haswell": False}, False),
        (without_query, {"haswell": True}, False),
        (None, {"haswell": True}, False),
    ):
        module = types.ModuleType("simsimd")
        vars(module).update(dot=dot, get_capabilities=lambda values=capabilities: values)
        monkeypatch.setitem(sys.modules, "simsimd", module)
        assert (halves._dot.__wrapped__() is not None) == used


def _index(folder: Path, vectors: npt.NDArray[np.float32], precision: str) -> VectorIndex:
    index = VectorIndex(str(folder / precision), "x/1", lambda array: array, precision)
    ids = np.arange(1, len(vectors) + 1, dtype=np.uint64)
    for part, place in zip(np.array_split(vectors, 3), np.array_split(ids, 3), strict=True):
        rows = np.zeros(len(part), ROW)
        rows["id"] = rows["embedding"] = place
        rows["task"] = place % 7 + 1
        segment = Segment(
            rows=rows,
            others=np.zeros(0, np.uint64),
            kinds=(KIND,),
            width=vectors.shape[1],
            precision=precision,
            vectors=halved(part) if precision == BFLOAT16 else part,
        )
        write_segment(index.folder, segment, "x/1")
    index.refresh([f"{id:016x}" for id in ids.tolist()], lambda id: pytest.fail(id))
    return index


@given(
    seed=st.integers(0, 2**32),
    count=st.sampled_from([90, 1000, 3000]),
    width=st.sampled_from([8, 64, 100]),
    spread=st.sampled_from([0.02, 0.3, 5.0]),
    top=st.sampled_from([1, 10, 100]),
)
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("kernel", [stand_in, None])
def test_a_search_of_half_precision_comes_to_that_of_full(
    tmp_path_factory: pytest.TempPathFactory,
    kernel: Any,
    seed: int,
    count: int,
    width: int,
    spread: float,
    top: int,
) -> None:
    """Vectors of a few tasks, more or less alike; those most alike are compared exactly after."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((5, width))
    vectors = centres[rng.integers(5, size=count)] + spread * rng.standard_normal((count, width))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    query = vectors[rng.integers(count)] + spread * rng.standard_normal(width) / width
    exact = vectors.astype(np.float64) @ query
    folder = tmp_path_factory.mktemp("index")
    chosen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(halves, "_dot", lambda: kernel)
        for precision in (FLOAT32, BFLOAT16):
            index = _index(folder, vectors, precision)
            assert index.in_halves == (precision == BFLOAT16)
            ids, _ = search(index, query, KIND, top)
            places = np.array([int(id, 16) - 1 for id in ids])
            assert len(places) <= top + 1000
            chosen.append(places[np.argsort(-exact[places], kind="stable")][:top].tolist())
    assert chosen[0] == chosen[1] == np.argsort(-exact, kind="stable")[:top].tolist()


@given(
    values=st.lists(st.sampled_from([-np.inf, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=30),
    count=st.integers(1, 20),
    seed=st.integers(0, 99),
    size=st.sampled_from([0, 700, 20_000]),
)
@settings(max_examples=50, deadline=None)
def test_the_largest_of_many(values: list[float], count: int, seed: int, size: int) -> None:
    drawn = np.random.default_rng(seed).standard_normal(size)
    numbers = np.concatenate([values, drawn]).astype(np.float32)
    places = largest(numbers, count)
    assert len(set(places.tolist())) == len(places) == min(count, len(numbers))
    assert sorted(numbers[places]) == sorted(numbers)[-count:]
