"""What the suite of task sources asks of one task's examples and scores."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from spotfw.tasks import Example, Task
from spotfw.tasks.scoring import MetricFault
from spotfw.tasks.sources import ExampleSource
from spotfw.tasks.vocabulary import ByteVocabulary
from spotfw.testing.suites import expect

#: Examples of each split that are read, and that are scored.
_EXAMPLES = 3
_SCORED = 8

#: Tokens that are kept of a text.
_LONGEST = 1024


def check_examples(task: Task) -> None:
    """Reads the first examples of every split, twice, and scores right answers.

    Raises:
      SpotError: the task's data is absent.
    """
    if task.makes_tokens:
        _check_seqio(task)
    else:
        _check_plain(task)


def _check_plain(task: Task) -> None:
    where = f"of task {task.name!r}"
    expect(bool(task.splits), f"expected the splits {where} to be named, got none.")
    for split in task.splits:
        first, again = _first(task, split), _first(task, split)
        at = f"in split {split!r} {where}"
        expect(bool(first), f"expected examples {at}, got none.")
        for example in first:
            _check_example(example, at)
        expect(
            first == again,
            f"expected the same examples {at} each time, got others; fix their order.",
        )
        _check_score(task, first, at)


def _first(task: Task, split: str) -> list[Any]:
    assert task.examples is not None
    return list(itertools.islice(task.examples(split), _SCORED))


def _check_example(example: Any, at: str) -> None:
    expect(
        isinstance(example, Example),
        f"expected spotfw.tasks.Example values {at}, got {example!r:.80}.",
    )
    for side in ("inputs", "targets"):
        text = getattr(example, side)
        expect(
            isinstance(text, str) and bool(text.strip()),
            f"expected {side} {at} to be a text that is not blank, got {text!r:.80}.",
        )
    try:
        json.dumps(dict(example.extra))
    except (TypeError, ValueError) as error:
        expect(False, f"expected extra {at} to hold plain JSON values, but {error}.")


def _check_score(task: Task, examples: list[Any], at: str) -> None:
    """Right answers get numbers; not asked of a single example, where some metrics have none."""
    if task.score is None or len(examples) < 2:
        return
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            values = task.score(examples, [example.targets for example in examples])
    except Exception as error:
        said = str(error) if isinstance(error, MetricFault) else f"{type(error).__name__}: {error}"
        raise AssertionError(
            f"expected the right answers {at} to be scored, but {said:.300}"
        ) from error
    numbers = isinstance(values, Mapping) and all(
        isinstance(name, str)
        and isinstance(getattr(value, "value", value), (int, float, np.number))
        for name, value in values.items()
    )
    expect(
        numbers and bool(values),
        f"expected the score {at} to be numbers by metric, got {values!r:.80}.",
    )


def _check_seqio(task: Task) -> None:
    from spotfw.tasks.seqio.adapter import SeqioSource

    vocabulary = ByteVocabulary()
    built = SeqioSource(task, vocabulary).built
    where = f"of task {task.name!r}"
    features = set(built.output_features)
    expect(
        {"inputs", "targets"} <= features,
        f"expected the built features {where} to hold inputs and targets, got {sorted(features)}.",
    )
    missing = sorted(set(task.splits) - set(built.splits))
    expect(not missing, f"expected the splits {where} to be built, but {missing} are not there.")
    for split in built.splits:
        first, again = (_tokens(SeqioSource(task, vocabulary), split) for _ in range(2))
        expect(bool(first), f"expected examples in split {split!r} {where}, got none.")
        expect(
            first == again,
            f"expected split {split!r} {where} to give the same examples each time, got others.",
        )
        for ids in first:
            expect(
                bool(ids) and min(ids) >= 0 and max(ids) < vocabulary.vocab_size,
                f"expected tokens of the vocabulary in split {split!r} {where}, got {ids[:8]}.",
            )


def _tokens(source: ExampleSource, split: str) -> list[list[int]]:
    """Tokens of the first examples of a split: inputs, targets, inputs ..."""
    read = source.read(split, _LONGEST, _LONGEST, _EXAMPLES)
    return [side.tolist() for example in read for side in (example.inputs, example.targets)]
