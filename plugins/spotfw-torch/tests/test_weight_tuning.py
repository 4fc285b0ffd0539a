"""All weights tuned: gradients and twenty updates against transformers' T5, and resuming."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

import spotfw_torch  # noqa: E402
from spotfw_torch import weight_tuning  # noqa: E402
from spotfw_torch.dropout import Dropout  # noqa: E402
from spotfw_torch.loss import shifted  # noqa: E402
from spotfw_torch.tensors import read_tensors  # noqa: E402
from spotfw_torch.weight_folder import OPTIMIZER, write_folder  # noqa: E402
from spotfw_torch.weight_tuning import TunedWeights  # noqa: E402

STEPS, BATCH, LENGTH, TARGETS = 20, 4, 20, 6
Z_LOSS = 1e-4


def _opened(folder, dtype="float32", factored_from=32):
    opened = spotfw_torch.load(folder, dtype=dtype)
    place = (opened.dimensions, opened.device, opened.dtype)
    return TunedWeights(folder, *place, factored_from)


def _batch(texts, padded, vocabulary, seed, targets=TARGETS):
    rows = texts(seed, BATCH, LENGTH, vocabulary), texts(seed + 500, BATCH, targets, vocabulary)
    return tuple(
        torch.from_numpy(padded(part, length))
        for part, length in zip(rows, (LENGTH, targets), strict=True)
    )


def _theirs(folder):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).float().eval()
    if model.config.model_type == "umt5":
        # transformers 5 reads every umT5 as one whose output is scaled, which Google's are not.
        model.config.tie_word_embeddings = spotfw_torch.load(folder).dimensions.scaled_output
    if spotfw_torch.load(folder).dimensions.separate_head:
        # transformers 5 makes a head that is equal to the embedding table the table itself.
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    return model


def _their_loss(theirs, inputs, targets):
    """Mean cross-entropy, and with T5's penalty on the log normaliser."""
    logits = theirs(
        input_ids=inputs, attention_mask=(inputs != 0).long(), decoder_input_ids=shifted(targets)
    ).logits
    real = targets != 0
    normaliser = torch.logsumexp(logits, -1)
    nats = (normaliser - logits.gather(-1, targets[..., None])[..., 0])[real].mean()
    return nats, nats + Z_LOSS * normaliser[real].square().mean()


def _named(theirs, weights):
    """transformers' parameters under the names that our tensors have."""
    parameters = dict(theirs.named_parameters(remove_duplicate=False))
    return {name: parameters[name] for name in weights.tensors}


@pytest.mark.parametrize("targets", [6, 40], ids=["short targets", "long targets"])
def test_gradients_of_all_weights(folder, texts, padded, targets):
    weights, theirs = _opened(folder), _theirs(folder)
    inputs, wanted = _batch(texts, padded, weights.model().vocabulary_size, 1, targets)
    loss = weights.gradients(inputs, wanted, None)
    nats, objective = _their_loss(theirs, inputs, wanted)
    objective.backward()
    assert loss == pytest.approx(float(nats.detach()), abs=1e-4)
    for name, parameter in _named(theirs, weights).items():
        gradient = weights.tensors[name].grad.numpy()
        size = np.abs(parameter.grad.numpy()).max()
        assert size > 0, name
        np.testing.assert_allclose(gradient, parameter.grad.numpy(), atol=1e-4 * size, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["new", "original"])
def test_twenty_steps_are_those_of_transformers_and_numpy(
    write_small, tmp_path, texts, padded, reference_update, kind
):
    """transformers' gradients, updated by the formulas in NumPy: weights agree within 1e-5."""
    original = {"feed_forward_proj": "relu", "tie_word_embeddings": True, "d_kv": 16}
    folder = write_small(tmp_path, **(original if kind == "original" else {}))
    weights, theirs = _opened(folder), _theirs(folder)
    vocabulary = weights.model().vocabulary_size
    parameters, moments = _named(theirs, weights), {}
    before = {name: value.detach().clone() for name, value in parameters.items()}
    for step in range(STEPS):
        inputs, targets = _batch(texts, padded, vocabulary, 10 + step)
        weights.gradients(inputs, targets, None)
        weights.update(0.001, 0.8)
        theirs.zero_grad()
        _their_loss(theirs, inputs, targets)[1].backward()
        for name, parameter in parameters.items():
            with torch.no_grad():
                value, gradient = (t.double().numpy() for t in (parameter, parameter.grad))
                new = reference_update(value, moments.setdefault(name, {}), gradient, step, 32)
                parameter.copy_(torch.from_numpy(new))
    assert {len(second) for second in moments.values()} == {1, 2}  # some are factored
    for name, parameter in parameters.items():
        apart = float((weights.tensors[name].detach() - parameter.detach()).abs().max())
        assert apart <= 1e-5, name
        assert float((parameter.detach() - before[name]).abs().max()) > 1e-3, name


def test_a_batch_in_parts_has_the_gradient_of_the_whole(
    write_small, tmp_path, texts, padded, monkeypatch
):
    folder = write_small(tmp_path)
    whole, parts = _opened(folder), _opened(folder)
    inputs, targets = _batch(texts, padded, 96, 3)
    dropout = Dropout.of([5], [2], [0.1], BATCH, torch.device("cpu"), torch.float32)
    loss = whole.gradients(inputs, targets, dropout)
    monkeypatch.setattr(weight_tuning, "POSITIONS_AT_ONCE", 3 * LENGTH)  # 3 rows, then 1
    assert parts.gradients(inputs, targets, dropout) == pytest.approx(loss, rel=1e-5)
    for name, tensor in whole.tensors.items():
        gradient = tensor.grad.numpy()
        size = np.abs(gradient).max()
        np.testing.assert_allclose(
            parts.tensors[name].grad.numpy(), gradient, atol=1e-5 * size, err_msg=name
        )


def test_dropout_is_of_the_seed_and_the_step(write_small, tmp_path, texts, padded):
    weights = _opened(write_small(tmp_path))
    inputs, targets = _batch(texts, padded, 96, 3)
    losses = [
        weights.gradients(inputs, targets, weights.dropout(seed, step, 0.3, BATCH))
        for seed, step in ((1, 0), (1, 0), (2, 0), (1, 1))
    ]
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


def test_in_bfloat16_weights_stay_float32_and_gradients_are_near(
    write_small, tmp_path, texts, padded
):
    folder = write_small(tmp_path)
    exact, rough = _opened(folder), _opened(folder, "bfloat16")
    inputs, targets = _batch(texts, padded, 96, 3)
    exact.gradients(inputs, targets, None)
    rough.gradients(inputs, targets, None)
    for name, stored in read_tensors(folder).items():
        assert torch.equal(rough.tensors[name], stored)
        right, near = exact.tensors[name].grad, rough.tensors[name].grad
        assert near.dtype == torch.float32
        assert float((near - right).norm()) < 0.15 * float(right.norm()), name


def test_of_the_folder_tuned_from_only_a_model_s_files_are_copied(write_small, tmp_path):
    (tmp_path / "origin").mkdir()
    origin = write_small(tmp_path / "origin")
    (tmp_path / "private.json").write_text("{}")
    (origin / "notes.json").symlink_to(tmp_path / "private.json")
    (origin / "generation_config.json").write_text('{"pad_token_id": 0}')
    weights, folder = _opened(origin), tmp_path / "checkpoint"
    folder.mkdir()
    write_folder(folder, origin, None, weights.tensors, weights.optimizer)
    names = {path.name for path in folder.iterdir()}
    assert "notes.json" not in names
    assert names >= {"config.json", "generation_config.json", OPTIMIZER}
