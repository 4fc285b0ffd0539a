"""The conformance suite of task sources."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from typing import Any

import attrs

from spotfw.contracts import TaskFinder, TaskSource
from spotfw.errors import SpotError
from spotfw.tasks import Mixture, Task
from spotfw.tasks.mixtures import AnyTask, MixtureDefinition
from spotfw.testing.processes import ask_elsewhere
from spotfw.testing.suites import Outcome, Skip, Suite, check_name, expect, name_of
from spotfw.testing.task_examples import check_examples


@attrs.frozen(kw_only=True)
class SourceSubject:
    """A task source, and how many of its tasks to read from."""

    source: TaskSource
    build: int

    def tasks(self) -> list[AnyTask]:
        """All it lists."""
        return list(self.source.tasks())

    def members(self) -> list[Task]:
        """The tasks without mixtures."""
        return [task for task in self.tasks() if isinstance(task, Task)]


def check_task_source(source: TaskSource, *, build: int = 3) -> None:
    """Checks a task source against `spotfw.contracts.TaskSource`.

    Args:
      source: the source.
      build: how many of its tasks are read from; those that are seqio's are built over a
        vocabulary of bytes, which loads TensorFlow. A task whose data is absent (SpotError) is
        not counted against the source.

    Raises:
      AssertionError: a promise is not kept; a sentence for each.
    """
    __tracebackhide__ = True
    SUITE.demand(name_of(source), outcomes(source, build=build))


def outcomes(source: Any, *, build: int = 3, only: tuple[str, ...] = ()) -> list[Outcome]:
    """As `check_task_source`, but returns the outcomes instead of raising."""
    return SUITE.outcomes(SourceSubject(source=source, build=build), only)


SUITE: Suite[SourceSubject] = Suite("task source")


@SUITE.check
def name(s: SourceSubject) -> None:
    """Has a name, a text without spaces or colons."""
    check_name(s.source)


@SUITE.check
def listing(s: SourceSubject) -> None:
    """Lists tasks and mixtures only, each under a name of its own."""
    tasks = s.tasks()
    for task in tasks:
        expect(
            isinstance(task, (Task, Mixture, MixtureDefinition)),
            f"expected spotfw.Task or spotfw.Mixture values, got {task!r:.80}.",
        )
    names = [task.name for task in tasks]
    doubled = sorted({n for n in names if names.count(n) > 1})
    expect(not doubled, f"expected each name once, got {', '.join(doubled)} several times.")
    bad = [n for n in names if not isinstance(n, str) or not n or any(c.isspace() for c in n)]
    expect(not bad, f"expected names that are texts without spaces, got {bad}.")


@SUITE.check
def descriptions(s: SourceSubject) -> None:
    """Tasks say their family and type; labels, metrics and sizes are of the right kind."""
    for task in s.members():
        where = f"of task {task.name!r}"
        for field in ("family", "type"):
            value = getattr(task, field)
            expect(isinstance(value, str) and value, f"expected a {field} {where}, got {value!r}.")
        for field in ("labels", "metrics"):
            value = getattr(task, field)
            expect(
                isinstance(value, tuple) and all(isinstance(v, str) and v for v in value),
                f"expected {field} {where} to be a tuple of texts, got {value!r:.80}.",
            )
            expect(
                len(set(value)) == len(value), f"expected each of the {field} {where} once: {value}"
            )
        sizes = task.splits
        expect(
            isinstance(sizes, Mapping)
            and all(n is None or (isinstance(n, int) and n >= 0) for n in sizes.values()),
            f"expected splits {where} to map names to numbers of examples, got {sizes!r:.120}.",
        )
        for field, given in (
            ("examples", task.examples),
            ("score", task.score),
            ("build", task._build),
        ):
            expect(given is None or callable(given), f"expected {field} {where} to be a function.")


@SUITE.check
def mixtures(s: SourceSubject) -> None:
    """A mixture has members, and one positive rate for each where it states rates."""
    for mixture in s.tasks():
        if isinstance(mixture, Task):
            continue
        where = f"of mixture {mixture.name!r}"
        kind: type
        members: tuple[Any, ...]
        if isinstance(mixture, MixtureDefinition):
            members, kind, what = mixture.members, str, "names"
        else:
            members, kind, what = mixture.tasks, Task, "tasks"
        expect(
            members and all(isinstance(member, kind) for member in members),
            f"expected the members {where} to be {what}, at least one.",
        )
        rates = mixture.rates
        expect(
            rates is None or (len(rates) == len(members) and min(rates) > 0),
            f"expected one positive rate for each member {where}, got {rates}.",
        )


@SUITE.check
def determinism(s: SourceSubject) -> None:
    """Lists the same tasks in the same order each time."""
    first, second = _names(s), _names(s)
    expect(first == second, "expected the same list again, got another; keep a fixed order.")


@SUITE.check
def unknown_name(s: SourceSubject) -> None:
    """A source with `find` answers None for a name it does not know."""
    if not isinstance(s.source, TaskFinder):
        raise Skip("the source has no find.")
    if not s.build and not s.tasks():
        raise Skip("a source that lists nothing may load TensorFlow to find a name.")
    task = s.source.find("no_task_has_this_name_0f")
    expect(task is None, f"expected None for an unknown name, got {task!r:.80}.")


@SUITE.check
def other_process(s: SourceSubject) -> None:
    """Pickled to another process, it lists the same there, and loads no TensorFlow to do so."""
    answer = ask_elsewhere(_listing, s, name_of(s.source))
    expect(answer["tasks"] == _names(s), "expected the same tasks in another process, got others.")
    loaded = ", ".join(answer["heavy"])
    expect(
        not loaded,
        f"expected listing tasks to load nothing heavy, got {loaded}; import it within build.",
    )


@SUITE.check
def pickled_tasks(s: SourceSubject) -> None:
    """Tasks can be pickled, so that workers can tune them."""
    for task in s.tasks():
        try:
            pickle.dumps(task)
        except Exception as error:
            expect(
                False,
                f"expected task {task.name!r} to be picklable, but {type(error).__name__}: "
                f"{error}; examples, score and build must be functions of a module, or "
                "functools.partial of one.",
            )


@SUITE.check
def examples(s: SourceSubject) -> None:
    """A task gives the same examples each time, never empty: text whose right answers get a
    score, or, where it is seqio's, tokens of the vocabulary."""
    if not s.build:
        raise Skip("no task was to be read from.")
    absent, tasks = [], s.members()[: s.build]
    if not tasks:
        raise Skip("the source lists no task to read from.")
    for task in tasks:
        try:
            check_examples(task)
        except SpotError as error:
            absent.append(f"{task.name}: {error}")
    if len(absent) == len(tasks):
        raise Skip(f"no task could be read from. {absent[0]}")


def _names(s: SourceSubject) -> list[str]:
    return [task.name for task in s.tasks()]


def _listing(s: SourceSubject) -> dict[str, list[str]]:
    names = _names(s)
    heavy = sorted({"tensorflow", "seqio", "t5", "torch"} & set(sys.modules))
    return {"tasks": names, "heavy": heavy}
