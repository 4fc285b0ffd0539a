"""Registered seqio tasks as this project's tasks, moved on to a frozen model's vocabulary.

Importing this module imports t5.data and TensorFlow, but reaches for no network and no
data; data that is not on this machine is never downloaded unasked.
"""

from __future__ import annotations

import functools
import importlib.metadata
from typing import Any

from spotfw.tasks import Mixture, Task
from spotfw.tasks.rows.digests import digest_of_values
from spotfw.tasks.rows.prepared import prepared_content
from spotfw.tasks.seqio.copy import copy_task
from spotfw.tasks.seqio.registered import find_mixture, find_task, rates_of
from spotfw.tasks.t5.cached import or_cached
from spotfw.tasks.t5.catalogue import find_entry, to_task

#: The paper's families (table 2) by a word in a registered task's name; the first fits.
_FAMILIES = (
    ("sentiment", ("sst2",)),
    ("NLI", ("mnli", "qnli", "rte", "_cb_", "glue_ax", "axb", "axg", "wnli")),
    ("paraphrase", ("mrpc", "qqp")),
    ("similarity", ("stsb",)),
    ("acceptability", ("cola",)),
    ("coreference", ("wsc", "dpr")),
    ("word sense", ("wic",)),
    ("QA", ("boolq", "multirc", "record", "squad", "trivia_qa", "copa")),
    ("summarization", ("cnn_dailymail",)),
    ("translation", ("wmt",)),
    ("language modeling", ("c4", "wikipedia")),
)


def registered(name: str) -> Task | Mixture | None:
    """The registered task or mixture of that name, None where there is none."""
    task = find_task(name)
    if task is not None:
        return _task(task)
    mixture = find_mixture(name)
    return None if mixture is None else _mixture(mixture)


def _task(task: Any) -> Task:
    known = find_entry(task.name)
    if known is not None:  # a data set of the paper: more is known of it, and it can be bound
        return to_task(known)
    labels = _labels(task.postprocessor)
    family = next((f for f, words in _FAMILIES if any(w in task.name for w in words)), "other")
    metrics = tuple(_metric_name(fn) for fn in task.metric_fns)
    if labels:
        kind = "classification"
    elif "pearson_corrcoef" in metrics:
        kind = "regression"
    else:
        kind = "qa" if family == "QA" else "generation"
    plain = Task(
        name=task.name,
        family=family,
        type=kind,
        labels=labels,
        metrics=metrics,
        splits=dict.fromkeys(getattr(task.source, "_splits", ()) or ()),
        origin=_origin(task.source),
        description="registered with seqio",
        build=functools.partial(copy_task, task),
        content=functools.partial(_content, task.name, _origin(task.source)),
    )
    return or_cached(plain, task.name)


def _content(name: str, origin: str) -> dict[str, str]:
    """The task by its name and t5's version, and TFDS's data set by its version."""
    dataset = origin.removeprefix("seqio (tfds ").rstrip(")")
    parts = {"definition": digest_of_values(name), "t5": importlib.metadata.version("t5")}
    return parts if dataset == origin else {**parts, **prepared_content((dataset,))}


def _mixture(mixture: Any) -> Mixture:
    """A mixture with its constant rates; rates that count examples become proportional ones.

    Members that are never drawn (rate 0) are there only to be evaluated, and are left out.
    """
    constant = not any(callable(r) for m in rates_of(mixture) for r in m.values())
    rates = [mixture.get_rate(task) if constant else None for task in mixture.tasks]
    members = [(t, r) for t, r in zip(mixture.tasks, rates, strict=True) if r is None or r > 0]
    return Mixture(
        name=mixture.name,
        tasks=tuple(_task(t) for t, _ in members),
        rates=tuple(float(r) for _, r in members if r is not None) if constant else None,
        origin="seqio",
        description="registered with seqio",
    )


def _labels(postprocessor: Any) -> tuple[str, ...]:
    """Class labels, which t5 binds to its postprocessor of classification tasks."""
    while isinstance(postprocessor, functools.partial):
        if "label_classes" in postprocessor.keywords:
            return tuple(postprocessor.keywords["label_classes"])
        postprocessor = postprocessor.func
    return ()


def _metric_name(function: Any) -> str:
    """A metric's name; a metric that t5 makes keeps what it is made of in its closure."""
    inner = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for key in ("metric_dict_str", "metric_str"):
        if key in inner and inner[key].cell_contents:
            return str(inner[key].cell_contents)
    if "metric_fn" in inner:
        return _metric_name(inner["metric_fn"].cell_contents)
    return str(function.__name__)


def _origin(source: Any) -> str:
    name = getattr(getattr(source, "tfds_dataset", None), "name", None)
    return f"seqio (tfds {name})" if name else "seqio"
