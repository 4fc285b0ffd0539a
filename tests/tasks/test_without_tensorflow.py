"""Tasks in plain Python, from their data to a score, in a process that never loads TensorFlow."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spotfw.tasks.t5.catalogue import ENTRIES
from tests.places import ROOT

_SPEC = importlib.util.spec_from_file_location(
    "t5_golden", Path(__file__).parent / "t5" / "t5_golden.py"
)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
GOLDEN = _MODULE.GOLDEN

#: Ends a program: the names of what may not be loaded but is.
LOADED = (
    "import sys\n"
    "heavy = {'tensorflow', 'tensorflow_text', 'tensorflow_datasets', 'seqio', 't5', 'torch'}\n"
    "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
)

#: Reads each task's splits over a vocabulary, scores right and wrong answers.
SCORED = (
    "from spotfw.plugins import Plugins\n"
    "from spotfw.tasks.examples import read_examples\n"
    "from spotfw.tasks.scores import score\n"
    "from spotfw.tasks.vocabulary import ByteVocabulary, open_vocabulary_file\n"
    "def scored(name, vocabulary):\n"
    "    task = Plugins(entry_points=False).task(name)\n"
    "    for split in ('train', 'validation'):\n"
    "        examples = read_examples(task, split, vocabulary, 999, 99)\n"
    "        assert len(examples) and examples.inputs[0][-1] == 1\n"
    "        right = score(examples, [example.targets for example in examples.raw()])\n"
    "        wrong = score(examples, ['%' for _ in examples.raw()])\n"
    "        assert right and sum(right.values()) > sum(wrong.values()), (name, right, wrong)\n"
)

TABLE = """
[[task]]
name = "classes"
inputs = "{text}"
label_column = "label"
labels = ["bad", "good"]
metrics = ["accuracy", "mean_multiclass_f1", "f1_score_with_invalid", "matthews_corrcoef",
           "sequence_accuracy", "all_match"]
[task.splits]
train = "rows.jsonl"
validation = "rows.jsonl"

[[task]]
name = "numbers"
type = "regression"
inputs = "{text}"
label_column = "number"
[task.splits]
train = "rows.jsonl"
validation = "rows.jsonl"

[[task]]
name = "answers"
inputs = "{text}"
answers_column = "answers"
metrics = ["squad", "trivia_qa", "coqa_f1"]
[task.splits]
train = "rows.jsonl"
validation = "rows.jsonl"

[[task]]
name = "texts"
inputs = "{text}"
targets = "{text}"
metrics = ["bleu", "rouge", "sequence_accuracy"]
[task.splits]
train = "rows.jsonl"
validation = "rows.jsonl"
"""


def run(code: str, **env: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + LOADED],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **env},
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def vocabulary(tiny_model: Path) -> str:
    return str(tiny_model / "spiece.model")


def test_a_table_task_of_each_kind_of_answers(tmp_path, vocabulary):
    (tmp_path / "tasks.toml").write_text(TABLE)
    rows = [
        {"text": f"one two {word} the end", "label": i % 2, "number": i / 2, "answers": [word, "x"]}
        for i, word in enumerate(("three", "four", "five", "six"))
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "tasks.toml"
    names = ("classes", "numbers", "answers", "texts")
    opened = f"vocabulary = open_vocabulary_file({vocabulary!r})\n"
    run(f"{SCORED}{opened}for name in {names}: scored({str(path)!r} + ':' + name, vocabulary)\n")


def test_every_bound_task_of_t5_but_c4(tmp_path):
    for name, golden in GOLDEN.items():
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for split in ("train", "validation"):
            lines = [json.dumps(row) for row, _, _ in golden]
            (folder / f"{split}.jsonl").write_text("\n".join(lines))
    assert {entry.also[0] for entry in ENTRIES} - set(GOLDEN) == {"c4"}
    code = f"{SCORED}for name in {sorted(GOLDEN)}: scored(name, ByteVocabulary())\n"
    run(code, SPOTFW_DATA=str(tmp_path / "data"))


@pytest.mark.parametrize(
    "words", [["--examples", "2"], ["--lengths"], ["--examples", "1", "--lengths", "--json"]]
)
def test_the_command_line_shows_them(tiny_task_file, vocabulary, words):
    code = (
        "from spotfw.cli import run\n"
        f"assert run(['tasks', 'show', {str(tiny_task_file)!r}, "
        f"'--vocabulary', {vocabulary!r}, *{words}]) == 0\n"
    )
    run(code)
