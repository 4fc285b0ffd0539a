"""Every task of the paper's catalogue, from its rows to a score, a line each.

``python -m benchmarks.paper_tasks [NAME ...] [--data DIR] [--vocabulary FILE] [--json FILE]``

The rows are real where DIR has the task's folder, and else those of
``tfds.testing.mock_data``: random, but of the data set's true schema. All of a split's rows
become examples and are tokenised with T5's vocabulary; a tiny T5 with that vocabulary is
prompt-tuned for one step on some of them, decodes some and is scored. Fails (status 1) where a
task does, or where a row of DIR neither gives an example nor is named.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from benchmarks import random_t5, rows
from benchmarks.engines import need
from benchmarks.mocked_rows import mocked
from spotfw.cli.display import note
from spotfw.config import TuningSettings
from spotfw.contracts import TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.tasks import Task, bindings
from spotfw.tasks.whereabouts import ABSENT, BOUND, whereabouts

_SHARED = Path(__file__).resolve().parents[2] / "shared"

#: Groups of the catalogue.
GROUPS = ("appendix B", "study source", "study target", "released inputs", "beyond the paper")

#: Splits that are looked through; others as far as a task says they are there.
_SPLITS = ("train", "validation")

#: Tasks that train on some of their rows only, and why.
SOME_ROWS = {
    "super_glue_wsc_v102_simple": "trains on the true pairs only, as T5 does",
    "super_glue_wsc_v102_simple_train": "trains on the true pairs only, as T5 does",
}

_LEFT_OUT = re.compile(r"(\d+) of \d+ rows (?:cannot be used|have the label -1)")

_SETTINGS = TuningSettings(
    steps=1,
    batch_size=4,
    prompt_length=4,
    max_input_length=64,
    # A mocked row has many of goemotions' labels, and none may be cut.
    max_target_length=64,
    max_train_examples=8,
    max_eval_examples=8,
    eval_batch_size=8,
    checkpoint_every=1,
)


@attrs.frozen(kw_only=True)
class Checked:
    """What became of one task.

    Attributes:
      name, family: of the task.
      rows_from: ``real`` or ``mock``.
      examples: by split.
      left_out: rows that were named as unusable or unlabelled, by split.
      mean_tokens: of inputs and of targets, in the training split.
      labels: how often each label is in the training split.
      loss: of the one step.
      metrics: after it.
      first: inputs and targets of the first training example.
      seconds: for all of it.
      fault: why it failed, or nothing.
    """

    name: str
    family: str
    rows_from: str
    examples: dict[str, int] = attrs.field(factory=dict)
    left_out: dict[str, int] = attrs.field(factory=dict)
    mean_tokens: tuple[float, float] = (0.0, 0.0)
    labels: dict[str, int] = attrs.field(factory=dict)
    loss: float | None = None
    metrics: dict[str, float] = attrs.field(factory=dict)
    first: tuple[str, str] = ("", "")
    seconds: float = 0.0
    fault: str = ""

    def line(self) -> str:
        """One line for people."""
        if self.fault:
            return f"FAILED {self.name} ({self.rows_from}): {self.fault}"
        count = ", ".join(f"{split} {n:,}" for split, n in self.examples.items())
        left = sum(self.left_out.values())
        labels = ", ".join(f"{label} {n}" for label, n in list(self.labels.items())[:6])
        inputs, targets = self.mean_tokens
        scores = ", ".join(f"{name} {value:.1f}" for name, value in self.metrics.items())
        first = " -> ".join(f"{text[:60]!r}" for text in self.first)
        return (
            f"ok {self.name} ({self.rows_from}): {count}; unusable {left}; tokens "
            f"{inputs:.1f} + {targets:.1f}; labels {labels or '-'}; loss {self.loss:.2f}; "
            f"{scores}; {first}"
        )


def main() -> int:
    """Runs it; see the module."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.paper_tasks",
        description=(__doc__ or "").partition("\n")[0],
    )
    made.add_argument("names", nargs="*", metavar="NAME", help="only these tasks")
    made.add_argument("--data", default=str(_SHARED / "data"), help="folders of real rows")
    made.add_argument("--vocabulary", default=str(_SHARED / "vocab" / "t5.model"))
    made.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    given = made.parse_args()
    need("mesh")
    if not Path(given.vocabulary).is_file():
        note(f"This needs T5's vocabulary; {given.vocabulary} is not here (--vocabulary FILE).")
        return 1
    if Path(given.data).is_dir():
        os.environ[bindings.VARIABLE] = given.data
    else:
        note(f"{given.data} is not here, so all rows are mocked.")
    plugins = Plugins()
    tasks = [plugins.task(name) for name in given.names] or catalogue(plugins)
    began = time.monotonic()
    checked = []
    with opened(given.vocabulary) as model:
        for task in tasks:
            if isinstance(task, Task):
                checked.append(check(task, model))
                print(checked[-1].line(), flush=True)
    failed = [result for result in checked if result.fault]
    seconds = time.monotonic() - began
    note(f"{len(checked) - len(failed)} of {len(checked)} tasks are well, in {seconds:.0f} s.")
    rows.report(
        "paper_tasks",
        [
            rows.Row("tasks checked", len(checked), None, "tasks", None, "", None),
            rows.Row("tasks failed", len(failed), 0, "tasks", None, "0", not failed),
            rows.Row("time", round(seconds, 1), None, "s", None, "", None),
        ],
        given.json,
        ("tensorflow", "t5", "tensorflow-datasets", "seqio-nightly"),
        # Without the texts, which belong to the data sets.
        tasks=[attrs.asdict(result, filter=lambda a, _: a.name != "first") for result in checked],
    )
    return 1 if failed or not checked else 0


def catalogue(plugins: Plugins) -> list[Task]:
    """All tasks of the paper, and those beyond it that the catalogue has."""
    return [t for t in plugins.tasks() if isinstance(t, Task) and {*t.groups} & {*GROUPS}]


@contextmanager
def opened(vocabulary: str) -> Iterator[Any]:
    """A T5 of one layer, width 16 and T5's 32,128 rows of vocabulary, random weights."""
    from spotfw.backends.mesh.engine import open_model
    from spotfw.backends.mesh.folders.convert import hf_to_mesh
    from spotfw.backends.mesh.folders.hf_names import T5Dimensions

    dims = T5Dimensions(
        d_model=16,
        d_ff=32,
        d_kv=8,
        num_heads=2,
        encoder_layers=1,
        decoder_layers=1,
        vocabulary_size=32128,
    )
    with tempfile.TemporaryDirectory(prefix="spotfw-") as folder:
        hf, mesh = Path(folder) / "hf", Path(folder) / "mesh"
        random_t5.write_folder(hf, dims, seed=1)
        shutil.copyfile(vocabulary, hf / "spiece.model")
        hf_to_mesh(str(hf), str(mesh))
        model = open_model(str(mesh), threads=1)
        try:
            yield model
        finally:
            model.close()


def check(task: Task, model: Any) -> Checked:
    """One task from its rows to a score; whatever goes wrong stands in `Checked.fault`."""
    at, folder = whereabouts(task)
    real = at == BOUND
    report = Checked(name=task.name, family=task.family, rows_from="real" if real else "mock")
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            if not real and at == ABSENT:
                stack.enter_context(mocked(task))
            report = _looked_through(task, model, report, Path(folder) if real and folder else None)
            report = _trained(task, model, report)
    except SpotError as error:
        report = attrs.evolve(report, fault=str(error))
    except Exception as error:  # one task's fault is not another's
        report = attrs.evolve(
            report, fault=f"{type(error).__name__}: {' '.join(str(error).split())}"
        )
    return attrs.evolve(report, seconds=round(time.monotonic() - began, 2))


def _looked_through(task: Task, model: Any, report: Checked, folder: Path | None) -> Checked:
    """All rows as examples, tokenised; no row may be lost without being named."""
    from spotfw.tasks.survey import survey

    examples, left_out = {}, {}
    for split in _SPLITS:
        with _heard() as messages:
            lengths = survey(task, split, model.vocabulary)
        examples[split] = len(lengths)
        left_out[split] = sum(int(n) for m in messages for n in _LEFT_OUT.findall(m))
        if not len(lengths):
            raise SpotError(f"Its split {split!r} gave no example.")
        if split == "train":
            means = (float(lengths.inputs.mean()), float(lengths.targets.mean()))
            report = attrs.evolve(
                report, mean_tokens=means, labels=dict(lengths.labels), first=lengths.first
            )
        lost = _lines(folder, split) - examples[split] - left_out[split]
        if lost > 0 and not (split == "train" and task.name in SOME_ROWS):
            raise SpotError(f"{lost} rows of {split} are lost and nobody says why.")
    return attrs.evolve(report, examples=examples, left_out=left_out)


def _trained(task: Task, model: Any, report: Checked) -> Checked:
    """One step, decoding, scores."""
    start = np.random.RandomState(1).standard_normal((_SETTINGS.prompt_length, model.width))
    state = TuningState(step=0, prompt=start.astype(np.float32))
    request = TuneRequest(task=task, settings=_SETTINGS, start=state)
    *_, last = model.tune([request])
    if last.error is not None:
        raise last.error
    if last.state is None or not np.isfinite(last.loss):
        raise SpotError(f"The loss of the first step is {last.loss}.")
    if np.array_equal(last.state.prompt, state.prompt):
        raise SpotError("The first step did not move the prompt.")
    (evaluation,) = model.evaluate([last.state.prompt], task, "validation", _SETTINGS)
    if not evaluation.metrics:
        raise SpotError("It gave no score.")
    return attrs.evolve(report, loss=float(last.loss), metrics=dict(evaluation.metrics))


def _lines(folder: Path | None, split: str) -> int:
    """Rows of a bound folder's file; 0 where there is none of that name."""
    if folder is None or not (path := folder / f"{split}.jsonl").is_file():
        return 0
    with path.open("rb") as stream:
        return sum(1 for line in stream if line.strip())


@contextmanager
def _heard() -> Iterator[Sequence[str]]:
    """What is logged meanwhile."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("spotfw")
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
