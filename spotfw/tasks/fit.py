"""Whether a task can be learned with a vocabulary and lengths: looked at before any tuning.

What cannot be learned is refused, and what is learned only in part is warned of with its share, so
that no score of nothing comes out in silence. `docs/checks.md` has the table of all checks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from spotfw.config import TuningSettings
from spotfw.errors import SpotError
from spotfw.tasks.sample import Sample
from spotfw.tasks.spelling import Spelling, spell_labels
from spotfw.tasks.task import Task

#: Share of unknown characters, and of texts that are mostly unknown, from which a warning is
#: given. Of English text, T5's vocabulary misses below 0.3 percent.
WARN_UNKNOWN = 0.03

#: Share of spelled words from which a warning is given. T5's vocabulary spells below 1 percent of
#: the words of the paper's tasks, 6 percent of a text of rare names; one of 800 words, 34 and more.
WARN_SPELLED = 0.15

#: Share of cut inputs above which a warning is given; some long texts in a data set are usual.
WARN_CUT_INPUTS = 0.05

#: Share of cut answers of free text from which a warning is given: each is learned as
#: another answer.
WARN_CUT_TARGETS = 0.01

#: Share of different texts that become the same tokens from which a warning is given.
WARN_ALIKE = 0.05

#: Share of texts without a known word, or of different texts that are the same tokens, from which
#: a task is refused: there is nothing to learn from the rest.
REFUSED = 0.95

#: A vocabulary of fewer pieces is reported with its size, for it is made for few texts.
SMALL_VOCABULARY = 5_000

#: Metrics that need an answer to the character.
EXACT_METRICS = frozenset({"accuracy", "all_match", "sequence_accuracy"})

#: Labels that a message names.
_SHOWN = 3


@attrs.frozen(kw_only=True)
class Reader:
    """A frozen model as far as it reads text.

    Attributes:
      name: what users call it.
      vocabulary: its own.
      pieces: of the vocabulary, without sentinels.
    """

    name: str
    vocabulary: Any
    pieces: int

    def __str__(self) -> str:
        size = f"{self.pieces:,} pieces"
        if self.pieces < SMALL_VOCABULARY:
            return f"the model {self.name}, which knows about {round(self.pieces, -2):,} words"
        return f"the model {self.name} with its vocabulary of {size}"


def needed_target_length(task: Task, samples: Sequence[Sample], reader: Reader) -> int:
    """Tokens, the end among them, that keep each label and each target of the samples whole."""
    labels = [len(reader.vocabulary.encode(label)) for label in task.labels]
    return 1 + max([*labels, *(len(ids) for s in samples for ids in s.target_ids)], default=0)


def share_cut(samples: Sequence[Sample], side: str, limit: int) -> float:
    """The share of inputs or targets, 0 to 1, that a limit in tokens with the end cuts."""
    lengths = [len(ids) + 1 for s in samples for ids in getattr(s, f"{side}_ids")]
    return sum(length > limit for length in lengths) / max(1, len(lengths))


def covering(samples: Sequence[Sample], side: str, share: float) -> int:
    """Tokens, the end among them, within which all but a share of the inputs or targets lie."""
    lengths = sorted(len(ids) + 1 for s in samples for ids in getattr(s, f"{side}_ids"))
    return lengths[max(0, len(lengths) - 1 - int(share * len(lengths)))] if lengths else 0


def alike(texts: Sequence[str], ids: Sequence[Sequence[int]], limit: int) -> float:
    """How far different texts have become the same tokens: 0 none of them, 1 all of them.

    Args:
      texts: as written; capitals, blanks and forms of a character do not make them different.
      ids: their tokens, without the end.
      limit: tokens kept, the end among them.
    """
    first = {_plain_form(text): tuple(i[: limit - 1]) for text, i in zip(texts, ids, strict=True)}
    if len(first) < 2:
        return 0.0
    return 1 - (len(set(first.values())) - 1) / (len(first) - 1)


def check_fit(
    task: Task,
    samples: Sequence[Sample],
    settings: TuningSettings,
    reader: Reader,
    *,
    answers: bool = True,
    cut_inputs: bool = True,
) -> list[str]:
    """What is learned only in part, each as a message; none where all of it is.

    Args:
      task: what is to be tuned on.
      samples: of the splits that a tuning reads.
      settings: whose lengths count.
      reader: the model.
      answers: whether targets are answers, to be right as a whole; else texts to be written on,
        which may be cut, and whose words are what is learned.
      cut_inputs: whether to say that inputs are cut; not where that is known already.

    Raises:
      SpotError: nothing can be learned, or something else than what is written.
    """
    spellings = spell_labels(task, reader.vocabulary, settings.max_target_length)
    for sample in samples:
        if len(sample):
            _refuse(task, sample, settings, reader)
    messages = [
        *_of_labels(task, spellings, settings),
        *_of_inputs(task, samples, settings, reader, answers, cut_inputs),
    ]
    if not task.labels:
        messages += _of_targets(task, samples, settings, reader, answers)
    return messages


def _refuse(task: Task, sample: Sample, settings: TuningSettings, reader: Reader) -> None:
    where = f"the split {sample.split!r} of task {task.name!r}"
    sides = [("input", sample.inputs, sample.input_ids, sample.known_inputs)]
    if not task.labels:
        sides.append(("target", sample.targets, sample.target_ids, sample.known_targets))
    for side, texts, ids, knows in sides:
        limit = getattr(settings, f"max_{side}_length")
        if knows.nothing_known >= REFUSED:
            raise SpotError(
                f"In {where}, {knows.nothing_known:.0%} of the {side}s are unknown to {reader}: "
                f"it has no piece of what tells them apart (as in {texts[0][:60]!r}), so there is "
                "nothing to learn. Choose a model whose vocabulary has this language or script."
            )
        if alike(texts, ids, limit) >= REFUSED:
            raise SpotError(
                f"In {where}, different {side}s are the same tokens to {reader}: they are alike, "
                f"or unknown, within the {limit} tokens that max_{side}_length keeps of up to "
                f"{covering([sample], side, 0.0)}. Raise --max-{side}-length, put what differs "
                "first, or choose a model whose vocabulary knows these texts."
            )
    cut = share_cut([sample], "target", settings.max_target_length)
    if task.type == "regression" and cut:
        needed = needed_target_length(task, [sample], reader)
        raise SpotError(
            f"In {where}, {cut:.0%} of the numbers are longer than the "
            f"{settings.max_target_length} tokens that max_target_length keeps, the end among "
            f"them, and would be learned as other numbers. Raise --max-target-length to {needed}."
        )


def _of_labels(
    task: Task, spellings: Sequence[Spelling], settings: TuningSettings
) -> Iterator[str]:
    cut = [s for s in spellings if s.cut]
    folded = [s for s in spellings if not s.cut and s.decoded != s.label]
    if cut:
        yield (
            f"{len(cut)} of {len(spellings)} labels of task {task.name!r} are cut at "
            f"{settings.max_target_length} tokens, the end among them, and are learned and scored "
            f"as what is left: {_pairs(cut)}. --max-target-length "
            f"{max(s.tokens for s in cut)} keeps them whole."
        )
    if folded:
        yield (
            f"The vocabulary writes {len(folded)} of {len(spellings)} labels of task "
            f"{task.name!r} in another way, and answers are compared so: {_pairs(folded)}."
        )


def _of_inputs(
    task: Task,
    samples: Sequence[Sample],
    settings: TuningSettings,
    reader: Reader,
    answers: bool,
    cut_inputs: bool,
) -> Iterator[str]:
    some = [sample for sample in samples if len(sample)]
    unknown = [s for s in some if _worst(s.known_inputs) >= WARN_UNKNOWN]
    spelled = [s for s in some if s.known_inputs.spelled >= WARN_SPELLED]
    if answers and (unknown or spelled):
        parts = ", ".join(
            f"{s.split} {s.known_inputs.unknown:.1%} unknown ({s.known_inputs.mostly_unknown:.0%} "
            f"of the inputs by more than half), {s.known_inputs.spelled:.0%} of the words spelled "
            "out letter by letter"
            for s in some
        )
        yield (
            f"The inputs of task {task.name!r} are in part strange to {reader}: {parts}. A prompt "
            "can hardly teach it words; choose a model with a vocabulary of this text for better "
            "scores (spotfw models list, or the folder of a T5 1.1)."
        )
    limit = settings.max_input_length
    enough = covering(some, "input", WARN_CUT_INPUTS)
    if cut_inputs and enough > limit:
        yield (
            f"{_by_split(some, 'input', limit)} of the inputs of task {task.name!r} are cut at "
            f"{limit} tokens. --max-input-length {enough} keeps {1 - WARN_CUT_INPUTS:.0%} of them "
            "whole."
        )
    same = max((alike(s.inputs, s.input_ids, limit) for s in some), default=0.0)
    if same >= WARN_ALIKE:
        yield (
            f"{same:.0%} of the different inputs of task {task.name!r} are the same tokens as "
            f"another one to {reader} within {limit} tokens, and get the same answer."
        )


def _of_targets(
    task: Task,
    samples: Sequence[Sample],
    settings: TuningSettings,
    reader: Reader,
    answers: bool,
) -> Iterator[str]:
    some = [sample for sample in samples if len(sample)]
    limit = settings.max_target_length
    if answers and share_cut(some, "target", limit) >= WARN_CUT_TARGETS:
        yield (
            f"{_by_split(some, 'target', limit)} of the targets of task {task.name!r} are cut at "
            f"{limit} tokens, the end among them, so those answers are learned only in part and "
            f"cannot be right. --max-target-length {needed_target_length(task, some, reader)} "
            "keeps them whole."
        )
    unknown = max((_worst(s.known_targets) for s in some), default=0.0)
    if unknown >= WARN_UNKNOWN:
        yield (
            f"Up to {unknown:.0%} of the targets of task {task.name!r} are unknown to {reader}, "
            "which cannot write them. Choose a model with a vocabulary of this text."
        )
    changed = [
        target
        for s in some
        for target, ids in zip(s.targets, s.target_ids, strict=True)
        if reader.vocabulary.decode(ids) != target
    ]
    share = len(changed) / max(1, sum(map(len, some)))
    if share >= WARN_CUT_TARGETS and EXACT_METRICS & {*task.metrics}:
        yield (
            f"{share:.0%} of the targets of task {task.name!r} are not given back by the "
            f"vocabulary as they are written (as {changed[0][:60]!r}), so no answer to them can be "
            f"right to the character. Write them as the vocabulary does "
            f"({reader.vocabulary.decode(reader.vocabulary.encode(changed[0]))[:60]!r}), or choose "
            "a metric that is less strict."
        )


def _worst(knows: Any) -> float:
    return float(max(knows.unknown, knows.mostly_unknown))


def _by_split(samples: Sequence[Sample], side: str, limit: int) -> str:
    """``12% (train) and 9% (validation)``."""
    return " and ".join(f"{share_cut([s], side, limit):.0%} ({s.split})" for s in samples)


def _pairs(spellings: Sequence[Spelling]) -> str:
    shown = ", ".join(f"{s.label!r} as {s.decoded!r}" for s in spellings[:_SHOWN])
    return f"{shown} and {len(spellings) - _SHOWN} more" if len(spellings) > _SHOWN else shown


def _plain_form(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
