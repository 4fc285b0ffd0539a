"""Scoring and decoding many prompts at once gives what one at a time gives."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

import spotfw_torch  # noqa: E402
from spotfw_torch import Examples  # noqa: E402


def test_losses_do_not_depend_on_what_runs_together(model, prompts, texts):
    given = prompts(3, 5, model.width)
    examples = Examples.of(texts(1, 9, 40), texts(2, 9, 5))
    nats, tokens = spotfw_torch.example_losses(model, given, examples)
    assert nats.shape == (3, 9) and tokens.tolist() == examples.target_lengths.tolist()
    for at_once in (1, 200):
        again, _ = spotfw_torch.example_losses(model, given, examples, at_once)
        np.testing.assert_allclose(again, nats, atol=1e-4)
    mean = spotfw_torch.mean_loss(model, given, examples)
    np.testing.assert_allclose(mean, nats.sum(1) / tokens.sum())
    (alone,) = spotfw_torch.mean_loss(model, given[1:2], examples)
    assert alone == pytest.approx(mean[1], abs=1e-5)


def test_label_scores_are_the_negative_losses_of_labels(model, prompts, texts):
    given = prompts(3, 5, model.width)
    inputs, labels = texts(1, 7, 40), texts(3, 4, 5)
    scores = spotfw_torch.label_scores(model, given, inputs, labels)
    for number, label in enumerate(labels):
        nats, _ = spotfw_torch.example_losses(model, given, Examples.of(inputs, [label] * 7))
        np.testing.assert_allclose(scores[:, :, number], -nats, atol=1e-4)
    again = spotfw_torch.label_scores(model, given, inputs, labels, positions_at_once=150)
    np.testing.assert_allclose(again, scores, atol=1e-4)


def test_decodings_do_not_depend_on_what_runs_together(model, prompts, texts):
    given = prompts(3, 5, model.width) * 2
    inputs = texts(1, 9, 40)
    decoded = spotfw_torch.greedy(model, given, inputs, 10)
    ids = [[row.tolist() for row in rows] for rows in decoded]
    for at_once in (1, 200):
        again = spotfw_torch.greedy(model, given, inputs, 10, at_once)
        assert [[row.tolist() for row in rows] for rows in again] == ids
    for row in (row for rows in ids for row in rows):
        assert 1 <= len(row) <= 10
        assert 1 not in row[:-1]
        assert len(row) == 10 or row[-1] == 1


def test_rows_that_end_early_leave_the_others_as_they_are(write_small, tmp_path, texts):
    """The end is made likely, so that rows end at different tokens."""
    from spotfw_torch.random_weights import random_tensors
    from spotfw_torch.weights import arrange

    plain = spotfw_torch.load(write_small(tmp_path))
    tensors = random_tensors(plain.dimensions, 3, sharpness=2.0)
    tensors["lm_head.weight"][1] *= 1.6
    model = spotfw_torch.FrozenT5(
        plain.dimensions, arrange(tensors, plain.dimensions, plain.device, plain.dtype)
    )
    random = np.random.RandomState(5)
    given = random.standard_normal((4, 5, model.width)).astype(np.float32) * 2
    inputs = texts(1, 12, 40)
    decoded = spotfw_torch.greedy(model, given, inputs, 12)
    assert len({len(row) for rows in decoded for row in rows}) > 2
    for prompt, rows in zip(given, decoded, strict=True):
        for ids, row in zip(inputs, rows, strict=True):
            ((alone,),) = spotfw_torch.greedy(model, prompt[None], [ids], 12)
            assert row.tolist() == alone.tolist()


def test_prompts_of_several_shapes_are_refused(model, prompts, texts):
    mixed = [prompts(1, 5, model.width)[0], prompts(1, 4, model.width)[0]]
    with pytest.raises(ValueError, match="shape"):
        spotfw_torch.greedy(model, mixed, texts(1, 2, 5), 3)
    with pytest.raises(ValueError, match="shape"):
        spotfw_torch.activations(model, prompts(1, 5, model.width + 1))
