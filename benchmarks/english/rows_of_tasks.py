"""Examples of spotfw's tasks as it makes them, and how they are parted."""

from __future__ import annotations

import dataclasses
import json
import lzma
import re
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.english.declaration import (
    MAX_INPUT,
    MAX_TARGET,
    PREFIX_LM,
    REPORT_ROWS,
    SELECT_ROWS,
    Source,
    Target,
)
from spotfw.plugins import Plugins
from spotfw.tasks import Task, bindings
from spotfw.tasks.examples import read_all
from spotfw.tasks.tokens import Tokenised

_END = 1
_PREFIX_WORDS, _REST_WORDS = 60, 25


@dataclasses.dataclass(frozen=True)
class Row:
    """An example; ids end with the end of text. `more`: what its task is scored by."""

    text: str
    target: str
    input_ids: tuple[int, ...]
    target_ids: tuple[int, ...]
    cut: bool
    more: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Parts:
    """Rows to train on, to choose a checkpoint by and to report, and where they come from."""

    train: list[Row]
    select: list[Row]
    report: list[Row]
    origin: dict[str, str]
    left_out: int = 0


def read_split(task: Task, split: str, vocabulary: Any) -> list[Row]:
    """All examples of a split that keep a token."""
    _, examples = read_all(task, split, vocabulary)
    rows = (_row(read) for read in examples)
    return [row for row in rows if len(row.input_ids) > 1 and len(row.target_ids) > 1]


def source_parts(source: Source, task: Task, vocabulary: Any) -> Parts:
    """The published validation split is parted in two: to select by, and to report."""
    train = read_split(task, "train", vocabulary)
    validation = read_split(task, "validation", vocabulary)
    select_count = min(SELECT_ROWS, len(validation) // 2)
    select, rest = drawn(validation, select_count, f"{source.task} select")
    report, _ = drawn(rest, REPORT_ROWS, f"{source.task} report")
    chosen, _ = drawn(train, source.rows, f"{source.task} train")
    origin = {
        "train": f"{len(chosen)} of train's {len(train)}",
        "select": f"{len(select)} of validation's {len(validation)}",
        "report": f"{len(report)} others of validation's {len(validation)}",
    }
    return Parts(chosen, select, report, origin)


def target_parts(
    target: Target, task: Task, vocabulary: Any, seen: frozenset[str], data: Path
) -> Parts:
    """Selected by rows of the training split that are not trained on; reported on the labelled
    test split, or where there is none on validation.

    Args:
      seen: sentences that sources train on; a row to report that has one is left out.
      data: the folder of the data sets.
    """
    train = read_split(task, "train", vocabulary)
    chosen, rest = drawn(train, target.rows, f"{target.task} train")
    if target.kind == "referent":
        # Only right referents are trained on; wrong ones to select by lie in train too.
        rest = rest + _wrong_referents(task, vocabulary, data / "super_glue_wsc_fixed")
    select, _ = drawn(rest, target.select, f"{target.task} select")
    split = "test" if _has_test(task, vocabulary) else "validation"
    published = read_split(task, split, vocabulary)
    unseen = [row for row in published if not sentences(row.text) & seen]
    report, _ = drawn(unseen, REPORT_ROWS, f"{target.task} report")
    origin = {
        "train": f"{len(chosen)} of train's {len(train)}",
        "select": f"{len(select)} others of train",
        "report": f"{len(report)} of {split}'s {len(published)}",
    }
    return Parts(chosen, select, report, origin, left_out=len(published) - len(unseen))


def drawn(rows: Sequence[Row], count: int, purpose: str) -> tuple[list[Row], list[Row]]:
    """`count` rows drawn by a seed of `purpose`, by label in proportion, and the others.

    Rows whose targets repeat are stratified by it: in an order drawn at random within each
    label, row j of a label of n is at (j + 1/2) / n, and the first by place are taken. They
    stay in this order: the first few of what was drawn are stratified as well.
    """
    rng = np.random.default_rng(zlib.crc32(purpose.encode()))
    places = np.empty(len(rows))
    strata: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        strata.setdefault(_stratum(row), []).append(number)
    if len(strata) > len(rows) / 4:
        strata = {"": list(range(len(rows)))}
    for members in strata.values():
        order = rng.permutation(len(members))
        places[members] = (order + 0.5 + 1e-6 * rng.random(len(members))) / len(members)
    order = np.argsort(places, kind="stable")
    return [rows[i] for i in order[:count]], [rows[i] for i in order[count:]]


def sentences(text: str) -> frozenset[str]:
    """The texts in an example's input, in lower case without spaces and punctuation."""
    parts = re.split(r"(?:^|\s)(?:[a-z0-9_]+ )?[a-z_]+[0-9]?: ", text)
    plain = (re.sub(r"[^a-z0-9]", "", part.lower()) for part in parts)
    return frozenset(part for part in plain if len(part) >= 20)


def prefix_lm_task(corpus: Path, folder: Path, rows: int) -> Task:
    """The task of unlabelled text, its rows written into `folder`."""
    declaration = Path(__file__).with_name("prefix_lm.toml")
    needed = rows + 2 * REPORT_ROWS
    texts = []
    with lzma.open(corpus / "wikipedia_vital_articles.txt.xz", "rt", encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) >= _PREFIX_WORDS + _REST_WORDS:
                texts.append(words[: _PREFIX_WORDS + _REST_WORDS])
    order = np.random.default_rng(zlib.crc32(PREFIX_LM.encode())).permutation(len(texts))
    made = [texts[i] for i in order[:needed]]
    for name, part in (
        ("train", made[: -2 * REPORT_ROWS]),
        ("validation", made[-2 * REPORT_ROWS :]),
    ):
        _write(
            folder / f"{name}.jsonl",
            [
                {"prefix": " ".join(w[:_PREFIX_WORDS]), "rest": " ".join(w[_PREFIX_WORDS:])}
                for w in part
            ],
        )
    copy = folder / declaration.name
    copy.write_text(declaration.read_text(encoding="utf-8"), encoding="utf-8")
    task = Plugins().task(str(copy))
    assert isinstance(task, Task)
    return task


def _row(read: Tokenised) -> Row:
    inputs, targets = read.inputs.tolist(), read.targets.tolist()
    extra = read.example.extra
    more: dict[str, Any] = {}
    if "answers" in extra:
        more["answers"] = list(extra["answers"])
    if "label" in extra:
        more["label"] = int(extra["label"])
    return Row(
        text=read.example.inputs,
        target=read.example.targets,
        input_ids=_fitted(inputs, MAX_INPUT),
        target_ids=_fitted(targets, MAX_TARGET),
        cut=len(inputs) > MAX_INPUT,
        more=more,
    )


def _fitted(ids: list[int], longest: int) -> tuple[int, ...]:
    """Cut as spotfw cuts: the end of text stays."""
    return tuple(ids if len(ids) <= longest else [*ids[: longest - 1], _END])


def _stratum(row: Row) -> str:
    if "label" in row.more:
        return str(row.more["label"])
    try:
        return str(round(float(row.target)))
    except ValueError:
        return row.target


def _has_test(task: Task, vocabulary: Any) -> bool:
    if task.check is None or "test" not in task.splits:
        return False
    try:
        task.check(["test"])
        _, examples = read_all(task, "test", vocabulary)
        next(examples)
    except Exception:  # whatever it is, there is no such split to read
        return False
    return True


def _wrong_referents(task: Task, vocabulary: Any, folder: Path) -> list[Row]:
    """The training rows of WSC with a wrong referent, read as spotfw reads rows to score."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        train = (folder / "train.jsonl").read_text(encoding="utf-8")
        (place / "train.jsonl").write_text(train, encoding="utf-8")
        (place / "validation.jsonl").write_text(train, encoding="utf-8")
        bindings.bind(task.name, place)
        try:
            again = Plugins().task(task.name)
            assert isinstance(again, Task)
            rows = read_split(again, "validation", vocabulary)
        finally:
            bindings.unbind(task.name)
    return [row for row in rows if row.more["label"] == 0]


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
