"""A bound data set, from its rows to a score, without TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from spotfw.tasks import Task
from spotfw.tasks.examples import read_examples
from spotfw.tasks.scores import score
from spotfw.tasks.vocabulary import ByteVocabulary
from spotfw_paper_tasks.source import PaperTasks

(task,) = [t for t in PaperTasks().tasks() if isinstance(t, Task) and t.name == sys.argv[1]]
for split in ("train", "validation"):
    task.check([split])
    examples = read_examples(task, split, ByteVocabulary(), 512, 64)
    assert len(examples) == 2
    right = score(examples, [example.targets for example in examples.raw()])
    assert right and all(round(value, 6) == 100 for value in right.values()), right
assert not {"tensorflow", "tensorflow_datasets", "seqio", "t5"} & set(sys.modules)
"""

ROWS = {
    "anli": [
        {"uid": "1", "hypothesis": "It rains.", "context": "It pours.", "label": 0, "reason": ""},
        {"uid": "2", "hypothesis": "It rains.", "context": "It is dry.", "label": 2, "reason": ""},
    ],
    "mrqa_squad": [
        {"qid": "a", "question": "Who wrote?", "context": "Jane wrote.", "answers": ["Jane"]},
        {"qid": "b", "question": "What?", "context": "A book was.", "answers": ["A book", "book"]},
    ],
    "xsum": [
        {"document": "Rain fell on the whole town.", "summary": "It rained all day here."},
        {"document": "The deal of five is done.", "summary": "A deal is done at last."},
    ],
}


@pytest.mark.parametrize("name", ROWS)
def test_examples_and_scores(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for split in ("train", "validation"):
        lines = [json.dumps(row) for row in ROWS[name]]
        (folder / f"{split}.jsonl").write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-c", CODE, name],
        capture_output=True,
        text=True,
        env={**os.environ, "SPOTFW_DATA": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
