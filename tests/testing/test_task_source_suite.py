"""`check_task_source` passes good sources and names what is wrong with bad ones."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import attrs
import pytest

from spotfw.errors import SpotError
from spotfw.tasks import Example, Mixture, Task
from spotfw.tasks.scoring import Scorer, metric_functions
from spotfw.tasks.t5.registry import SeqioRegistry
from spotfw.testing import check_task_source
from spotfw.testing.task_sources import SUITE, outcomes
from tests.places import ROOT

IN_PROCESS = tuple(name for name in SUITE.promises if name != "other_process")


def build(vocabulary):
    raise SpotError("The data is not here.")


A_TASK = Task(
    name="a", family="toy", type="qa", metrics=("accuracy",), splits={"train": 3}, build=build
)


def examples_of(rows_by_call, split):
    """The next of `rows_by_call` at each call, as examples that are answered by themselves."""
    rows = rows_by_call.pop(0) if len(rows_by_call) > 1 else rows_by_call[0]
    return [row if not isinstance(row, str) else Example(inputs=row, targets=row) for row in rows]


def plain(rows, **changes):
    """A task in plain Python of rows, or of the rows of each call."""
    given = partial(examples_of, [list(call) for call in rows])
    facts = {"splits": {"train": 3}, "score": Scorer(metric_functions(["accuracy"])), **changes}
    return Task(name="a", family="toy", type="qa", examples=given, **facts)


class Source:
    name = "source"

    def __init__(self, *tasks):
        self.listed = tasks

    def tasks(self):
        return self.listed


class Finds(Source):
    def find(self, name):
        return A_TASK


class Turning(Source):
    """Never lists in the same order twice."""

    def tasks(self):
        self.listed = self.listed[::-1]
        return self.listed


def a_mixture(**changes):
    return Mixture(name="m", tasks=(A_TASK,), **changes)


def other(**changes):
    return attrs.evolve(A_TASK, **changes)


@pytest.mark.parametrize(
    "source", [Source(), Source(A_TASK), Source(A_TASK, other(name="b"), a_mixture(rates=(2.0,)))]
)
def test_a_sound_source_has_no_failed_check(source):
    results = outcomes(source, build=0, only=IN_PROCESS)
    assert not [o for o in results if o.status == "failed"]


def test_a_source_that_lists_without_tensorflow():
    check_task_source(SeqioRegistry(), build=0)


@pytest.mark.parametrize(
    ("source", "check", "said"),
    [
        (Source("a"), "listing", "expected spotfw.Task or spotfw.Mixture values, got 'a'"),
        (Source(A_TASK, A_TASK), "listing", "each name once, got a several"),
        (Source(other(name="a b")), "listing", "without spaces"),
        (Source(other(family="")), "descriptions", "expected a family of task 'a'"),
        (Source(other(labels=["x"])), "descriptions", "to be a tuple of texts"),
        (Source(other(labels=("x", "x"))), "descriptions", "each of the labels of task 'a' once"),
        (Source(other(splits={"train": -1})), "descriptions", "numbers of examples"),
        (Source(other(build="no")), "descriptions", "build of task 'a' to be a function"),
        (Source(other(examples=3)), "descriptions", "examples of task 'a' to be a function"),
        (Source(other(score=3)), "descriptions", "score of task 'a' to be a function"),
        (Source(a_mixture(rates=(1.0, 2.0))), "mixtures", "one positive rate for each member"),
        (Source(Mixture(name="m", tasks=())), "mixtures", "at least one"),
        (Turning(A_TASK, other(name="b")), "determinism", "keep a fixed order"),
        (Finds(A_TASK), "unknown_name", "expected None for an unknown name"),
        (Source(other(build=lambda v: None)), "pickled_tasks", "functools.partial"),
    ],
)
def test_what_is_wrong_is_said(source, check, said):
    (outcome,) = outcomes(source, build=0, only=(check,))
    assert outcome.status == "failed"
    assert said in outcome.said


@pytest.mark.mesh
def test_absent_data_is_not_held_against_a_source():
    (outcome,) = outcomes(Source(A_TASK), build=1, only=("examples",))
    assert (outcome.status, outcome.said) == (
        "skipped",
        "no task could be read from. a: The data is not here.",
    )


def test_loading_tensorflow_to_list_is_reported(tmp_path, monkeypatch):
    # A stand-in: what counts is that a module of the name is loaded.
    (tmp_path / "seqio.py").write_text("")
    (tmp_path / "loads_seqio.py").write_text(
        "class Source:\n"
        "    name = 'loads'\n"
        "    def tasks(self):\n"
        "        import seqio\n"
        "        return []\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "seqio", raising=False)
    import loads_seqio

    (outcome,) = outcomes(loads_seqio.Source(), build=0, only=("other_process",))
    # Not by monkeypatch, which would put the stand-in back at the end.
    sys.modules.pop("seqio", None)
    assert "got seqio; import it within build" in outcome.said


def seqio_task(rows_by_call, splits, vocabulary):
    """A task whose data set is the next of `rows_by_call` at each call."""
    from spotfw.tasks.seqio.compat import seqio, tf

    def dataset(split, shuffle_files=False, seed=None):
        rows = rows_by_call.pop(0) if len(rows_by_call) > 1 else rows_by_call[0]
        return tf.data.Dataset.from_tensor_slices({"inputs": rows, "targets": rows})

    feature = seqio.Feature(vocabulary=vocabulary, add_eos=False, required=False)
    return seqio.Task(
        "a",
        source=seqio.FunctionDataSource(dataset, splits=splits),
        preprocessors=[seqio.preprocessors.tokenize],
        output_features={"inputs": feature, "targets": feature},
    )


def test_tasks_in_plain_python(spotfw_tiny_tasks):
    check_task_source(SourceOfTiny(spotfw_tiny_tasks), build=3)


def unlike(targets, predictions):
    raise ZeroDivisionError("none")


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (plain([["one", "two"], ["two", "one"]]), "the same examples in split 'train'"),
        (
            plain([[" ", "two"]]),
            "inputs in split 'train' of task 'a' to be a text that is not blank",
        ),
        (plain([[]]), "expected examples in split 'train' of task 'a', got none"),
        (plain([["one"]], splits={}), "expected the splits of task 'a' to be named"),
        (plain([[("one", "two")]]), "expected spotfw.tasks.Example values in split 'train'"),
        (
            plain([[Example(inputs="a", targets="b", extra={"index": {1}})]]),
            "extra in split 'train' of task 'a' to hold plain JSON values",
        ),
        (
            plain([["a", "b"]], score=Scorer([unlike])),
            "The metric unlike failed: ZeroDivisionError",
        ),
        (plain([["a", "b"]], score=lambda e, t: {"m": "x"}), "to be numbers by metric"),
        (plain([["a", "b"]], score=lambda e, t: {}), "to be numbers by metric"),
        (plain([["a", "b"]], score=lambda e, t: 1 / 0), "scored, but ZeroDivisionError"),
    ],
)
def test_what_is_wrong_with_examples_and_scores(task, said):
    (outcome,) = outcomes(Source(task), build=1, only=("examples",))
    assert outcome.status == "failed"
    assert said in outcome.said


def test_a_task_in_plain_python_needs_no_tensorflow(spotfw_task_folder):
    code = (
        "import sys; from spotfw.testing import check_task_source;"
        "from spotfw.testing.tiny_tasks import load_tiny_tasks;"
        "from tests.testing.test_task_source_suite import SourceOfTiny;"
        f"check_task_source(SourceOfTiny(load_tiny_tasks({str(spotfw_task_folder)!r})));"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


@attrs.frozen
class SourceOfTiny:
    listed: tuple[Task, ...]
    name = "tiny"

    def tasks(self):
        return self.listed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "splits", "said"),
    [
        ([["one", "two"], ["two", "one"]], ("train",), "the same examples each time"),
        ([["", "two"]], ("train",), "expected tokens of the vocabulary"),
        ([["one"]], ("validation",), "['train'] are not there"),
    ],
)
def test_what_is_wrong_with_a_built_task(rows, splits, said):
    source = Source(other(build=partial(seqio_task, rows, splits)))
    (outcome,) = outcomes(source, build=1, only=("examples",))
    assert outcome.status == "failed"
    assert said in outcome.said
