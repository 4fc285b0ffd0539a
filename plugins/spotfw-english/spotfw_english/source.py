"""The demo's texts as tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from spotfw.tasks import Example, Task
from spotfw.tasks.scoring import Scorer, metric_functions
from spotfw_english.demo_texts import SPLITS, rows

#: Name, family, labels, prefix, description.
_TASKS = (
    ("shop_reviews", "sentiment", ("negative", "positive"), "review", "Reviews of things bought"),
    (
        "fact_or_opinion",
        "subjectivity",
        ("objective", "subjective"),
        "statement",
        "Statements about places: a fact or an opinion",
    ),
    (
        "help_desk",
        "topic",
        ("delivery", "payment", "account"),
        "message",
        "Messages to a shop's help desk, by what they are about",
    ),
    (
        "claims",
        "NLI",
        ("entailment", "neutral", "contradiction"),
        "premise",
        "Does a claim follow from what was told of somebody?",
    ),
)


class EnglishSource:
    """A `spotfw.contracts.TaskSource` of four small tasks, generated; see `demo_texts`."""

    name = "english"

    def tasks(self) -> Iterable[Task]:
        """All tasks."""
        for name, family, labels, prefix, description in _TASKS:
            yield Task(
                name=name,
                family=family,
                type="classification",
                labels=labels,
                metrics=("accuracy",),
                splits=dict(SPLITS),
                examples=partial(_examples, name, prefix),
                score=Scorer(metric_functions(("accuracy",), len(labels))),
                description=description,
                licence="Apache-2.0",
            )


def _examples(name: str, prefix: str, split: str) -> Iterator[Example]:
    return (Example(inputs=f"{prefix}: {text}", targets=label) for label, text in rows(name, split))
