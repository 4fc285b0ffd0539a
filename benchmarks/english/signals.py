"""What source prompts do on a target's rows before any tuning (and after the first steps)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import spotfw_torch as st
from benchmarks.english.bundle import Array, Part, TaskData
from benchmarks.english.tunings import Data


def first_rows(part: Part, count: int) -> Part:
    """A part's first rows; parts are drawn at random already."""
    return Part(
        inputs=part.inputs[:count],
        targets=part.targets[:count],
        gold=part.gold[:count],
        answers=(),
        referent_labels=(),
    )


def losses_on(
    model: Any, data: Data, task: TaskData, part: Part, prompts: Sequence[Array]
) -> tuple[list[dict[str, float]], Array]:
    """Of each prompt: loss (nats an example), label-centred loss and accuracy; and what they
    were made of: log-likelihoods [P, N, labels], or of free text nats [P, N].

    Label-centred: the cross-entropy of the right label among the labels alone, so that a
    prompt that does not know the labels' wording is not blamed for it.
    """
    if task.kind not in ("labels", "number"):
        nats, _ = st.example_losses(model, prompts, data.examples(part))
        return [{"loss": float(values.mean())} for values in nats], nats.astype(np.float32)
    scores = st.label_scores(model, prompts, part.inputs, task.label_ids)
    rows = np.arange(len(part))
    signals = []
    for values in scores.astype(np.float64):
        right = values[rows, part.gold]
        most = values.max(1)
        total = most + np.log(np.exp(values - most[:, None]).sum(1))
        signals.append(
            {
                "loss": float(-right.mean()),
                "centred": float((total - right).mean()),
                "accuracy": 100.0 * float((values.argmax(1) == part.gold).mean()),
            }
        )
    return signals, scores


def gradient_agreement(
    model: Any, data: Data, part: Part, prompts: Sequence[Array], batch: int
) -> list[dict[str, float]]:
    """Of each prompt: the cosine of its gradients over two halves of the rows, their norms.

    Rows are taken by length, every other one to the same half, so that both have all lengths.
    """
    examples = data.examples(part)
    order = np.argsort(examples.input_lengths, kind="stable")
    stack = np.stack(prompts)
    sums = np.zeros((2, *stack.shape))
    for half in (0, 1):
        rows = order[half::2]
        for first in range(0, len(rows) - batch + 1, batch):
            chosen = rows[first : first + batch]
            width = int(examples.input_lengths[chosen].max())
            longest = int(examples.target_lengths[chosen].max())
            inputs = np.broadcast_to(examples.inputs[chosen, :width], (len(stack), batch, width))
            targets = np.broadcast_to(
                examples.targets[chosen, :longest], (len(stack), batch, longest)
            )
            sums[half] += st.loss_and_gradient(model, stack, inputs, targets)[1]
    flat = sums.reshape(2, len(stack), -1)
    norms = np.linalg.norm(flat, axis=2)
    cosines = (flat[0] * flat[1]).sum(1) / np.maximum(norms[0] * norms[1], 1e-30)
    return [
        {"cosine": float(c), "norm": float(np.linalg.norm(flat[:, i].sum(0)))}
        for i, c in enumerate(cosines)
    ]
