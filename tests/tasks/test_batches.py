from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.tasks.batches import BUCKETS, bucket, example_indices, mixture_indices, pad_batch

PINNED_EXAMPLES = [2, 0, 1, 4, 5, 6, 7, 3]
PINNED_MIXTURE = ([1, 1, 1, 1, 1, 0], [23, 24, 32, 5, 8, 1])

sizes = st.integers(1, 60)
seeds = st.integers(0, 2**32 - 1)


@given(sizes, sizes, seeds)
def test_every_epoch_visits_each_example_once(count, batch_size, seed):
    # `count` batches hold exactly `batch_size` epochs, however the two divide.
    visited = np.concatenate([example_indices(count, batch_size, s, seed) for s in range(count)])
    for epoch in visited.reshape(batch_size, count):
        assert sorted(epoch) == list(range(count))


@given(sizes, sizes, st.integers(0, 10**6), seeds)
def test_a_batch_is_a_function_of_seed_and_step(count, batch_size, step, seed):
    first = example_indices(count, batch_size, step, seed)
    assert first.shape == (batch_size,)
    assert first.dtype == np.int64
    np.testing.assert_array_equal(first, example_indices(count, batch_size, step, seed))


def test_epochs_and_seeds_differ_in_order():
    orders = [tuple(example_indices(50, 50, step, seed)) for step in range(3) for seed in range(3)]
    assert len(set(orders)) == 9


def test_the_order_is_pinned():
    """A resumed run must see the batches of the run it resumes, whatever the NumPy version."""
    assert example_indices(8, 8, 0, 0).tolist() == PINNED_EXAMPLES
    member, index = mixture_indices([5, 50], [0.5, 0.5], 6, 3, 7)
    assert (member.tolist(), index.tolist()) == PINNED_MIXTURE


@given(
    st.lists(st.tuples(st.integers(1, 100), st.floats(0.01, 10)), min_size=1, max_size=5),
    sizes,
    st.integers(0, 10**6),
    seeds,
)
def test_mixture_draws_fit_their_members(members, batch_size, step, seed):
    counts, rates = zip(*members, strict=True)
    member, index = mixture_indices(counts, rates, batch_size, step, seed)
    again = mixture_indices(counts, rates, batch_size, step, seed)
    np.testing.assert_array_equal(member, again[0])
    np.testing.assert_array_equal(index, again[1])
    assert member.shape == index.shape == (batch_size,)
    assert (index >= 0).all()
    assert (index < np.asarray(counts)[member]).all()


def test_mixture_follows_its_rates():
    draws = [mixture_indices([10, 10, 0], [3.0, 1.0, 0.0], 100, s, 0)[0] for s in range(200)]
    share = np.bincount(np.concatenate(draws), minlength=3) / 20_000
    # Three standard deviations of a share of 20,000 draws.
    np.testing.assert_allclose(share, [0.75, 0.25, 0.0], atol=3 * np.sqrt(0.25 * 0.75 / 20_000))


def test_mixture_draws_examples_evenly():
    draws = np.concatenate([mixture_indices([4], [1.0], 100, s, 1)[1] for s in range(200)])
    np.testing.assert_allclose(np.bincount(draws) / 20_000, 0.25, atol=0.01)


@pytest.mark.parametrize(
    ("counts", "rates"),
    [([1, 2], [1.0]), ([], []), ([1], [-1.0]), ([1], [0.0]), ([1], [np.nan]), ([0, 1], [1.0, 1.0])],
)
def test_mixture_refuses_what_cannot_be_drawn(counts, rates):
    with pytest.raises(ValueError, match=r"rate|members"):
        mixture_indices(counts, rates, 4, 0, 0)


def test_no_examples_is_refused():
    with pytest.raises(ValueError, match="count must be at least 1"):
        example_indices(0, 4, 0, 0)


@given(st.integers(0, 5000))
def test_bucket_holds_the_length_tightly(length):
    size = bucket(length)
    assert size >= length
    assert size in BUCKETS or (size % 512 == 0 and size - length < 512)
    assert all(b < length for b in BUCKETS if b < size)


def test_pad_batch():
    batch = pad_batch([np.array([5, 1]), np.array([], np.int32), np.array([7, 8, 1])], 3)
    assert batch.dtype == np.int32
    assert batch.tolist() == [[5, 1, 0], [0, 0, 0], [7, 8, 1]]
    with pytest.raises(ValueError, match="does not fit"):
        pad_batch([np.arange(4)], 3)
