"""A split looked through once: how many examples, how long they are, which labels they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.tasks.examples import read_all
from spotfw.tasks.task import Task, labels_in
from spotfw.tasks.vocabulary import ByteVocabulary

Lengths = npt.NDArray[np.int32]

#: Which percentiles of the lengths are reported, and for which limits the share that they cut.
PERCENTILES = (50, 90, 95, 99)
LIMITS = (128, 256, 512, 1024)


@attrs.frozen(kw_only=True, eq=False)
class Survey:
    """What a split holds.

    Attributes:
      split: its name.
      inputs, targets: tokens of each example, its end among them, uncut; int32 [N].
      unknown: share of all tokens, the ends among them, that stand for text the vocabulary
        does not have, 0 to 1; by ``inputs`` and ``targets``.
      labels: how often each target is there, of a task that has labels; most often first.
      first: inputs and targets of the first example, as text; None of an empty split.
    """

    split: str
    inputs: Lengths
    targets: Lengths
    unknown: Mapping[str, float]
    labels: Mapping[str, int]
    first: tuple[str, str] | None

    def __len__(self) -> int:
        return len(self.inputs)


def survey(
    task: Task, split: str, vocabulary: Any = None, progress: Callable[[int], None] | None = None
) -> Survey:
    """Reads a split once, without cutting anything.

    Args:
      task: whose.
      split: its name.
      vocabulary: what counts tokens; None counts bytes.
      progress: called with how many examples were read.

    Raises:
      UnknownName: the task has no such split.
      SpotError: its data is absent or cannot be read.
    """
    inputs, targets = [], []
    labels: Counter[str] = Counter()
    unknown = Counter({"inputs": 0, "targets": 0})
    first: tuple[str, str] | None = None
    counted = vocabulary or ByteVocabulary()
    source, every = read_all(task, split, counted)
    for number, read in enumerate(every, 1):
        inputs.append(len(read.inputs))
        targets.append(len(read.targets))
        unknown["inputs"] += int((read.inputs == counted.unk_id).sum())
        unknown["targets"] += int((read.targets == counted.unk_id).sum())
        if first is None:
            first = source.text(read)
        if task.labels:
            labels.update(labels_in(source.text(read)[1], task.labels))
        if progress is not None:
            progress(number)
    return Survey(
        split=split,
        inputs=np.array(inputs, np.int32),
        targets=np.array(targets, np.int32),
        unknown={
            "inputs": unknown["inputs"] / max(1, sum(inputs)),
            "targets": unknown["targets"] / max(1, sum(targets)),
        },
        labels=dict(labels.most_common()),
        first=first,
    )


def length_facts(lengths: Lengths, own: int) -> dict[str, Any]:
    """Percentiles of lengths, and the share that each limit cuts.

    Args:
      lengths: tokens of each example, int32 [N], N above 0.
      own: the limit of a tuning with this model.

    Returns:
      ``percentiles``: the length that so many percent do not exceed, and ``max``; ``cut``:
      limit -> share of the examples, 0 to 1, that are longer.
    """
    percentiles = np.percentile(lengths, PERCENTILES, method="inverted_cdf")
    return {
        "mean": float(lengths.mean()),
        "percentiles": {
            **{str(p): int(v) for p, v in zip(PERCENTILES, percentiles, strict=True)},
            "max": int(lengths.max()),
        },
        "cut": {str(limit): float((lengths > limit).mean()) for limit in sorted({*LIMITS, own})},
        "limit": own,
    }
