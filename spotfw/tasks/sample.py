"""A sample of a split's examples as text and as tokens that nothing has cut."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from spotfw.config import TuningSettings
from spotfw.tasks.example import Example
from spotfw.tasks.knowledge import Knowledge, knowledge
from spotfw.tasks.sources import open_source
from spotfw.tasks.task import Task
from spotfw.tasks.vocabulary import encode_all

#: Examples looked at: shares among them are within five points of the split's.
EXAMPLES = 500

#: Of a split whose examples come one by one, only so many are read; of a list, all are at hand.
MOST_READ = 2_000

Ids = tuple[tuple[int, ...], ...]


@attrs.frozen(kw_only=True, eq=False, slots=False)
class Sample:
    """Examples of a split.

    Attributes:
      task, split: whose.
      inputs, targets: as the task writes them.
      input_ids, target_ids: their tokens, without the end.
      vocabulary: what made the tokens.
    """

    task: Task
    split: str
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    input_ids: Ids = attrs.field(repr=False)
    target_ids: Ids = attrs.field(repr=False)
    vocabulary: Any = attrs.field(repr=False)

    def __len__(self) -> int:
        return len(self.inputs)

    @functools.cached_property
    def known_inputs(self) -> Knowledge:
        """What the vocabulary knows of the inputs."""
        return knowledge(self.inputs, self.vocabulary)

    @functools.cached_property
    def known_targets(self) -> Knowledge:
        """What the vocabulary knows of the targets."""
        return knowledge(self.targets, self.vocabulary)


def sample(task: Task, split: str, vocabulary: Any) -> Sample:
    """Examples spread evenly over a split, in the order of the data.

    Of a task that gives tokens without text, such as span corruption, none.

    Args:
      task: whose; one of seqio's is read with TensorFlow.
      split: its name.
      vocabulary: the frozen model's.

    Raises:
      SpotError: the data is absent or cannot be read.
    """
    examples = (
        _seqio_examples(task, split, vocabulary) if task.makes_tokens else _plain(task, split)
    )
    inputs = tuple(example.inputs for example in examples)
    targets = tuple(example.targets for example in examples)
    return Sample(
        task=task,
        split=split,
        inputs=inputs,
        targets=targets,
        input_ids=_ids(vocabulary, inputs),
        target_ids=_ids(vocabulary, targets),
        vocabulary=vocabulary,
    )


def _plain(task: Task, split: str) -> Sequence[Example]:
    assert task.examples is not None
    return spread(task.examples(split), EXAMPLES)


def spread(examples: Iterable[Example], most: int) -> Sequence[Example]:
    """At most `most` examples, evenly spread; of an iterator, over its first `MOST_READ`."""
    if not isinstance(examples, Sequence):
        examples = list(itertools.islice(examples, MOST_READ))
    count = len(examples)
    if count <= most:
        return examples
    return [examples[place * count // most] for place in range(most)]


def _seqio_examples(task: Task, split: str, vocabulary: Any) -> Sequence[Example]:
    # Preprocessors may make examples by the lengths asked, so the paper's are.
    lengths = TuningSettings()
    source = open_source(task, vocabulary)
    read = source.read(split, lengths.max_input_length, lengths.max_target_length, EXAMPLES)
    return [
        tokenised.example
        for tokenised in read
        if {"inputs_pretokenized", "targets_pretokenized"} <= tokenised.example.extra.keys()
    ]


def _ids(vocabulary: Any, texts: Sequence[str]) -> Ids:
    return tuple(tuple(int(i) for i in ids) for ids in encode_all(vocabulary, texts))
