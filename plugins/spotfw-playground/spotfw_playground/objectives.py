"""Pre-training objectives on token ids: span corruption, and prefix language modelling."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

EOS = 1


def span_corruption(
    ids: Sequence[int], rng: Random, rows: int, share: float = 0.15, mean_span: float = 2.5
) -> tuple[list[int], list[int]]:
    """T5's objective: spans give way to sentinels, the target spells them out.

    Args:
      ids: a text's tokens, without end of sequence.
      rng: chooses the spans.
      rows: of the embedding table; sentinel i is id ``rows - 1 - i``.
      share: of the tokens to take out.
      mean_span: mean length of a span.

    Returns:
      Inputs and targets, each ending in end of sequence.
    """
    count = max(1, round(len(ids) * share))
    spans = max(1, round(count / mean_span))
    taken: set[int] = set()
    for _ in range(spans):
        length = max(1, round(rng.gauss(mean_span, 0.8)))
        start = rng.randrange(max(1, len(ids) - length + 1))
        taken.update(range(start, min(start + length, len(ids))))
    inputs: list[int] = []
    targets: list[int] = []
    sentinel = rows
    for i, token in enumerate(ids):
        if i not in taken:
            inputs.append(token)
            continue
        if i - 1 not in taken:
            sentinel -= 1
            inputs.append(sentinel)
            targets.append(sentinel)
        targets.append(token)
    return [*inputs, EOS], [*targets, EOS]


def prefix_lm(ids: Sequence[int], rng: Random, ends: frozenset[int]) -> tuple[list[int], list[int]]:
    """LM adaptation's objective: the model continues a text.

    Args:
      ids: a text's tokens, without end of sequence.
      rng: chooses where to split: mostly after one of the last sentences.
      ends: ids that end a sentence.

    Returns:
      Inputs and targets, each ending in end of sequence.
    """
    cuts = [i + 1 for i, token in enumerate(ids[:-1]) if token in ends]
    if not cuts or rng.random() < 0.1:
        cut = rng.randrange(1, len(ids))
    elif rng.random() < 0.7:
        cut = rng.choice(cuts[-2:])
    else:
        cut = rng.choice(cuts)
    return [*ids[:cut], EOS], [*ids[cut:], EOS]
