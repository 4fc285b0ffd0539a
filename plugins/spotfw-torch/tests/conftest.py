"""Models and texts the tests share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

_SMALL = Path(__file__).parents[4] / "shared" / "models" / "english-small"
_VOCABULARY = 96
#: T5 1.1: gated GELU, a head of its own, the decoder of another depth than the encoder.
_NEW = {
    "model_type": "t5",
    "architectures": ["T5ForConditionalGeneration"],
    "d_model": 48,
    "d_ff": 80,
    "d_kv": 8,
    "num_heads": 4,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "vocab_size": _VOCABULARY,
    "feed_forward_proj": "gated-gelu",
    "tie_word_embeddings": False,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "is_encoder_decoder": True,
    "dropout_rate": 0.0,
}
#: The original T5: ReLU, the embedding table as head.
_ORIGINAL = {**_NEW, "feed_forward_proj": "relu", "tie_word_embeddings": True, "d_kv": 16}
#: The families, as their folders on the hub say it; FLAN-T5 is a T5 1.1 in all of this.
_FAMILIES = {
    "new": _NEW,
    "original": _ORIGINAL,
    "mt5": {**_NEW, "model_type": "mt5", "architectures": ["MT5ForConditionalGeneration"]},
    "umt5": {**_NEW, "model_type": "umt5", "architectures": ["UMT5ForConditionalGeneration"]},
    # As transformers 5 writes one without a head of its own.
    "umt5-tied": {
        **_NEW,
        "model_type": "umt5",
        "architectures": ["UMT5ForConditionalGeneration"],
        "tie_word_embeddings": True,
    },
    "byt5": {**_NEW, "tokenizer_class": "ByT5Tokenizer", "vocab_size": 384, "d_ff": 112},
}


def _write(folder: Path, config: dict, seed: int = 0, shards: int = 1) -> Path:
    from safetensors.torch import save_file

    from spotfw_torch.dimensions import read_dimensions
    from spotfw_torch.random_weights import random_tensors

    (folder / "config.json").write_text(json.dumps(config))
    tensors = random_tensors(read_dimensions(folder), seed, sharpness=2.0)
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: tensors[name] for name in sorted(tensors)[shard::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        weight_map |= {name: file for name in part}
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="session", params=[*_FAMILIES, "english-small"])
def folder(request, tmp_path_factory) -> Path:
    """A random T5 of each family, and a trained T5 1.1."""
    if request.param == "english-small":
        if not (_SMALL / "model.safetensors").exists():
            pytest.skip(f"{_SMALL} is not there")
        return _SMALL
    return _write(tmp_path_factory.mktemp(request.param), _FAMILIES[request.param])


@pytest.fixture(scope="session")
def write_small():
    """A function writing a small random T5 1.1 to a folder; `changes` go to config.json."""

    def write(folder: Path, shards: int = 1, **changes) -> Path:
        return _write(folder, {**_NEW, **changes}, seed=3, shards=shards)

    return write


def _devices() -> list[str]:
    """CUDA too where there is some: there a cohort's passes are graphs."""
    try:
        import torch
    except ImportError:
        return ["cpu"]
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


@pytest.fixture(scope="session", params=_devices())
def model(request, tmp_path_factory, write_small):
    """A small random T5 1.1."""
    import spotfw_torch

    folder = write_small(tmp_path_factory.mktemp("small"))
    return spotfw_torch.load(folder, device=request.param)


@pytest.fixture(scope="session")
def prompts():
    """A function giving P random prompts [L, E]."""

    def make(count: int, length: int, width: int, seed: int = 0) -> np.ndarray:
        random = np.random.RandomState(seed)
        return random.standard_normal((count, length, width)).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def texts():
    """A function giving rows of random ids of random lengths, the first of them longest."""

    def make(seed: int, count: int, longest: int, vocabulary: int = _VOCABULARY) -> list:
        random = np.random.RandomState(seed)
        lengths = [longest, *random.randint(2, longest + 1, count - 1)]
        return [
            np.append(random.randint(3, vocabulary, size - 1), 1).astype(np.int32)
            for size in lengths
        ]

    return make


@pytest.fixture(scope="session")
def padded():
    """A function padding rows of ids to int64 [N, length]."""

    def make(rows: list, length: int) -> np.ndarray:
        return np.stack([np.pad(row, (0, length - len(row))) for row in rows]).astype(np.int64)

    return make


@pytest.fixture(scope="session")
def reference_update():
    """Adafactor's update of one tensor in NumPy: a function giving its new value."""

    def update(value, moments, gradient, step, factored_from, rate=0.001, decay=0.8):
        """Shazeer and Stern 2018, algorithms 4 and 8, in float64; changes `moments`."""
        beta = 1.0 - (step + 1.0) ** -decay
        squares = gradient**2 + 1e-30
        if value.ndim == 2 and min(value.shape) >= factored_from:
            rows, columns = moments.get("vr", 0.0), moments.get("vc", 0.0)
            moments["vr"] = beta * rows + (1 - beta) * squares.mean(1)
            moments["vc"] = beta * columns + (1 - beta) * squares.mean(0)
            second = np.outer(moments["vr"], moments["vc"]) / moments["vr"].mean()
        else:
            second = moments["v"] = beta * moments.get("v", 0.0) + (1 - beta) * squares
        change = gradient / np.sqrt(second)
        change = change / max(1.0, np.sqrt(np.mean(change**2)))
        return value - rate * max(1e-3, np.sqrt(np.mean(value**2))) * change

    return update
