"""Models laid over several devices, and workers that take one each."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

import spotfw_torch  # noqa: E402
from spotfw.errors import SpotError, WrongUse  # noqa: E402
from spotfw_torch.devices import cuda_number  # noqa: E402
from spotfw_torch.dimensions import Dimensions  # noqa: E402
from spotfw_torch.loss import member_losses  # noqa: E402
from spotfw_torch.model import FrozenT5  # noqa: E402
from spotfw_torch.placement import (  # noqa: E402
    Placement,
    assign,
    beside,
    block_bytes,
    devices_needed,
    place,
)
from spotfw_torch.random_weights import random_tensors  # noqa: E402
from spotfw_torch.weights import arrange, shapes  # noqa: E402

XXL = Dimensions(
    d_model=4096,
    d_ff=10240,
    d_kv=64,
    num_heads=64,
    encoder_layers=24,
    decoder_layers=24,
    vocabulary_size=32128,
    separate_head=True,
)
CPU, META = torch.device("cpu"), torch.device("meta")


def test_blocks_go_by_their_middles_and_home_counts():
    assert assign([10] * 8, 0, [1, 1]) == [0] * 4 + [1] * 4
    assert assign([10] * 8, 40, [1, 1]) == [0, 0] + [1] * 6
    assert assign([10] * 8, 0, [1, 3]) == [0] * 2 + [1] * 6
    assert assign([10] * 8, 500, [1, 1]) == [1] * 8
    assert assign([10, 10], 0, [1.0]) == [0, 0]
    assert assign([10] * 9, 0, [1, 1, 1]) == [0] * 3 + [1] * 3 + [2] * 3


@pytest.mark.parametrize(("devices", "home"), [(1, 5), (2, 0), (3, 100), (7, 33)])
def test_devices_follow_each_other_in_order(devices, home):
    chosen = assign(list(range(1, 40)), home, [1.0 + n for n in range(devices)])
    assert chosen == sorted(chosen) and set(chosen) <= set(range(devices))


def test_the_sizes_are_all_of_the_model():
    sizes = block_bytes(XXL, torch.bfloat16)
    assert len(sizes) == 1 + 24 + 24
    total = sum(np.prod(shape) for shape in shapes(XXL).values()) * 2
    assert sum(sizes) == total and 20 * 2**30 < total < 22 * 2**30
    assert sizes[1] == sizes[24] and sizes[25] == sizes[48] > sizes[1]


def test_the_fewest_devices_with_room_for_activations():
    weights, card = sum(block_bytes(XXL, torch.bfloat16)), 24 * 2**30
    assert devices_needed(weights, [80 * 2**30] * 4) == 1
    assert devices_needed(weights, [card] * 4) == 2
    assert devices_needed(weights, [card]) == 1  # nothing else is there: it must do
    with pytest.raises(SpotError, match=r"dtype=bfloat16"):
        devices_needed(2 * weights, [card])


def test_a_list_of_devices_has_equal_shares():
    placed = place("cpu+meta", XXL, torch.bfloat16)
    assert placed.home == CPU and placed.encoder[0] == CPU
    on_meta = [device == META for device in placed.encoder + placed.decoder]
    assert on_meta == sorted(on_meta) and 20 <= sum(on_meta) <= 24
    assert placed.by_name()["decoder.block.23"] == META


@pytest.mark.parametrize("text", ["", "cpu+", "cpu+cpu"])
def test_what_is_no_list(text):
    with pytest.raises(WrongUse, match="no list of devices"):
        place(text, XXL, torch.bfloat16)


def test_a_device_that_is_not_there():
    with pytest.raises(WrongUse, match="cannot be used"):
        place("cpu+cuda:77", XXL, torch.bfloat16)


def test_auto_without_several_cards_is_the_device_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(torch.cuda.is_available()))
    placed = place("auto", XXL, torch.bfloat16)
    assert {placed.home, *placed.encoder, *placed.decoder} == {placed.home}


def test_weights_lie_where_they_are_placed():
    dims = Dimensions(
        d_model=16,
        d_ff=32,
        d_kv=4,
        num_heads=4,
        encoder_layers=3,
        decoder_layers=2,
        vocabulary_size=40,
    )
    placed = Placement(home=CPU, encoder=(CPU, META, META), decoder=(META, CPU))
    weights = arrange(random_tensors(dims, 0), dims, CPU, torch.float32, placed.by_name())
    blocks, devices = weights.encoder + weights.decoder, placed.encoder + placed.decoder
    for block, device in zip(blocks, devices, strict=True):
        assert {t.device for part in block for t in part} == {device}
    home = (weights.embedding, weights.head, weights.encoder_norm, weights.decoder_positions)
    assert {t.device for t in home} == {CPU}


@pytest.fixture(params=[torch.float32, torch.bfloat16])
def spread(request, write_small, tmp_path):
    """A model half of whose blocks lie on `meta`, which says on what devices its blocks ran."""
    folder = write_small(tmp_path)
    dims = spotfw_torch.load(folder).dimensions
    placed = Placement(home=CPU, encoder=(CPU, META, META), decoder=(CPU, META))
    weights = arrange(random_tensors(dims, 0), dims, CPU, request.param, placed.by_name())
    model = FrozenT5(dims, weights)
    seen = []

    def watched(block):
        def run(x, *values):
            tensors = [v for v in (x, *values) if isinstance(v, torch.Tensor)]
            named = [part for v in values if isinstance(v, tuple) for part in v]
            tensors += [v for v in named if isinstance(v, torch.Tensor)]
            seen.append({t.device for t in tensors})
            out = block(x, *values)
            # Nothing comes back from `meta`: what it would have been does not matter here.
            return torch.zeros(out.shape, dtype=out.dtype) if out.device == META else out

        return run

    model._encoder_block = watched(model._encoder_block)
    model._decoder_block = watched(model._decoder_block)
    return model, seen


def test_activations_follow_the_blocks(spread, texts, padded, prompts):
    from spotfw_torch.dropout import Dropout

    model, seen = spread
    inputs = torch.from_numpy(padded(texts(1, 6, 12), 12).reshape(2, 3, 12))
    targets = torch.from_numpy(padded(texts(2, 6, 4), 4).reshape(2, 3, 4))
    given = torch.from_numpy(prompts(2, 5, model.width))
    dropped = Dropout.of([0, 1], [0, 0], [0.1, 0.1], 3, CPU, model.dtype)
    for dropout in (None, dropped):
        seen.clear()
        losses, _ = member_losses(model, given, inputs, targets, dropout=dropout)
        assert losses.device == CPU and losses.shape == (2,)
        assert seen == [{CPU}, {META}, {META}, {CPU}, {META}]
    assert not model.graphs


def test_values_beside_a_block_are_as_they_are_where_nothing_must_move(model):
    block = model.weights.encoder[0]
    x = torch.zeros(2, device=model.device)
    moved, none = beside(block, x, None)
    assert moved is x and none is None


def test_two_parts_of_one_device_give_what_one_gives(write_small, tmp_path, prompts, texts):
    folder = write_small(tmp_path)
    whole = spotfw_torch.load(folder)
    parted = spotfw_torch.load(folder, device_map="cpu+cpu:1")
    given = prompts(3, 5, whole.width)
    examples = spotfw_torch.Examples.of(texts(1, 6, 12), texts(2, 6, 4))
    np.testing.assert_array_equal(
        spotfw_torch.mean_loss(whole, given, examples),
        spotfw_torch.mean_loss(parted, given, examples),
    )
    inputs = texts(3, 5, 9)
    ours = spotfw_torch.greedy(parted, given, inputs, 6)
    for mine, theirs in zip(ours, spotfw_torch.greedy(whole, given, inputs, 6), strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_device_and_device_map_are_not_both_given(write_small, tmp_path):
    from spotfw_torch.backend import open_model

    with pytest.raises(WrongUse, match="leave one of them out"):
        open_model(str(write_small(tmp_path)), device="cpu", device_map="auto")


# Workers of a study.


@pytest.mark.parametrize(
    ("count", "worker", "number"),
    [(4, None, None), (1, "3", None), (0, "0", None), (4, "0", 0), (4, "3", 3), (4, "6", 2)],
)
def test_each_worker_takes_a_device_in_turn(count, worker, number):
    assert cuda_number(count, worker) == number


if torch.cuda.device_count() > 1:

    def test_on_two_cards_a_model_gives_what_it_gives_on_one(write_small, tmp_path, prompts, texts):
        folder = write_small(tmp_path)
        given = prompts(3, 5, 48)
        examples = spotfw_torch.Examples.of(texts(1, 6, 12), texts(2, 6, 4))
        losses = [
            spotfw_torch.mean_loss(spotfw_torch.load(folder, **where), given, examples)
            for where in ({"device": "cuda:0"}, {"device_map": "cuda:0+cuda:1"})
        ]
        np.testing.assert_allclose(*losses, rtol=1e-6)
