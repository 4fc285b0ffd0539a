"""The families of tasks, one module each.

A family module offers `TASKS` (its `TaskSpec`s) and `STORIES` (functions from randomness
to a `Story`: the same kind of happening as plain text, with how people took it
instead of a label). Which families exist is listed here and nowhere else.
"""

from __future__ import annotations

from spotfw_playground.families import (
    acceptability,
    commonsense,
    coreference,
    nli,
    paraphrase,
    question_answering,
    seasons,
    sentiment,
    similarity,
    speech_acts,
    topic,
    word_sense,
)
from spotfw_playground.specs import TaskSpec

MODULES = (
    sentiment,
    nli,
    paraphrase,
    similarity,
    question_answering,
    acceptability,
    coreference,
    word_sense,
    commonsense,
    topic,
    speech_acts,
    seasons,
)

SPECS: tuple[TaskSpec, ...] = tuple(spec for module in MODULES for spec in module.TASKS)
BY_NAME = {spec.name: spec for spec in SPECS}
