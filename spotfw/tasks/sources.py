"""Where an engine has a task's examples from: the task itself, or seqio where it is seqio's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import attrs

from spotfw.tasks.draws import Draw, limited
from spotfw.tasks.example import Example
from spotfw.tasks.kept_tokens import cut
from spotfw.tasks.scoring.scorer import NotScored
from spotfw.tasks.task import Task
from spotfw.tasks.tokens import Tokenised
from spotfw.tasks.vocabulary import Vocabulary

#: Examples cut into tokens together: the first ones, with which some readers end, then more.
_FIRST, _TOGETHER = 1024, 2**14


class ExampleSource(Protocol):
    """A task over a vocabulary.

    Attributes:
      splits: names of its splits; empty where they are not known without the data.
    """

    @property
    def splits(self) -> Sequence[str]: ...

    def read(
        self, split: str, max_input_length: int, max_target_length: int, limit: int | Draw | None
    ) -> Iterator[Tokenised]:
        """The examples of a split in the order of the data: all, the first so many, or drawn.

        Raises:
          SpotError: the data is absent or cannot be read.
        """

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Mapping[str, Any]:
        """Each metric's value for what was written.

        Raises:
          MetricFault: a metric failed.
          NotScored: texts are not scored.
        """

    def text(self, tokenised: Tokenised) -> tuple[str, str]:
        """Inputs and targets as text, decoded where the task makes tokens only."""


def open_source(task: Task, vocabulary: Vocabulary) -> ExampleSource:
    """A task's examples over a vocabulary; loads seqio and TensorFlow where it is seqio's.

    Raises:
      SpotError: the task's data is absent.
    """
    if not task.makes_tokens:
        return PlainSource(task, vocabulary)
    from spotfw.tasks.seqio.adapter import SeqioSource

    return SeqioSource(task, vocabulary)


@attrs.frozen(eq=False)
class PlainSource:
    """An `ExampleSource` of a task that gives text, which is cut here as T5 cuts it."""

    task: Task
    vocabulary: Vocabulary

    @property
    def splits(self) -> Sequence[str]:
        return tuple(self.task.splits)

    def read(
        self, split: str, max_input_length: int, max_target_length: int, limit: int | Draw | None
    ) -> Iterator[Tokenised]:
        assert self.task.examples is not None
        examples = iter(limited(self.task.examples(split), limit, lambda example: example))
        count = _FIRST
        while together := list(itertools.islice(examples, count)):
            inputs = cut(self.vocabulary, [e.inputs for e in together], max_input_length)
            targets = cut(self.vocabulary, [e.targets for e in together], max_target_length)
            yield from map(Tokenised, together, inputs, targets)
            count = _TOGETHER

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Mapping[str, Any]:
        if self.task.score is None:
            raise NotScored()
        return self.task.score(examples, texts)

    def text(self, tokenised: Tokenised) -> tuple[str, str]:
        return tokenised.example.inputs, tokenised.example.targets
