"""Real rows as token ids, for measurements; needs ``../shared``."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from benchmarks.worker import Ids

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_VOCABULARY = _SHARED / "vocab" / "t5.model"
_LONGEST = 512

#: Data set -> its text as T5 writes it, and its labels' words.
_TEXTS = {
    "glue_sst2": ("sst2 sentence: {sentence}", ("negative", "positive")),
    "glue_mrpc": (
        "mrpc sentence1: {sentence1} sentence2: {sentence2}",
        ("not_equivalent", "equivalent"),
    ),
    "super_glue_boolq": ("boolq passage: {passage} question: {question}", ("False", "True")),
}
NAMES = tuple(_TEXTS)


def absent() -> str | None:
    """What is not here that `rows` needs."""
    return None if _VOCABULARY.is_file() else f"the folder {_SHARED} with data and vocab/t5.model"


def rows(name: str, split: str, count: int) -> tuple[list[Ids], list[Ids]]:
    """The first rows of a split in T5's vocabulary, cut at 512 tokens: inputs and targets."""
    import sentencepiece

    words = sentencepiece.SentencePieceProcessor(model_file=str(_VOCABULARY))
    template, labels = _TEXTS[name]
    inputs, targets = [], []
    with (_SHARED / "data" / name / f"{split}.jsonl").open() as lines:
        for line in itertools.islice(lines, count):
            row = json.loads(line)
            inputs.append([*words.encode(template.format(**row))[: _LONGEST - 1], 1])
            targets.append([*words.encode(labels[int(row["label"])]), 1])
    return inputs, targets
