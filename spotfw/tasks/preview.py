"""Examples of a task for a person to look at: text, and the pieces a vocabulary cuts."""

from __future__ import annotations

from typing import Any

from spotfw.config import TuningSettings
from spotfw.tasks.examples import UNCUT, read_examples
from spotfw.tasks.task import Task
from spotfw.tasks.tokens import Tokenised
from spotfw.tasks.vocabulary import ByteVocabulary


def preview(
    task: Task, split: str | None, count: int, vocabulary: Any = None
) -> list[dict[str, Any]]:
    """The first examples of a split.

    Args:
      task: whose.
      split: by default ``validation`` where there is one, else the first.
      count: examples to give, at least 1.
      vocabulary: a model's; None shows text that nothing has cut.

    Returns:
      objects with ``task``, ``split``, ``inputs`` and ``targets`` (text before
      tokenisation) and, with a vocabulary, ``inputs_pieces`` and ``targets_pieces``, cut
      to the default lengths, as a tuning sees them.
    """
    if split is None:
        split = "validation" if "validation" in task.splits or not task.splits else None
    chosen = split or next(iter(task.splits))
    settings = TuningSettings()
    lengths = (settings.max_input_length, settings.max_target_length)
    examples = read_examples(
        task,
        chosen,
        vocabulary or ByteVocabulary(),
        *(lengths if vocabulary else (UNCUT, UNCUT)),
        count,
        for_scoring=True,
    )
    shown = []
    for example, inputs, targets in zip(
        examples.raw(), examples.inputs, examples.targets, strict=True
    ):
        texts = examples.source.text(Tokenised(example, inputs, targets))
        facts: dict[str, Any] = {"task": task.name, "split": chosen}
        for side, text, ids in zip(("inputs", "targets"), texts, (inputs, targets), strict=True):
            facts[side] = text
            if vocabulary:
                pieces = vocabulary.tokenizer
                facts[f"{side}_pieces"] = [pieces.IdToPiece(i) for i in ids.tolist()]
        shown.append(facts)
    return shown
