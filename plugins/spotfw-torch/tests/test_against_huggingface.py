"""Logits, losses, gradients and decodings against transformers' T5, mT5 and umT5."""

from __future__ import annotations

import json

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

import spotfw_torch  # noqa: E402
from spotfw_torch.loss import shifted  # noqa: E402
from spotfw_torch.model import FrozenT5  # noqa: E402

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

LENGTH, PROMPT, BATCH, MEMBERS = 40, 7, 5, 2


@pytest.fixture(scope="module")
def ours(folder):
    return spotfw_torch.load(folder)


@pytest.fixture(scope="module")
def theirs(folder, ours):
    loaded = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).float().eval()
    assert (
        type(loaded).__name__ in json.loads((folder / "config.json").read_text())["architectures"]
    )
    if loaded.config.model_type == "umt5":
        # transformers 5 reads every umT5 as one whose output is scaled, which Google's are not:
        # their config.json says so, and transformers 4 read it.
        loaded.config.tie_word_embeddings = ours.dimensions.scaled_output
    for weight in loaded.parameters():
        weight.requires_grad_(False)
    return loaded


@pytest.fixture
def batch(ours, texts):
    """Inputs [M, B, T] and targets [M, B, S] as ragged rows and padded."""
    size = ours.vocabulary_size
    inputs = texts(1, MEMBERS * BATCH, LENGTH, size)
    targets = texts(2, MEMBERS * BATCH, 6, size)
    return inputs, targets


def _reference(theirs, prompt, inputs, targets):
    """Logits, loss and gradient of one prompt on padded rows."""
    prompt = torch.from_numpy(prompt).requires_grad_()
    ids = torch.from_numpy(inputs)
    size = len(ids)
    embedded = torch.cat([prompt.expand(size, -1, -1), theirs.shared(ids)], dim=1)
    mask = torch.cat([torch.ones(size, len(prompt)), (ids != 0).float()], dim=1)
    labels = torch.from_numpy(targets)
    output = theirs(
        inputs_embeds=embedded,
        attention_mask=mask,
        decoder_input_ids=shifted(labels),
        labels=labels.masked_fill(labels == 0, -100),
    )
    output.loss.backward()
    return output.logits.detach().numpy(), float(output.loss.detach()), prompt.grad.numpy()


def _close(ours, theirs):
    """Within 1e-4 of the values' spread."""
    assert np.abs(ours - theirs).max() <= 1e-4 * np.sqrt(np.mean(np.square(theirs)))


@pytest.mark.parametrize("targets_length", [6, 40], ids=["short targets", "long targets"])
def test_loss_logits_and_gradient(ours, theirs, batch, prompts, padded, targets_length):
    """Short targets take the cross attention that lifts queries, long ones the usual one."""
    inputs, targets = batch
    given = prompts(MEMBERS, PROMPT, ours.width)
    ids = padded(inputs, LENGTH).reshape(MEMBERS, BATCH, -1)
    wanted = padded(targets, targets_length).reshape(MEMBERS, BATCH, -1)
    losses, gradients = spotfw_torch.loss_and_gradient(ours, given, ids, wanted)
    with torch.no_grad():
        encoded = ours.encode(torch.from_numpy(given), torch.from_numpy(ids))
        flat = torch.from_numpy(wanted).flatten(0, 1)
        logits = ours.logits(ours.decode(encoded, shifted(flat))).numpy()
    logits = logits.reshape(MEMBERS, BATCH, targets_length, -1)
    for member in range(MEMBERS):
        their_logits, loss, gradient = _reference(
            theirs, given[member], ids[member], wanted[member]
        )
        real = wanted[member] != 0
        _close(logits[member][real], their_logits[real])
        assert abs(losses[member] - loss) <= 1e-4
        _close(gradients[member], gradient)


def test_greedy_decoding_token_for_token(ours, theirs, batch, prompts, padded):
    inputs, _ = batch
    given = prompts(MEMBERS, PROMPT, ours.width, seed=4) * 3
    decoded = spotfw_torch.greedy(ours, given, inputs, 12)
    ids = torch.from_numpy(padded(inputs, LENGTH))
    distinct = set()
    for member, prompt in enumerate(given):
        spread = torch.from_numpy(prompt).expand(len(ids), -1, -1)
        mask = torch.cat([torch.ones(len(ids), PROMPT), (ids != 0).float()], dim=1)
        with torch.no_grad():
            made = theirs.generate(
                inputs_embeds=torch.cat([spread, theirs.shared(ids)], dim=1),
                attention_mask=mask,
                max_new_tokens=12,
                do_sample=False,
                num_beams=1,
            )[:, 1:]
        for row, mine in zip(made.tolist(), decoded[member], strict=True):
            until = row[: row.index(1) + 1] if 1 in row else row
            assert mine.tolist() == until
            distinct.add(tuple(until))
    assert len(distinct) > 1


def test_label_scores_are_their_likelihoods(ours, theirs, batch, prompts, texts):
    inputs, _ = batch
    given = prompts(MEMBERS, PROMPT, ours.width, seed=5)
    labels = texts(6, 3, 4, ours.vocabulary_size)
    scores = spotfw_torch.label_scores(ours, given, inputs, labels)
    assert scores.shape == (MEMBERS, len(inputs), 3)
    for member, prompt in enumerate(given):
        for index, label in enumerate(labels):
            for row in (0, 3):
                _, loss, _ = _reference(
                    theirs, prompt, inputs[row][None].astype(int), label[None].astype(int)
                )
                assert scores[member, row, index] == pytest.approx(-loss * len(label), abs=2e-3)


def test_activations_are_the_gates_at_the_first_token(ours, theirs, prompts):
    (prompt,) = prompts(1, PROMPT, ours.width, seed=7)
    seen = []
    blocks = [block.layer[2].DenseReluDense for block in theirs.decoder.block]
    hooks = [
        block.act.register_forward_hook(lambda m, i, out: seen.append(out)) for block in blocks
    ]
    _reference(theirs, prompt, np.ones((1, 1), np.int64), np.ones((1, 1), np.int64))
    for hook in hooks:
        hook.remove()
    wanted = np.stack([out[0, 0].detach().numpy() for out in seen])
    activations = spotfw_torch.activations(ours, prompt[None])[0]
    assert activations.shape == (ours.dimensions.decoder_layers, ours.dimensions.d_ff)
    _close(activations, wanted)


def test_no_prompt_is_the_model_alone(ours, theirs, batch, padded):
    inputs, targets = batch
    examples = spotfw_torch.Examples.of(inputs, targets)
    none = np.zeros((1, 0, ours.width), np.float32)
    loss = spotfw_torch.mean_loss(ours, none, examples)[0]
    ids, wanted = padded(inputs, LENGTH), padded(targets, 6)
    _, reference, _ = _reference(theirs, none[0], ids, wanted)
    assert loss == pytest.approx(reference, abs=1e-4)


def test_what_transformers_writes_again_is_the_same_model(ours, theirs, batch, prompts, tmp_path):
    """It writes config.json in its own way, and a tied head once."""
    theirs.save_pretrained(tmp_path)
    again = spotfw_torch.load(tmp_path)
    if again.dimensions != ours.dimensions and theirs.config.model_type == "umt5":
        # transformers 5 writes of every umT5 that its output is scaled.
        assert again.dimensions.scaled_output and not ours.dimensions.scaled_output
        again = FrozenT5(ours.dimensions, again.weights)
    given = prompts(MEMBERS, PROMPT, ours.width, seed=8)
    examples = spotfw_torch.Examples.of(*batch)
    np.testing.assert_allclose(
        spotfw_torch.mean_loss(again, given, examples),
        spotfw_torch.mean_loss(ours, given, examples),
        rtol=1e-6,
    )
