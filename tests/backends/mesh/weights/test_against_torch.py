"""Twenty updates of all weights against transformers' T5 and NumPy, and against `spotfw-torch`."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import random_t5
from spotfw.backends.mesh.folders.hf_names import variables
from spotfw.backends.mesh.weights.tuning import TunedWeights
from spotfw.config import ModelTuningSettings

STEPS = 20
Z_LOSS = 1e-4
SETTINGS = ModelTuningSettings(batch_size=4, dropout=0.0, factored_from=64)
#: Most that a weight of one engine may be from the other's; 2.4e-7 was measured.
APART = 2e-6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None,
        reason="needs torch, which is no dependency; test_against_numpy.py runs anyway",
    ),
]


def ours(weights: TunedWeights, batches: Any) -> dict[str, Any]:
    """The weights after all steps, by Hugging Face's names and as it lays them out."""
    for step in range(STEPS):
        weights.step(*batches(10 + step), SETTINGS, step)
    after = dict(weights.runtime.newest(slots=False))
    table = {v.mesh: v for v in variables(random_t5.TWO_LAYER)}
    return {table[n].hf: v.T if table[n].transposed else v for n, v in after.items()}


def test_twenty_steps_are_those_of_transformers_and_numpy(
    folders: tuple[Path, Path],
    two_layer: Any,
    begin: Callable[..., TunedWeights],
    batches: Any,
    reference_update: Any,
) -> None:
    """transformers' gradients, updated by the formulas in NumPy: weights agree within 1e-5."""
    import torch

    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, about their own future
        theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(folders[0]).float().eval()
    # transformers 5 makes a head that is equal to the embedding table the table itself.
    theirs.lm_head.weight = torch.nn.Parameter(theirs.lm_head.weight.detach().clone())
    named = dict(theirs.named_parameters(remove_duplicate=False))
    mine = ours(begin(two_layer, 64), batches)
    parameters = {name: named[name] for name in mine}
    before = {name: value.detach().clone() for name, value in parameters.items()}
    moments: dict[str, dict[str, Any]] = {name: {} for name in parameters}
    for step in range(STEPS):
        inputs, targets = (torch.from_numpy(ids.astype(np.int64)) for ids in batches(10 + step))
        shifted = torch.nn.functional.pad(targets, (1, 0))[:, :-1]
        theirs.zero_grad()
        logits = theirs(
            input_ids=inputs, attention_mask=(inputs != 0).long(), decoder_input_ids=shifted
        ).logits
        real, normaliser = targets != 0, torch.logsumexp(logits, -1)
        nats = normaliser - logits.gather(-1, targets[..., None])[..., 0]
        (nats[real].mean() + Z_LOSS * normaliser[real].square().mean()).backward()
        for name, parameter in parameters.items():
            with torch.no_grad():
                value, gradient = (t.double().numpy() for t in (parameter, parameter.grad))
                new = reference_update(value, moments[name], gradient, step, 64)
                parameter.copy_(torch.from_numpy(new))
    assert {len(second) for second in moments.values()} == {1, 2}  # some are factored
    for name, parameter in parameters.items():
        value = parameter.detach().numpy()
        assert np.abs(mine[name] - value).max() <= 1e-5, name
        assert np.abs(value - before[name].numpy()).max() > 1e-4, name


def test_twenty_steps_are_those_of_the_other_engine(
    folders: tuple[Path, Path],
    two_layer: Any,
    begin: Callable[..., TunedWeights],
    batches: Any,
) -> None:
    import torch

    spotfw_torch = pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
    from spotfw_torch.weight_tuning import TunedWeights as Theirs

    opened = spotfw_torch.load(folders[0], dtype="float32")
    theirs = Theirs(folders[0], opened.dimensions, opened.device, opened.dtype, 64)
    for step in range(STEPS):
        inputs, targets = (torch.from_numpy(ids.astype(np.int64)) for ids in batches(10 + step))
        theirs.gradients(inputs, targets, None)
        theirs.update(SETTINGS.learning_rate, SETTINGS.decay_rate)
    mine = ours(begin(two_layer, 64), batches)
    assert mine.keys() == theirs.tensors.keys()
    for name, value in mine.items():
        there = theirs.tensors[name].detach().cpu().numpy()
        assert np.abs(value - there).max() <= APART, name
