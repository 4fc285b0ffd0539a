"""A task in plain Python as a seqio task: the same examples, tokens and scores."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.tasks import Example, Task
from spotfw.tasks.examples import read_examples
from spotfw.tasks.scores import score
from spotfw.tasks.scoring import Scorer, ToLabel, metric_functions, to_answers
from spotfw.tasks.seqio.compat import seqio
from spotfw.tasks.vocabulary import ByteVocabulary

ROWS = (
    Example(inputs="a long text", targets="yes", extra={"answers": ["yes", "aye"], "line": 1}),
    Example(inputs="été \U0001f600", targets="no", extra={"answers": ["no"], "line": 2}),
)
LABELS = ("no", "yes")
OF_LABELS = Scorer(metric_functions(["accuracy", "mean_multiclass_f1"], 2), ToLabel(LABELS))
OF_ANSWERS = Scorer(metric_functions(["squad"]), to_answers)


def of_lines(examples: Any, texts: Any) -> dict[str, Any]:
    """A score of one's own."""
    return {"lines": sum(e.extra["line"] for e, t in zip(examples, texts, strict=True) if t)}


def task(score: Any = OF_LABELS) -> Task:
    return Task(
        name="toy",
        family="other",
        type="qa",
        splits={"train": 2},
        examples=lambda split: ROWS,
        score=score,
    )


@pytest.mark.parametrize("how", [OF_LABELS, OF_ANSWERS, of_lines])
def test_built_it_gives_what_it_gives_itself(how):
    plain = task(how)
    built = Task(name="toy", family="other", type="qa", splits={"train": 2}, build=plain.build)
    assert (plain.makes_tokens, built.makes_tokens) == (False, True)
    ours, theirs = (
        read_examples(made, "train", ByteVocabulary(), 7, 3, for_scoring=True)
        for made in (plain, built)
    )
    for side in ("inputs", "targets"):
        np.testing.assert_array_equal(getattr(ours, side).flat, getattr(theirs, side).flat)
        np.testing.assert_array_equal(getattr(ours, side).offsets, getattr(theirs, side).offsets)
    assert [e.inputs for e in theirs.raw()] == [e.inputs for e in ROWS]
    for texts in (["yes", "no"], ["aye", "maybe"], ["", "x"]):
        assert score(ours, texts) == score(theirs, texts)


def test_seqio_s_names():
    built = task().build(seqio.ByteVocabulary())
    assert list(built.splits) == ["train"]
    assert [fn.__name__ for fn in built.metric_fns] == ["accuracy", "mean_2class_f1"]
    assert built.postprocess_fn("yes", example={}, is_target=True) == 1
    assert "toy" not in seqio.TaskRegistry.names()
    assert task(None).build(seqio.ByteVocabulary()).metric_fns == []


def test_a_build_of_ones_own_comes_first():
    both = attrs.evolve(task(), build=lambda vocabulary: ("mine", vocabulary))
    assert both.build(3) == ("mine", 3)
    assert not both.makes_tokens
