"""A task of the playground as a value, and the rows it gives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from random import Random

import attrs

from spotfw_playground.seeds import stream

SPLITS = ("train", "validation", "test")

#: Draws tried for a row before the generator says that a task asks too much of its world.
_TRIES = 400


@attrs.frozen
class Drawn:
    """What a task says in one example.

    Attributes:
      fields: the texts that fill the template, in order.
      answer: the label or free answer.
    """

    fields: tuple[str, ...]
    answer: str


@attrs.frozen
class Row:
    """An example as the model sees it, with the texts it was made of."""

    inputs: str
    targets: str
    fields: tuple[str, ...]


@attrs.frozen
class Story:
    """A document of the corpus.

    Attributes:
      text: several sentences.
      core: the texts it shares with a task's example (`Drawn.fields`); the corpus leaves
        out a story whose core is that of a validation or test row.
    """

    text: str
    core: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class TaskSpec:
    """How one task is generated.

    Attributes:
      name, family, type, labels, metrics, description: as in `spotfw.tasks.Task`.
      template: the inputs, with ``{}`` for each field.
      draw: given randomness and the label wanted ("" where the answer is free), one draw.
      train, validation, test: number of examples.
    """

    name: str
    family: str
    type: str = "classification"
    labels: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("accuracy",)
    description: str
    template: str
    draw: Callable[[Random, str], Drawn]
    train: int
    validation: int = 250
    test: int = 300

    def size(self, split: str) -> int:
        """Examples in a split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]

    @property
    def is_source(self) -> bool:
        """Whether the task is data-rich, and so meant to be learned from."""
        return self.train >= 10_000


def specs_alike(
    family: str,
    labels: tuple[str, ...],
    draw: Callable[[str, Random, str], Drawn],
    *tasks: tuple[str, str, int, str, str],
) -> tuple[TaskSpec, ...]:
    """A family's tasks that differ in what they are about.

    Args:
      family, labels: of all.
      draw: takes first what the task is about, then as `TaskSpec.draw`.
      *tasks: (name, what it is about, training examples, template, description).
    """
    return tuple(
        TaskSpec(
            name=name,
            family=family,
            labels=labels,
            description=description,
            template=template,
            draw=functools.partial(draw, about),
            train=train,
        )
        for name, about, train, template, description in tasks
    )


def rows(spec: TaskSpec, split: str, noise: float = 0.0) -> tuple[Row, ...]:
    """The examples of a split: always the same, no input twice, none in two splits.

    Args:
      spec: the task.
      split: ``train``, ``validation`` or ``test``.
      noise: share of training labels replaced by another label; other splits stay clean.
    """
    clean = _rows(spec, split)
    if split != "train" or not noise:
        return clean
    if not 0 <= noise <= 1:
        raise ValueError(f"label noise is a share between 0 and 1, got {noise}")
    rng = stream("playground", spec.name, "noise")
    answers = spec.labels or tuple(sorted({row.targets for row in clean}))
    return tuple(
        attrs.evolve(row, targets=rng.choice([x for x in answers if x != row.targets]))
        if rng.random() < noise
        else row
        for row in clean
    )


@functools.lru_cache(maxsize=128)
def _rows(spec: TaskSpec, split: str) -> tuple[Row, ...]:
    taken: set[str] = set()
    if split != "test":
        taken.update(row.inputs for row in _rows(spec, "test"))
    if split == "train":
        taken.update(row.inputs for row in _rows(spec, "validation"))
    rng = stream("playground", spec.name, split)
    labels = spec.labels or ("",)
    made = [_row(spec, rng, labels[i % len(labels)], taken) for i in range(spec.size(split))]
    rng.shuffle(made)
    return tuple(made)


def _row(spec: TaskSpec, rng: Random, label: str, taken: set[str]) -> Row:
    for _ in range(_TRIES):
        drawn = spec.draw(rng, label)
        inputs = spec.template.format(*drawn.fields)
        if inputs not in taken:
            taken.add(inputs)
            return Row(inputs, drawn.answer, drawn.fields)
    raise ValueError(f"the world is too small for {spec.size('train')} rows of {spec.name}")
