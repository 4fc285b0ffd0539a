"""MNLI scored on its matched and its mismatched genres apart, and tuned once for both.

t5 has a task for each validation set, which it scores while it trains on MNLI. Here a run has one
validation split, so that of `by_genre` holds both sets, and each has a value of its own.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from spotfw.tasks.example import Example
from spotfw.tasks.rows.digests import digest_of_values
from spotfw.tasks.task import Task

NAME = "glue_mnli_by_genre"
GENRES = ("matched", "mismatched")


def by_genre(mnli: Task) -> Task:
    """MNLI with both validation sets in one split, and ``accuracy_matched``, ``..._mismatched``.

    The score of a checkpoint is the mean of the two. Training examples are MNLI's own.

    Args:
      mnli: the task with the splits ``validation_matched`` and ``validation_mismatched``.
    """
    parts = {f"validation_{genre}": mnli.splits[f"validation_{genre}"] for genre in GENRES}
    return attrs.evolve(
        mnli,
        name=NAME,
        metrics=tuple(f"{metric}_{genre}" for genre in GENRES for metric in mnli.metrics),
        splits={
            "train": mnli.splits["train"],
            "validation": sum(rows or 0 for rows in parts.values()),
            **parts,
        },
        examples=functools.partial(_examples, mnli),
        score=functools.partial(_score, mnli),
        check=functools.partial(_check, mnli),
        content=functools.partial(_content, mnli),
        groups=("section 2 target",),
        description="MNLI, scored on the matched and on the mismatched genres",
    )


def _examples(mnli: Task, split: str) -> Iterator[Example]:
    assert mnli.examples is not None
    # All are opened before the first is read: what is absent is said at once.
    opened = [(part, mnli.examples(part)) for part in _parts(split)]
    return itertools.chain.from_iterable(_marked(part, examples) for part, examples in opened)


def _marked(split: str, examples: Iterable[Example]) -> Iterator[Example]:
    genre = split.partition("_")[2]
    for example in examples:
        extra = {**example.extra, "genre": genre} if genre else example.extra
        yield attrs.evolve(example, extra=extra)


def _score(mnli: Task, examples: Sequence[Example], texts: Sequence[str]) -> dict[str, Any]:
    assert mnli.score is not None
    values: dict[str, Any] = {}
    for genre in GENRES:
        chosen = [n for n, example in enumerate(examples) if example.extra.get("genre") == genre]
        if chosen:
            part = mnli.score([examples[n] for n in chosen], [texts[n] for n in chosen])
            values |= {f"{metric}_{genre}": value for metric, value in part.items()}
    return values


def _check(mnli: Task, splits: Sequence[str]) -> None:
    assert mnli.check is not None
    mnli.check([part for split in splits for part in _parts(split)])


def _content(mnli: Task) -> Mapping[str, str]:
    assert mnli.content is not None
    parts = mnli.content()
    return {**parts, "definition": digest_of_values([NAME, parts["definition"]])}


def _parts(split: str) -> list[str]:
    """The splits of MNLI that a split is made of."""
    return [f"validation_{genre}" for genre in GENRES] if split == "validation" else [split]
