"""Examples of a task for a person to look at: text, and the pieces a vocabulary cuts."""

from __future__ import annotations

from typing import Any

from spotfw.config import TuningSettings
from spotfw.tasks import Task
from spotfw.tasks.seqio.compat import seqio
from spotfw.tasks.seqio.examples import as_text, read_examples

#: Without a model nothing is cut: far more bytes than any text has.
_WHOLE = 2**24


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
        vocabulary or seqio.ByteVocabulary(),
        *(lengths if vocabulary else (_WHOLE, _WHOLE)),
        count,
        for_scoring=True,
    )
    shown = []
    for example in examples.raw():
        facts: dict[str, Any] = {"task": task.name, "split": chosen}
        for side in ("inputs", "targets"):
            ids = example[side].tolist()
            text = example.get(f"{side}_pretokenized")
            cut = examples.seqio_task.output_features[side].vocabulary
            facts[side] = str(cut.decode(ids)) if text is None else as_text(text)
            if vocabulary:
                facts[f"{side}_pieces"] = [vocabulary.tokenizer.IdToPiece(i) for i in ids]
        shown.append(facts)
    return shown
