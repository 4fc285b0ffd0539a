"""Labels as a vocabulary writes them: a model learns tokens, and what they decode to is scored.

A vocabulary may fold capitals and double spaces, have no piece for a sign, and a label may be
longer than the targets that a tuning keeps. As long as what is left of each label is another
text, answers are compared as the vocabulary writes them, which is exact. Where it is not, the
labels are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from spotfw.errors import SpotError
from spotfw.tasks.task import Task


@attrs.frozen(kw_only=True)
class Spelling:
    """A label beside what a vocabulary makes of it.

    Attributes:
      label: as the task writes it.
      decoded: the text of its tokens, as many as are kept.
      whole: the text of all its tokens.
      tokens: of the label with the end, before any cut.
    """

    label: str
    decoded: str
    whole: str
    tokens: int

    @property
    def cut(self) -> bool:
        """Whether tokens of the label are left out."""
        return self.decoded != self.whole


def spell_labels(task: Task, vocabulary: Any, max_target_length: int) -> tuple[Spelling, ...]:
    """What a vocabulary makes of a task's labels, in their order; empty for free text.

    Args:
      task: whose labels.
      vocabulary: the frozen model's, a `spotfw.tasks.vocabulary.Vocabulary`.
      max_target_length: tokens kept of a target, the end among them.

    Raises:
      SpotError: two labels are the same tokens or decode to the same text, before the cut or
        after it; the vocabulary knows nothing of a label.
    """
    spellings: list[Spelling] = []
    for label in task.labels:
        ids = [int(i) for i in vocabulary.encode(label)]
        whole = vocabulary.decode(ids)
        spelling = Spelling(
            label=label,
            decoded=vocabulary.decode(ids[: max_target_length - 1]),
            whole=whole,
            tokens=len(ids) + 1,
        )
        _refuse_alike(task, spelling, spellings, max_target_length)
        spellings.append(spelling)
    for spelling in spellings:
        _refuse_unknown(task, spelling.label, vocabulary)
    return tuple(spellings)


def as_decoded(spellings: Sequence[Spelling]) -> dict[str, str]:
    """What is decoded for a label -> the label, of those that are written in another way."""
    texts = {s.whole: s.label for s in spellings} | {s.decoded: s.label for s in spellings}
    return {text: label for text, label in texts.items() if text != label}


def as_written(text: str, written: Mapping[str, str]) -> str:
    """An answer in the task's own spelling; of several labels with commas between, each.

    Args:
      text: what was decoded.
      written: decoded -> as the task writes it.
    """
    if text in written:
        return written[text]
    return ", ".join(written.get(part, part) for part in text.split(", "))


def unknown_id(vocabulary: Any) -> int | None:
    """The id of what has no piece; None where the vocabulary, perhaps a plugin's, has no such."""
    unknown: int | None = getattr(vocabulary, "unk_id", None)
    return unknown


def knows_nothing_of(ids: Sequence[int], vocabulary: Any) -> bool:
    """Whether ids of a text, without the end, are none, or unknown ones among blanks."""
    unknown = unknown_id(vocabulary)
    known = [i for i in ids if i != unknown]
    return not ids or (len(known) < len(ids) and not vocabulary.decode(known).strip())


def _refuse_alike(
    task: Task, spelling: Spelling, before: Sequence[Spelling], max_target_length: int
) -> None:
    for other in before:
        if other.whole == spelling.whole:
            raise SpotError(
                f"The labels {other.label!r} and {spelling.label!r} of task {task.name!r} are the "
                f"same tokens to this model's vocabulary ({spelling.whole!r}), so it cannot tell "
                "them apart. Give them other words, plain ones: labels = {...} in the task file "
                "says which word stands for which cell."
            )
        if other.decoded == spelling.decoded:
            needed = max(other.tokens, spelling.tokens)
            raise SpotError(
                f"The labels {other.label!r} and {spelling.label!r} of task {task.name!r} are cut "
                f"to the same tokens ({spelling.decoded!r}): max_target_length keeps "
                f"{max_target_length}, the end among them, so no answer could tell them apart. "
                f"Keep all of them with --max-target-length {needed}, or give them shorter words."
            )


def _refuse_unknown(task: Task, label: str, vocabulary: Any) -> None:
    if knows_nothing_of(vocabulary.encode(label), vocabulary):
        raise SpotError(
            f"The label {label!r} of task {task.name!r} is unknown to this model's vocabulary, "
            "which has no piece of it, so the model can neither learn nor write it. Give it "
            "another word: labels = {...} in the task file says which word stands for which cell."
        )
