"""The two metrics: closed forms, the definition by brute force, published prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spotfw.errors import WrongUse
from spotfw.metrics import average_token_cosine, per_token_cosine
from tests.places import SHARED

PUBLISHED = SHARED / "prompts" / "published_transfer"
METRICS = (average_token_cosine, per_token_cosine)

floats = st.floats(-1e4, 1e4, width=32, allow_subnormal=False)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    width = draw(st.integers(1, 5))
    rows = st.integers(1, 6)
    return tuple(
        draw(hnp.arrays(np.float32, (draw(rows), width), elements=floats)) for _ in range(2)
    )  # type: ignore[return-value]


def cosine(a: Any, b: Any) -> float:
    a, b = np.asarray(a, np.longdouble), np.asarray(b, np.longdouble)
    size = np.sqrt((a * a).sum()) * np.sqrt((b * b).sum())
    return float((a * b).sum() / size) if size > 0 else 0.0


@given(pairs())
def test_per_token_is_the_mean_over_all_pairs(pair: Any) -> None:
    a, b = pair
    brute = np.mean([cosine(x, y) for x in a for y in b])
    assert per_token_cosine(a, b) == pytest.approx(brute, abs=1e-12)


@given(pairs())
def test_average_token_is_the_cosine_of_means(pair: Any) -> None:
    a, b = (np.asarray(p, np.float64) for p in pair)
    means = [p.mean(axis=0) for p in (a, b)]
    # Where tokens cancel, the mean is rounding noise, and so is its direction.
    if any(np.linalg.norm(m) < 1e-9 * np.abs(p).max() for m, p in zip(means, (a, b), strict=True)):
        return
    assert average_token_cosine(a, b) == pytest.approx(cosine(*means), abs=1e-6)


@given(pairs(), st.floats(1e-3, 1e3))
def test_symmetric_bounded_and_blind_to_scale(pair: Any, scale: float) -> None:
    a, b = (np.asarray(p, np.float64) for p in pair)
    for metric in METRICS:
        value = metric(a, b)
        assert -1 <= value <= 1
        assert metric(b, a) == pytest.approx(value, abs=1e-12)
        if np.abs(a).max() > 1e-3:
            assert per_token_cosine(a * scale, b) == pytest.approx(per_token_cosine(a, b), abs=1e-9)


def test_closed_forms() -> None:
    x, y = [1.0, 0.0], [0.0, 1.0]
    assert per_token_cosine([x, y], [x, y]) == pytest.approx(0.5)
    assert average_token_cosine([x, y], [x, y]) == pytest.approx(1)
    assert average_token_cosine([x], [y]) == pytest.approx(0, abs=1e-7)
    assert average_token_cosine([x], [[-3.0, 0.0]]) == pytest.approx(-1)
    # One long token rules the average but not the mean over pairs.
    assert average_token_cosine([[1000.0, 0.0], y], [x]) == pytest.approx(1, abs=1e-5)
    assert per_token_cosine([[1000.0, 0.0], y], [x]) == pytest.approx(0.5)
    assert per_token_cosine([x, [1.0, 1.0]], [x]) == pytest.approx((1 + 0.5**0.5) / 2)


def test_zeros_have_no_direction() -> None:
    x, zero = [1.0, 0.0], [0.0, 0.0]
    for metric in METRICS:
        assert metric([zero], [x]) == 0
        assert metric([zero], [zero]) == 0
    assert per_token_cosine([x, zero], [x]) == pytest.approx(0.5)
    assert average_token_cosine([x, [-1.0, 0.0]], [x]) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("scale", [1e-300, 1e-40, 1e38, 1e300])
def test_extreme_scales(scale: float) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 5))
    for metric in METRICS:
        assert metric(a * scale, b * scale) == pytest.approx(metric(a, b), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.ones(3), np.ones(3)),
        (np.ones((2, 3)), np.ones((2, 4))),
        (np.ones((0, 3)), np.ones((2, 3))),
        (np.full((2, 3), np.nan), np.ones((2, 3))),
        (np.full((2, 3), np.inf), np.ones((2, 3))),
    ],
)
def test_what_cannot_be_compared(a: Any, b: Any) -> None:
    for metric in METRICS:
        with pytest.raises(WrongUse):
            metric(a, b)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published prompts are not here")
def test_published_prompts_by_brute_force() -> None:
    names = ("MNLI", "snli", "IMDB", "squad")
    prompts = [np.load(PUBLISHED / f"{n}.npy", allow_pickle=False) for n in names]
    for a in prompts:
        for b in prompts:
            wide = [p.astype(np.float64) for p in (a, b)]
            units = [p / np.linalg.norm(p, axis=1, keepdims=True) for p in wide]
            assert per_token_cosine(a, b) == pytest.approx(
                (units[0] @ units[1].T).mean(), abs=1e-12
            )
            means = [p.mean(axis=0) for p in wide]
            assert average_token_cosine(a, b) == pytest.approx(cosine(*means), abs=1e-12)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published prompts are not here")
@pytest.mark.parametrize(
    ("pair", "average", "per_token"),
    [(("SST2", "IMDB"), 0.626536, 0.051332), (("MNLI", "snli"), 0.539571, 0.038224)],
)
def test_published_prompts_give_the_known_figures(
    pair: tuple[str, str], average: float, per_token: float
) -> None:
    a, b = (np.load(PUBLISHED / f"{name}.npy", allow_pickle=False) for name in pair)
    assert average_token_cosine(a, b) == pytest.approx(average, abs=1e-5)
    assert per_token_cosine(a, b) == pytest.approx(per_token, abs=1e-5)
