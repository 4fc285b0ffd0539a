"""Tasks and mixtures as values: what a task is called, what it asks, how it is scored.

A `Task` describes a text-to-text task without touching its data. Asked for it, it gives its
examples as text and scores texts, in plain Python. A task of seqio's builds a `seqio.Task`
over the vocabulary of the frozen model instead; only then is seqio, and with it TensorFlow,
imported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from spotfw.config import exact
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.tasks.example import Example
from spotfw.tasks.file_columns import Columns

#: A split -> its examples.
ExamplesFn = Callable[[str], Iterable[Example]]

#: Examples, and a text for each -> the value of each metric by name.
ScoreFn = Callable[[Sequence[Example], Sequence[str]], Mapping[str, Any]]

#: The parts that examples depend on, each with a digest or version of it.
ContentFn = Callable[[], Mapping[str, str]]

#: Artificial data set size limit K of examples-proportional mixing (paper 2.1.3).
EXAMPLES_LIMIT = 2**19


@attrs.frozen(kw_only=True)
class Task:
    """A named text-to-text task.

    It gives `examples` and a `score`; or, where it is seqio's, `build`.

    Attributes:
      name: unique name, e.g. ``glue_mnli``.
      family: the paper's grouping, e.g. ``NLI``, ``sentiment``.
      type: what is asked, e.g. ``classification``, ``regression``, ``qa``.
      labels: class labels as the model writes them; empty when the answer is free text.
      metrics: names of the metrics, as in ``t5.evaluation.metrics``.
      splits: rows per split as published, None where unknown without loading.
      train_examples: examples of the training split, where they are not as many as its rows
        (ReCoRD has one an answer); see `training_size`.
      origin: where it comes from: ``distribution`` or a file.
      examples: given a split, its examples in the order of the data, the same ones each time.
        May raise `spotfw.errors.SpotError` when the data is absent. None of a task that only
        `build` gives.
      score: given examples and what was written for each, each metric's value;
        `spotfw.tasks.scoring.Scorer` makes one of metrics. None where texts are not scored.
      build: of a task of seqio's: given a seqio vocabulary, returns a `seqio.Task` with features
        ``inputs`` and ``targets`` over it. May raise `spotfw.errors.SpotError` when its data is
        absent. See the method `build`.
      description: one line for listings.
      data: the data set, e.g. ``tfds glue/mnli:2.0.0``, or the address of its files.
      licence: of the data, as known.
      citation: whom to cite for it, e.g. ``Williams et al. 2018``.
      groups: collections it belongs to, e.g. ``GLUE``, ``study source``.
      check: given names of splits, raises `spotfw.errors.SpotError` where their data is
        absent, without reading more than their beginning; None where the data is always at
        hand. See `check_data`.
      walk: of a task without `examples`: given a split, its examples one by one, in whatever
        form, so that they can be counted without TensorFlow where the data is in files; None
        where that is not so.
      how_to_get: sentences on how to have the data on this machine; empty where there is
        nothing to do.
      columns: what a row of its data holds, in words: ``premise (text), hypothesis (text)``;
        empty where that is not known.
      file_columns: of the user's own file that its rows were taken from, where there is one, so
        that another file like it is read alike.
      content: gives what its examples depend on, by a name of each part (``definition``,
        ``train.jsonl``): any text that differs where the part does, such as a digest or a
        version. Cheap, and without TensorFlow. None: see `spotfw.tasks.content.content_of`,
        which reads some thousand examples instead.
      pinned: the content as pairs, once the task is in use; set by `spotfw.tasks.content.pinned`,
        so that two states of one task are two tasks to whatever keeps examples.
    """

    name: str
    family: str
    type: str
    labels: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    splits: Mapping[str, int | None] = attrs.field(factory=dict, eq=False)
    origin: str = ""
    examples: ExamplesFn | None = attrs.field(default=None, repr=False, eq=False)
    score: ScoreFn | None = attrs.field(default=None, repr=False, eq=False)
    _build: Callable[[Any], Any] | None = attrs.field(
        default=None, alias="build", repr=False, eq=False
    )
    description: str = ""
    data: str = ""
    licence: str = ""
    citation: str = ""
    groups: tuple[str, ...] = ()
    check: Callable[[Sequence[str]], None] | None = attrs.field(default=None, repr=False, eq=False)
    walk: Callable[[str], Iterable[object]] | None = attrs.field(default=None, repr=False, eq=False)
    train_examples: int | None = None
    how_to_get: str = ""
    columns: str = ""
    file_columns: Columns | None = attrs.field(default=None, repr=False, eq=False)
    content: ContentFn | None = attrs.field(default=None, repr=False, eq=False)
    pinned: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)

    def __attrs_post_init__(self) -> None:
        if self.examples is None and self._build is None:
            raise TypeError(f"the task {self.name!r} needs examples and a score, or build")

    @property
    def makes_tokens(self) -> bool:
        """Whether only seqio gives its examples, as tokens of a vocabulary."""
        return self.examples is None

    def build(self, vocabulary: Any) -> Any:
        """A `seqio.Task` over a vocabulary, in no registry; imports TensorFlow.

        Args:
          vocabulary: a `seqio.Vocabulary`.

        Raises:
          SpotError: the data is absent.
        """
        if self._build is not None:
            return self._build(vocabulary)
        from spotfw.tasks.seqio.plain import build_plain

        return build_plain(self.name, self.splits, self.examples, self.score, vocabulary)

    @property
    def training_size(self) -> int | None:
        """Training examples as published, None where that is not known without the data."""
        return self.train_examples or self.splits.get("train")


def unknown_split(task: Task, split: str, known: Collection[str]) -> UnknownName:
    """The error of a split that a task does not have; of a task file's, how to add it."""
    error = UnknownName(f"split of task {task.name!r}", split, known)
    if task.origin.endswith(".toml"):
        why = ", on which every checkpoint is scored" if split == "validation" else ""
        error.args = (f'{error} Add {split} = "FILE"{why}, under [splits] of {task.origin}.',)
    return error


def check_split_names(task: Task | Mixture, splits: Sequence[str]) -> None:
    """Refuses a task, or a mixture with a member, that says it lacks a split.

    Raises:
      UnknownName: as `unknown_split`; a task that does not say its splits passes.
    """
    for member in (task,) if isinstance(task, Task) else task.tasks:
        for split in splits:
            if member.splits and split not in member.splits:
                raise unknown_split(member, split, member.splits)


def labels_in(target: str, labels: Collection[str]) -> list[str]:
    """The labels that a target names: one, or several with a comma between (GoEmotions).

    A word that is none of `labels` is among them, for the caller to refuse.
    """
    return [target] if target in labels else target.split(", ")


@attrs.frozen(kw_only=True)
class Mixture:
    """Several tasks trained on together.

    Attributes:
      name: unique name.
      tasks: the members.
      rates: sampling rate of each member, None for examples-proportional mixing with
        the limit `EXAMPLES_LIMIT`, the counts coming from the data (paper 2.1.3).
      origin: where it comes from.
    """

    name: str
    tasks: tuple[Task, ...]
    rates: tuple[float, ...] | None = attrs.field(default=None)
    origin: str = ""
    family: str = "mixture"
    type: str = "mixture"
    description: str = ""

    @rates.validator
    def _check_rates(self, _: Any, rates: Any) -> None:
        # That there is one for each task, above 0, is for the suite of task sources to say.
        try:
            numbers = [exact(rate, (float,)) for rate in (() if rates is None else rates)]
            if not math.isfinite(sum(numbers)):
                raise ValueError("they have no finite sum")
        except (TypeError, ValueError):
            raise WrongUse(
                f"The rates of the mixture {self.name} must be finite numbers, also as a sum, one "
                f"for each of its tasks, but are {rates!r:.80}."
            ) from None


def check_data(task: Task | Mixture, splits: Sequence[str]) -> None:
    """Makes sure early, before a model is opened, that a task's data is at hand.

    Args:
      task: whose; of a mixture, all members are looked at.
      splits: the splits that will be read. One that the task does not have is passed over
        here; reading it tells.

    Raises:
      SpotError: the data is absent, or is another task's; the message says how to get it.
    """
    faults: dict[str, SpotError] = {}
    members = (task,) if isinstance(task, Task) else task.tasks
    for member in members:
        if member.check is not None:
            try:
                member.check([s for s in splits if not member.splits or s in member.splits])
            except SpotError as error:
                faults[member.name] = error
    first = next(iter(faults.values()), None)
    if first is not None and len(faults) > 1:
        raise SpotError(
            f"The data of {len(faults)} of the {len(members)} tasks of the mixture "
            f"{task.name!r} cannot be read: {', '.join(faults)}. Bind a folder to each with "
            "`spotfw tasks bind NAME FOLDER`, or put one folder a task, called by the task's "
            "name, into a folder that the variable SPOTFW_DATA names; `spotfw tasks show NAME` "
            f"says what a task needs. The first says: {first}"
        ) from first
    if first is not None:
        raise first


def proportional_rates(counts: list[int], limit: int = EXAMPLES_LIMIT) -> list[float]:
    """Examples-proportional mixing rates min(n, K) / sum min(n, K) (Raffel et al. 2020).

    Args:
      counts: training examples of each task, all positive.
      limit: the artificial size limit K.
    """
    capped = [min(n, limit) for n in counts]
    if any(n <= 0 for n in capped):
        raise ValueError(f"every task needs at least one training example, got {counts}")
    total = sum(capped)
    return [n / total for n in capped]
