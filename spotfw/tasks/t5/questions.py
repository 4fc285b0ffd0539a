"""Questions about a passage: SQuAD, ReCoRD and MultiRC, character for character as t5.data's.

Each has its example and what its metrics take for a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spotfw.tasks.example import Example
from spotfw.tasks.scoring import ToLabel
from spotfw.tasks.t5.columns import UNKNOWN, class_name, joined
from spotfw.tasks.t5.punctuation import join, pad_punctuation

_FALSE_TRUE = ("False", "True")
_to_class = ToLabel(_FALSE_TRUE)

_BREAK = re.compile("<br>")
_BOLD = re.compile("<(/)?b>")

#: Of ReCoRD's passages: where a highlight begins, behind a sentence's end and elsewhere.
_HIGHLIGHT_AFTER_END = re.compile(r"([.?!\"'])\n@highlight\n")
_HIGHLIGHT = re.compile(r"\n@highlight\n")


def squad(row: Mapping[str, Any]) -> tuple[Example, ...]:
    """``question: ... context: ...``; the first answer is the target, any is right."""
    answers = [pad_punctuation(answer) for answer in row["answers"]["text"]]
    question, context = pad_punctuation(row["question"]), pad_punctuation(row["context"])
    inputs = join("question:", question, "context:", context)
    return (Example(inputs=inputs, targets=answers[0], extra={"answers": answers}),)


def record(row: Mapping[str, Any]) -> tuple[Example, ...]:
    """An example for each right answer; ``answers`` and the row's index go with each."""
    passage = _HIGHLIGHT.sub(". ", _HIGHLIGHT_AFTER_END.sub(r"\1 ", row["passage"]))
    entities = ", ".join(row["entities"])
    inputs = f"record query: {row['query']} entities: {entities} passage: {passage}"
    index = row["idx"]
    extra = {"answers": list(row["answers"]), "passage": index["passage"], "query": index["query"]}
    return tuple(
        Example(inputs=inputs, targets=answer, extra=extra)
        for answer in row["answers"] or [UNKNOWN]
    )


def record_value(text: str, example: Example, is_target: bool = False) -> Mapping[str, Any]:
    """All answers and the question they are to, for a target; the text for a prediction."""
    if not is_target:
        return {"value": text}
    extra = example.extra
    return {"value": list(extra["answers"]), "group": (extra["passage"], extra["query"])}


def multirc(row: Mapping[str, Any]) -> tuple[Example, ...]:
    """Question, answer and paragraph without HTML; is the answer right?"""
    inputs = joined("multirc", row, ("question", "answer", "paragraph"))
    inputs = _BOLD.sub("", _BREAK.sub(" ", inputs))
    extra = {"question": row["idx"]["question"]}
    return (Example(inputs=inputs, targets=class_name(row, _FALSE_TRUE), extra=extra),)


def multirc_value(text: str, example: Example, is_target: bool = False) -> Mapping[str, Any]:
    """The class, and of a target the question that it answers."""
    value = {"value": _to_class(text)}
    return {**value, "group": example.extra["question"]} if is_target else value
