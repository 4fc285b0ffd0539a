"""The computed memory of a tuning, against the figures on record and what autograd keeps."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")

from benchmarks import torch_memory  # noqa: E402
from benchmarks.torch_memory import dimensions, table  # noqa: E402
from spotfw_torch.footprint import Batch, member_bytes, weight_bytes  # noqa: E402
from spotfw_torch.loss import member_gradients  # noqa: E402
from spotfw_torch.model import FrozenT5  # noqa: E402
from spotfw_torch.random_weights import random_tensors  # noqa: E402
from spotfw_torch.weights import arrange  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
H100 = ROOT / "benchmarks" / "results" / "torch_h100.json"


@pytest.mark.parametrize(
    ("size", "dtype", "most"),
    [
        ("small", "bfloat16", 64),
        ("small", "float32", 64),
        ("base", "bfloat16", 64),
        ("base", "float32", 16),
    ],
)
def test_a_member_takes_what_it_took_on_a_gpu(size, dtype, most):
    peaks = {r["what"]: r["ours"] for r in json.loads(H100.read_text())["rows"]}
    few, many = (peaks[f"{size}, {dtype}, cohort of {n}: peak memory"] for n in (1, most))
    measured = (many - few) * 2**30 / (most - 1)
    batch = Batch(size=16, prompt=100, inputs=64, targets=4)
    computed = member_bytes(dimensions(size.capitalize()), batch, dtype)
    assert measured == pytest.approx(computed, rel=0.1)


@pytest.mark.parametrize("targets", [4, 80])
@pytest.mark.parametrize("gated", [True, False])
def test_autograd_keeps_no_more(targets, gated):
    """An engine may keep less than is said, by computing some of it anew."""
    dims = attrs.evolve(
        dimensions("Small"),
        encoder_layers=2,
        decoder_layers=2,
        vocabulary_size=1000,
        gated=gated,
        activation="gelu_new" if gated else "relu",
    )
    weights = arrange(random_tensors(dims, 0), dims, torch.device("cpu"), torch.float32)
    batch = Batch(size=2, prompt=20, inputs=40, targets=targets)
    kept: dict[int, int] = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    ids = [torch.full((1, batch.size, n), 5) for n in (batch.inputs, batch.targets)]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        member_gradients(FrozenT5(dims, weights), torch.randn(1, 20, dims.d_model), *ids)
    own = [weights.embedding, weights.head, weights.encoder_norm, weights.decoder_norm]
    own += [t for block in (*weights.encoder, *weights.decoder) for part in block for t in part]
    held = {tensor.untyped_storage().data_ptr() for tensor in own}
    total = sum(size for place, size in kept.items() if place not in held)
    computed = member_bytes(dims, batch)
    assert 0.3 * computed <= total <= 1.15 * computed


def test_weights_are_what_they_are():
    assert weight_bytes(dimensions("Base")) == 4 * 247_577_856
    assert weight_bytes(dimensions("Base"), "bfloat16") == 2 * 247_577_856


def test_memory_grows_with_everything():
    dims, batch = dimensions("Base"), Batch(size=16, prompt=20, inputs=64, targets=8)
    least = member_bytes(dims, batch, "bfloat16")
    for name in ("size", "prompt", "inputs", "targets"):
        assert member_bytes(dims, attrs.evolve(batch, **{name: 2 * getattr(batch, name)})) > least
    assert member_bytes(attrs.evolve(dims, bias_in_every_block=True), batch, "bfloat16") > least


def test_the_page_has_the_table():
    assert table() in (ROOT / "docs" / "use_a_real_t5.md").read_text()


def test_the_record_holds():
    result = json.loads(torch_memory.RESULT.read_text())
    assert len(result["rows"]) == len(torch_memory.MEASURED)
    assert all(row["holds"] for row in result["rows"])
