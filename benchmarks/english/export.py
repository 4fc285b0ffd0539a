"""Writes the study's tasks as token ids, so that a machine without TensorFlow can tune them.

    python -m benchmarks.english.export --data ../shared/data --corpus ../shared/corpus \\
        --model ../shared/models/english-small --out FOLDER

Texts and labels are spotfw's own: every example went through its task. Two files: tasks.json
(labels, answers, where rows come from) and ids.npz (int16 ids, one after the other).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.english import declaration as study
from benchmarks.english.rows_of_tasks import (
    Parts,
    Row,
    prefix_lm_task,
    sentences,
    source_parts,
    target_parts,
)
from spotfw.contracts import InitContext
from spotfw.plugins import Plugins
from spotfw.tasks import Task

_FIRST_PIECE = 3


def main() -> None:
    """Reads the command line and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "corpus", "model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    os.environ["SPOTFW_DATA"] = str(options.data.resolve())
    with tempfile.TemporaryDirectory() as scratch:
        # Bindings are made for WSC's wrong referents: not in the user's own file.
        os.environ["XDG_CONFIG_HOME"] = scratch
        tasks, arrays = collect(options.data, options.corpus, options.model, Path(scratch))
    options.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out / "ids.npz", **arrays)
    text = json.dumps(tasks, ensure_ascii=False, indent=1)
    (options.out / "tasks.json").write_text(text, encoding="utf-8")


def collect(
    data: Path, corpus: Path, model: Path, scratch: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """All tasks' facts by ``ROLE:TASK``, and their ids."""
    from spotfw.tasks.vocabulary import open_vocabulary_file

    vocabulary = open_vocabulary_file(str(model / "spiece.model"))
    plugins = Plugins()
    tasks: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    seen: dict[str, set[str]] = {}
    for source in study.SOURCES:
        if source.task == study.PREFIX_LM:
            task = prefix_lm_task(corpus, scratch / "prefix_lm", source.rows)
        else:
            task = _task(plugins, source.task)
        parts = source_parts(source, task, vocabulary)
        seen[source.task] = set().union(*(sentences(row.text) for row in parts.train))
        _add(tasks, arrays, f"source:{source.task}", task, source.kind, parts, vocabulary)
        tasks[f"source:{source.task}"]["shippable"] = source.shippable
    for target in study.TARGETS:
        task = _task(plugins, target.task)
        tried = (texts for name, texts in seen.items() if name not in target.unlike)
        parts = target_parts(target, task, vocabulary, frozenset().union(*tried), data)
        _add(tasks, arrays, f"target:{target.task}", task, target.kind, parts, vocabulary)
        tasks[f"target:{target.task}"]["unlike"] = list(target.unlike)
    return tasks, arrays


def _task(plugins: Plugins, name: str) -> Task:
    task = plugins.task(name)
    assert isinstance(task, Task)
    return task


def _add(
    tasks: dict[str, Any],
    arrays: dict[str, Any],
    key: str,
    task: Task,
    kind: str,
    parts: Parts,
    vocabulary: Any,
) -> None:
    by_part = {"train": parts.train, "select": parts.select, "report": parts.report}
    rows = [row for part in by_part.values() for row in part]
    labels = _labels(task, kind)
    tasks[key] = {
        "task": task.name,
        "family": task.family,
        "kind": kind,
        "metrics": list(task.metrics),
        "licence": task.licence,
        "citation": task.citation,
        "data": task.data,
        "labels": labels,
        "label_ids": [[*vocabulary.encode(label), vocabulary.eos_id] for label in labels],
        "parts": {name: len(part) for name, part in by_part.items()},
        "origin": parts.origin,
        "left_out_of_report": parts.left_out,
        "cut": {name: round(_share_cut(part), 4) for name, part in by_part.items()},
        "first": _starts(key, task, vocabulary),
    }
    scored = [*parts.select, *parts.report]
    if kind in ("text", "referent"):
        tasks[key]["answers"] = [row.more.get("answers") or [row.target] for row in scored]
    if kind == "referent":
        tasks[key]["referent_labels"] = [row.more["label"] for row in scored]
    for side in ("input", "target"):
        ids = [getattr(row, f"{side}_ids") for row in rows]
        arrays[f"{key}:{side}s"] = np.concatenate([np.array(i, np.int16) for i in ids])
        arrays[f"{key}:{side}_lengths"] = np.array([len(i) for i in ids], np.int16)


def _labels(task: Task, kind: str) -> list[str]:
    if kind == "number":
        return [f"{tenth / 5:.1f}" for tenth in range(26)]
    return list(task.labels) if kind == "labels" else []


def _share_cut(rows: list[Row]) -> float:
    return sum(row.cut for row in rows) / max(len(rows), 1)


def _starts(key: str, task: Task, vocabulary: Any) -> list[list[list[int]]]:
    """By seed, the pieces whose mean embedding each prompt token starts from.

    As spotfw's initializers draw them: `sampled_vocab` for a source, `class_label` for a
    target. They are run on a table of one column that holds each piece's id.
    """
    from spotfw.plugins.builtin.initializers import class_label, sampled_vocab

    pieces = int(vocabulary.vocab_size) - 100
    table = np.arange(pieces, dtype=np.float32)[:, None]
    labels = task.labels if key.startswith("target:") else ()
    start = class_label if labels else sampled_vocab
    encoded = [
        known
        for label in labels
        if (known := [i for i in vocabulary.encode(label) if _FIRST_PIECE <= i < pieces])
    ]
    by_seed = []
    for seed in study.SEEDS:
        context = InitContext(
            length=study.PROMPT_LENGTH,
            embeddings=table,
            vocabulary=vocabulary,
            pieces=pieces,
            labels=tuple(labels),
        )
        ids = start(context, np.random.default_rng([seed, 0x5EED]))[:, 0]
        rest = [[int(i)] for i in ids[len(encoded) :]]
        by_seed.append([*encoded, *rest])
    return by_seed


if __name__ == "__main__":
    main()
