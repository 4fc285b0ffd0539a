"""A split of a task tokenised in memory, for engines."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import attrs

from spotfw.errors import SpotError
from spotfw.tasks.draws import Draw
from spotfw.tasks.example import Example
from spotfw.tasks.sources import ExampleSource, open_source
from spotfw.tasks.spelling import as_decoded, spell_labels
from spotfw.tasks.task import Task, labels_in, unknown_split
from spotfw.tasks.tokens import Ragged, Tokenised, Tokens

_log = logging.getLogger(__name__)

#: More tokens than any text has.
UNCUT = 2**24

#: Dropped examples listed in a message.
_SHOWN = 5


@attrs.frozen(kw_only=True, eq=False)
class Examples:
    """A split as the model sees it.

    Attributes:
      task, split: whose.
      inputs, targets: tokens, each sequence ending with EOS, cut to the lengths asked.
      source: scores decoded texts; see `spotfw.tasks.scores.score`.
      raw: gives each example as the task does, for scoring; a split to train on is read
        again for it.
      dropped: examples left out because no token of their text was left.
      written: what is decoded for a label, or several -> as the task writes it, of those that
        the vocabulary writes in another way; see `spotfw.tasks.spelling`.
    """

    task: Task
    split: str
    inputs: Ragged
    targets: Ragged
    source: ExampleSource = attrs.field(repr=False)
    raw: Callable[[], tuple[Example, ...]] = attrs.field(repr=False)
    dropped: int = 0
    written: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.inputs)


def read_examples(
    task: Task,
    split: str,
    vocabulary: Any,
    max_input_length: int,
    max_target_length: int,
    limit: int | Draw | None = None,
    *,
    for_scoring: bool | None = None,
) -> Examples:
    """Reads and tokenises a split, in the order of the data.

    Of a task that is seqio's, not while a TensorFlow graph is built.

    Args:
      task: whose split.
      split: its name.
      vocabulary: the frozen model's, a `spotfw.tasks.vocabulary.Vocabulary`.
      max_input_length, max_target_length: tokens kept, EOS among them, as T5 cuts.
      limit: which examples are read: those of a `Draw`, the first so many, None for all.
      for_scoring: keep what `score` needs, which else is read again when it is asked for;
        by default for every split but ``train``.

    Raises:
      UnknownName: the task has no such split.
      SpotError: the data is absent or empty; a label is not among the task's; labels cannot be
        told apart by what is kept of them; nothing of any text was left.
    """
    source = open_source(task, vocabulary)
    _check_split(task, source.splits, split)
    answers = _Answers(task, split, vocabulary, max_target_length)
    keep = split != "train" if for_scoring is None else for_scoring
    inputs, targets, raw, dropped = [], [], [], []
    lengths = (max_input_length, max_target_length)
    again = functools.partial(
        read_examples, task, split, vocabulary, *lengths, limit, for_scoring=True
    )
    for number, read in enumerate(source.read(split, *lengths, limit), 1):
        answers.check(read.example, number)
        empty = _side_without_text(read, vocabulary.eos_id)
        if empty:
            dropped.append(f"{_place(read.example, number)} has no token of {empty}")
            continue
        inputs.append(read.inputs)
        targets.append(read.targets)
        if keep:
            raw.append(read.example)
    if dropped:
        _tell_dropped(task, split, dropped, lengths, left=len(inputs))
    if not inputs:
        raise SpotError(
            f"The split {split!r} of task {task.name!r} is empty. Check its data "
            f"({task.origin or 'origin unknown'})."
        )
    return Examples(
        task=task,
        split=split,
        inputs=Ragged.of(inputs),
        targets=Ragged.of(targets),
        source=source,
        raw=(lambda: tuple(raw)) if keep else (lambda: again().raw()),
        dropped=len(dropped),
        written=answers.written,
    )


def read_all(task: Task, split: str, vocabulary: Any) -> tuple[ExampleSource, Iterator[Tokenised]]:
    """Every example of a split, cut nowhere, one after another; and the source that has them.

    Raises:
      UnknownName: the task has no such split.
      SpotError: the data is absent or cannot be read.
    """
    source = open_source(task, vocabulary)
    _check_split(task, source.splits, split)
    return source, source.read(split, UNCUT, UNCUT, None)


def _check_split(task: Task, known: Collection[str], split: str) -> None:
    # TFDS knows the splits only with the data at hand; then reading tells.
    if known and split not in known:
        raise unknown_split(task, split, known)


def _side_without_text(read: Tokenised, end: int | None) -> str | None:
    """Which side has no token but the end; None where both have some."""
    sides = (("inputs", read.inputs), ("targets", read.targets))
    return next((side for side, tokens in sides if _only_end(tokens, end)), None)


def _only_end(tokens: Tokens, end: int | None) -> bool:
    return len(tokens) == 0 or (tokens[0] == end and bool((tokens == end).all()))


class _Answers:
    """The labels of a split, each looked at once; how they are written, by what is decoded."""

    def __init__(self, task: Task, split: str, vocabulary: Any, max_target_length: int) -> None:
        self.written = as_decoded(spell_labels(task, vocabulary, max_target_length))
        self._task = task
        self._split = split
        self._vocabulary = vocabulary
        self._most = max_target_length
        self._seen = set(task.labels)

    def check(self, example: Example, number: int) -> None:
        """Refuses a target that names no label, or several of which the end is cut."""
        without_text = example.tokens is not None and "targets_pretokenized" not in example.extra
        if not self._task.labels or without_text or example.targets in self._seen:
            return
        self._seen.add(example.targets)
        self._check_named(example, number)
        ids = self._vocabulary.encode(example.targets)
        if len(ids) >= self._most:
            raise SpotError(
                f"In the split {self._split!r} of task {self._task.name!r}, "
                f"{_place(example, number)} has the labels {example.targets!r}, {len(ids) + 1} "
                f"tokens, of which max_target_length keeps {self._most}: what is left are other "
                f"labels. Keep all of them with --max-target-length {len(ids) + 1} or more."
            )
        decoded = self._vocabulary.decode(ids)
        if decoded != example.targets:
            self.written.setdefault(decoded, example.targets)

    def _check_named(self, example: Example, number: int) -> None:
        task, label = self._task, example.targets
        if not set(labels_in(label, task.labels)) <= set(task.labels):
            raise SpotError(
                f"In the split {self._split!r} of task {task.name!r}, {_place(example, number)} "
                f"has the label {label!r}, which is not among the task's: "
                f"{', '.join(task.labels)}. Correct the data, or choose a split whose labels are "
                "known."
            )


def _place(example: Example, number: int) -> str:
    """Which example: its number, and its line where the source knows it."""
    line = example.extra.get("line")
    return f"example {number}" + ("" if line is None else f" (line {int(line)})")


def _tell_dropped(
    task: Task, split: str, dropped: Sequence[str], lengths: tuple[int, int], left: int
) -> None:
    more = f"; and {len(dropped) - _SHOWN} more" if len(dropped) > _SHOWN else ""
    what = (
        f"{len(dropped)} of {len(dropped) + left} examples of the split {split!r} of task "
        f"{task.name!r} were left out, for no token of their text remains within "
        f"{lengths[0]} input and {lengths[1]} target tokens: "
        f"{'; '.join(dropped[:_SHOWN])}{more}."
    )
    if left < len(dropped):
        raise SpotError(
            f"{what} What is left is not the task. Raise the lengths, or check the texts and the "
            "vocabulary."
        )
    _log.warning("%s", what)
