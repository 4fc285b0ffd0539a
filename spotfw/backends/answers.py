"""Around an engine's greedy decoding: its limits, its input lines, the scores of its answers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from spotfw.config import TuningSettings
from spotfw.contracts import Evaluation
from spotfw.errors import Once, SpotError
from spotfw.tasks import Task, labels_in
from spotfw.tasks.batches import bucket
from spotfw.tasks.examples import Examples
from spotfw.tasks.scores import answers_as_written, right, score
from spotfw.tasks.scoring.purpose import is_checkpoint
from spotfw.tasks.tokens import Tokens

#: A label's tokens are few: decode little more than the longest.
_DECODE_BUCKETS = (4, 8, 16, 32, 64, 128, 256, 512)
_EOS = 1

_log = logging.getLogger(__name__)

#: Tasks and splits of which it was said that most answers are no label.
_warned = Once()


def most_tokens(settings: TuningSettings, examples: Examples | None = None) -> int:
    """The most tokens to decode.

    Where the examples' task has labels, decoding stops at the longest target of the split: no
    longer answer could be right. Free text is decoded up to `max_target_length`.
    """
    longest = settings.max_target_length
    if examples is not None and examples.task.labels:
        longest = max(len(target) for target in examples.targets)
    return bucket(longest, _DECODE_BUCKETS)


def evaluation_of(examples: Examples, texts: Sequence[str]) -> Evaluation:
    """Scores what was decoded for each example, by the task's own metrics."""
    metrics = score(examples, texts)
    answers = answers_as_written(examples, texts)
    warn_of_no_labels(examples.task, examples.split, answers)
    mean = float(np.mean(list(metrics.values())))
    return Evaluation(
        metrics=metrics, score=mean, examples=len(texts), right=right(examples, answers, mean)
    )


def warn_of_no_labels(task: Task, split: str, texts: Sequence[str]) -> None:
    """Warns where most answers are not a label; again only if most were labels in between."""
    others = [t for t in texts if task.labels and not {*labels_in(t, task.labels)} & {*task.labels}]
    place = (task.name, split)
    if 2 * len(others) <= len(texts):
        _warned.forget(place)
    elif _warned.first(place):
        often = ", ".join(repr(text[:40]) for text, _ in Counter(others).most_common(3))
        why = (
            "this task is not learned yet, as is usual at the start of a tuning."
            if is_checkpoint()
            else "what is scored was tuned on a task of other texts or labels, or not long enough."
        )
        _log.warning(
            "%d of %d answers to task %r, split %r, are none of its labels (most often: %s): %s",
            len(others),
            len(texts),
            *place,
            often,
            why,
        )


def tokenised_lines(
    lines: Sequence[str], vocabulary: Any, settings: TuningSettings
) -> list[Tokens]:
    """Each line's tokens with EOS, int32, `max_input_length` at most.

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
    return inputs
