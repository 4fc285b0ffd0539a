"""A split of a task tokenised in memory, and the scores of decoded texts against it."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.errors import SpotError
from spotfw.tasks import Task, labels_in, unknown_split
from spotfw.tasks.seqio.compat import seqio, tf

_log = logging.getLogger(__name__)

Tokens = npt.NDArray[np.int32]

#: More tokens than any text has.
_UNCUT = 2**24

#: Dropped examples listed in a message.
_SHOWN = 5


@attrs.frozen(eq=False)
class Ragged:
    """Token sequences of many lengths, end to end.

    Attributes:
      flat: int32 [sum of lengths].
      offsets: int64 [N + 1]; sequence i is ``flat[offsets[i]:offsets[i + 1]]``.
    """

    flat: Tokens
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[npt.NDArray[Any]]) -> Ragged:
        """Packs sequences."""
        lengths = np.fromiter((len(s) for s in sequences), np.int64, len(sequences))
        flat = np.concatenate([np.zeros(0, np.int32), *sequences]).astype(np.int32)
        return cls(flat, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Tokens:
        """Sequence `index`, int32 [length], a view."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.flat[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[Tokens]:
        return (self[i] for i in range(len(self)))

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Length of each sequence, int64 [N]."""
        return np.diff(self.offsets)


@attrs.frozen(kw_only=True, eq=False)
class Examples:
    """A split as the model sees it.

    Attributes:
      task, split: whose.
      inputs, targets: tokens, each sequence ending with EOS, cut to the lengths asked.
      seqio_task: scores decoded texts.
      raw: gives each example as seqio does, for scoring; a split to train on is read
        again for it.
      dropped: examples left out because no token of their text was left.
    """

    task: Task
    split: str
    inputs: Ragged
    targets: Ragged
    seqio_task: Any = attrs.field(repr=False)
    raw: Callable[[], tuple[Mapping[str, Any], ...]] = attrs.field(repr=False)
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.inputs)


def as_text(text: Any) -> str:
    """Text as seqio gives it, bytes or not."""
    return text.decode() if isinstance(text, bytes) else str(text)


def read_examples(
    task: Task,
    split: str,
    vocabulary: Any,
    max_input_length: int,
    max_target_length: int,
    limit: int | None = None,
    *,
    for_scoring: bool | None = None,
) -> Examples:
    """Reads and tokenises a split, in the order of the data; not while a graph is built.

    Args:
      task: whose split.
      split: its name.
      vocabulary: the frozen model's, a seqio vocabulary.
      max_input_length, max_target_length: tokens kept, EOS among them, as T5 cuts.
      limit: read only the first so many examples, None for all.
      for_scoring: keep what `score` needs, which else is read again when it is asked for;
        by default for every split but ``train``.

    Raises:
      UnknownName: the task has no such split.
      SpotError: the data is absent or empty; a label is not among the task's; two labels
        are the same tokens; nothing of any text was left.
    """
    seqio_task = task.build(vocabulary)
    _check_split(task, seqio_task, split)
    _check_labels_differ(task, vocabulary)
    keep = split != "train" if for_scoring is None else for_scoring
    inputs, targets, raw, dropped = [], [], [], []
    eos = vocabulary.eos_id
    again = functools.partial(
        read_examples,
        task,
        split,
        vocabulary,
        max_input_length,
        max_target_length,
        limit,
        for_scoring=True,
    )
    lengths = {"inputs": max_input_length, "targets": max_target_length}
    for number, example in enumerate(_read(seqio_task, task, split, lengths, limit), 1):
        _check_label(task, split, example, number)
        empty = [k for k in ("inputs", "targets") if _only_eos(example[k], eos)]
        if empty:
            dropped.append(f"{_place(example, number)} has no token of {empty[0]}")
            continue
        inputs.append(example["inputs"])
        targets.append(example["targets"])
        if keep:
            raw.append(example)
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
        seqio_task=seqio_task,
        raw=(lambda: tuple(raw)) if keep else (lambda: again().raw()),
        dropped=len(dropped),
    )


def read_all(task: Task, split: str, vocabulary: Any) -> Iterator[Mapping[str, Any]]:
    """Every example of a split as seqio gives it, cut nowhere, one after another.

    Raises:
      UnknownName: the task has no such split.
      SpotError: the data is absent or cannot be read.
    """
    seqio_task = task.build(vocabulary)
    _check_split(task, seqio_task, split)
    return _read(seqio_task, task, split, dict.fromkeys(("inputs", "targets"), _UNCUT), None)


def _check_split(task: Task, seqio_task: Any, split: str) -> None:
    # TFDS knows the splits only with the data at hand; then reading tells.
    known = tuple(task.splits) or tuple(seqio_task.source.splits)
    if known and split not in known:
        raise unknown_split(task, split, known)


def _read(
    seqio_task: Any, task: Task, split: str, lengths: Mapping[str, int], limit: int | None
) -> Iterator[dict[str, Any]]:
    # With a seed, preprocessors that draw numbers draw the same ones at each reading.
    dataset = seqio_task.get_dataset(
        sequence_length=lengths,
        split=split,
        shuffle=False,
        seed=0 if _takes_seed(seqio_task.source) else None,
    )
    if limit is not None:
        dataset = dataset.take(limit)
    try:
        yield from dataset.as_numpy_iterator()
    except tf.errors.OpError as error:
        what = " ".join(str(error.message).split())[:300]
        raise SpotError(
            f"The split {split!r} of task {task.name!r} cannot be read: {what}. Check its "
            f"data ({task.origin or 'origin unknown'})."
        ) from error


def _takes_seed(source: Any) -> bool:
    """Whether a source can be given a seed; seqio refuses it for functions without one."""
    if not isinstance(source, seqio.FunctionDataSource):
        return True
    return "seed" in inspect.signature(source._dataset_fn).parameters


def _only_eos(tokens: npt.NDArray[Any], eos: int) -> bool:
    return len(tokens) == 0 or bool((np.asarray(tokens) == eos).all())


def _check_label(task: Task, split: str, example: Mapping[str, Any], number: int) -> None:
    target = example.get("targets_pretokenized")
    if not task.labels or target is None:
        return
    label = as_text(target)
    if not set(labels_in(label, task.labels)) <= set(task.labels):
        raise SpotError(
            f"In the split {split!r} of task {task.name!r}, {_place(example, number)} has the "
            f"label {label!r}, which is not among the task's: {', '.join(task.labels)}. Correct "
            "the data, or choose a split whose labels are known."
        )


def _check_labels_differ(task: Task, vocabulary: Any) -> None:
    """Refuses labels that the model can neither learn nor write apart."""
    first: dict[tuple[int, ...], str] = {}
    for label in task.labels:
        tokens = tuple(vocabulary.encode(label))
        if tokens in first:
            raise SpotError(
                f"The labels {first[tokens]!r} and {label!r} of task {task.name!r} are the same "
                f"tokens to this model's vocabulary ({vocabulary.decode(tokens)!r}), so it cannot "
                "tell them apart. Give them other words, plain ones: labels = {...} in the task "
                "file says which word stands for which cell."
            )
        first[tokens] = label


def _place(example: Mapping[str, Any], number: int) -> str:
    """Which example: its number, and its line where the source knows it."""
    return f"example {number}" + (f" (line {int(example['line'])})" if "line" in example else "")


def _tell_dropped(
    task: Task, split: str, dropped: Sequence[str], lengths: Mapping[str, int], left: int
) -> None:
    more = f"; and {len(dropped) - _SHOWN} more" if len(dropped) > _SHOWN else ""
    what = (
        f"{len(dropped)} of {len(dropped) + left} examples of the split {split!r} of task "
        f"{task.name!r} were left out, for no token of their text remains within "
        f"{lengths['inputs']} input and {lengths['targets']} target tokens: "
        f"{'; '.join(dropped[:_SHOWN])}{more}."
    )
    if not left:
        raise SpotError(f"{what} Raise the lengths, or check the texts and the vocabulary.")
    _log.warning("%s", what)
