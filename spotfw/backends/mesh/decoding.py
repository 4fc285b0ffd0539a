"""Decodes with a prompt, and scores what comes out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np

from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import LivePrompt, Runtime
from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation
from spotfw.errors import Once, SpotError
from spotfw.tasks import Task, labels_in
from spotfw.tasks.batches import Tokens, bucket, pad_batch
from spotfw.tasks.examples import Examples
from spotfw.tasks.scores import score
from spotfw.tasks.tokens import Ragged
from spotfw.tasks.vocabulary import Vocabulary

#: A label's tokens are few: decode little more than the longest.
_DECODE_BUCKETS = (4, 8, 16, 32, 64, 128, 256, 512)
_EOS = 1

_log = logging.getLogger(__name__)

#: Tasks and splits of which it was said that most answers are no label.
_warned = Once()


def evaluate_one(
    runtime: Runtime,
    vocabulary: Vocabulary,
    prompt: Array | None,
    examples: Examples,
    settings: TuningSettings,
) -> Evaluation:
    """Scores a prompt on a split by the task's own metrics.

    Where the task has labels, decoding stops at the longest target of the split: no longer
    answer could be right. Free text is decoded up to `max_target_length`.
    """
    task = examples.task
    longest = max(len(t) for t in examples.targets) if task.labels else settings.max_target_length
    targets = bucket(longest, _DECODE_BUCKETS)
    texts = _texts(vocabulary, decode(runtime, prompt, examples.inputs, targets, settings))
    metrics = score(examples, texts)
    _warn_of_no_labels(task, examples.split, texts)
    return Evaluation(
        metrics=metrics, score=float(np.mean(list(metrics.values()))), examples=len(texts)
    )


def _warn_of_no_labels(task: Task, split: str, texts: Sequence[str]) -> None:
    """Says why a score is so low where most answers are no label; anew only once some were."""
    others = [t for t in texts if task.labels and not {*labels_in(t, task.labels)} & {*task.labels}]
    place = (task.name, split)
    if 2 * len(others) <= len(texts):
        _warned.forget(place)
    elif _warned.first(place):
        often = ", ".join(repr(text[:40]) for text, _ in Counter(others).most_common(3))
        _log.warning(
            "%d of %d answers to task %r, split %r, are none of its labels (most often: %s).",
            len(others),
            len(texts),
            *place,
            often,
        )


def predict_lines(
    runtime: Runtime,
    vocabulary: Vocabulary,
    prompt: Array | None,
    lines: Sequence[str],
    settings: TuningSettings,
) -> list[str]:
    """Decodes greedily for each line.

    Raises:
      SpotError: a line holds no text.
    """
    inputs = []
    for number, line in enumerate(lines, 1):
        ids = list(vocabulary.encode(line))[: settings.max_input_length - 1]
        if not ids:
            raise SpotError(
                f"Line {number} of the input is empty, and there is nothing to predict from. "
                "Take it out."
            )
        inputs.append(np.array([*ids, _EOS], np.int32))
    targets = bucket(settings.max_target_length, _DECODE_BUCKETS)
    return _texts(vocabulary, decode(runtime, prompt, inputs, targets, settings))


def decode(
    runtime: Runtime,
    prompt: Array | None,
    inputs: Sequence[Tokens] | Ragged,
    targets: int,
    settings: TuningSettings,
) -> list[Tokens]:
    """Greedy decodings of tokenised inputs, in their order, each int32 [targets].

    Args:
      runtime: of the frozen model.
      prompt: float32 [L, E], or None for none.
      inputs: token sequences with EOS, int32.
      targets: most tokens to decode.
      settings: `eval_batch_size` of them.
    """
    live = None if prompt is None else LivePrompt(array=prompt)
    length = 0 if prompt is None else len(prompt)
    size = min(settings.eval_batch_size, max(len(inputs), 1))
    # Alike lengths together: less padding, fewer shapes.
    order = sorted(range(len(inputs)), key=lambda i: len(inputs[i]))
    decoded: dict[int, Tokens] = {}
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        # The last batch is filled up, so that no new shape is compiled for it.
        padded = rows + [rows[-1]] * (size - len(rows))
        chosen = [inputs[i] for i in padded]
        fed = pad_batch(chosen, bucket(max(map(len, chosen))))
        shapes = Shapes(batch=size, inputs=fed.shape[1], targets=targets, prompt_length=length)
        program = runtime.program("decode", shapes)
        (ids,) = runtime.run(program, ["ids"], prompt=live, inputs=fed)
        decoded.update(zip(rows, ids, strict=False))
    return [decoded[row] for row in range(len(inputs))]


def _texts(vocabulary: Vocabulary, decoded: Sequence[Tokens]) -> list[str]:
    """The texts of decoded ids, up to EOS."""
    return [str(vocabulary.decode(ids.tolist())) for ids in decoded]
