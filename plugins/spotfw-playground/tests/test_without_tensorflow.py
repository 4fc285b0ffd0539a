"""The playground's tasks, from their rows to a score, without TensorFlow."""

from __future__ import annotations

import subprocess
import sys

from spotfw_playground import bundled

CODE = """
import sys
from spotfw.tasks import Task
from spotfw.tasks.examples import read_examples
from spotfw.tasks.scores import score
from spotfw.tasks.vocabulary import open_vocabulary_file
from spotfw_playground.source import PlaygroundSource

vocabulary = open_vocabulary_file(sys.argv[1], extra_ids=0)
for task in PlaygroundSource().tasks():
    if isinstance(task, Task) and task.name in {"film_reviews", "similar_people", "qa_things"}:
        examples = read_examples(task, "validation", vocabulary, 48, 4)
        right = score(examples, [example.targets for example in examples.raw()])
        assert set(right) == set(task.metrics), right
        assert all(round(value, 6) == 100 for value in right.values()), right
assert not {"tensorflow", "seqio", "t5"} & set(sys.modules)
"""


def test_examples_and_scores() -> None:
    words = [sys.executable, "-c", CODE, str(bundled.PACKED / "spiece.model")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
