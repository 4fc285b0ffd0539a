"""A task in plain Python as a `seqio.Task`, for training loops that are seqio's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from spotfw.tasks.example import Example
from spotfw.tasks.scoring.scorer import Scorer
from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.seqio.source import RowsSource
from spotfw.tasks.seqio.vocabulary import seqio_vocabulary

ExamplesFn = Callable[[str], Iterable[Example]]


def build_plain(
    name: str, splits: Iterable[str], examples: Any, score: Any, vocabulary: Any
) -> Any:
    """A seqio task over the examples of a `spotfw.tasks.Task`; it is in no registry.

    Besides ``inputs`` and ``targets``, and both as text (``inputs_pretokenized``), an example
    has ``extra``, a JSON string.

    Args:
      name, splits, examples, score: the task's.
      vocabulary: of both features.
    """
    text = tf.TensorSpec((), tf.string)
    feature = seqio.Feature(vocabulary=seqio_vocabulary(vocabulary), add_eos=True)
    postprocess, metrics = _scoring(score)
    return seqio.Task(
        name,
        source=RowsSource(
            tuple(splits),
            partial(_rows, examples),
            {"inputs": text, "targets": text, "extra": text},
        ),
        output_features={"inputs": feature, "targets": feature},
        preprocessors=[
            seqio.preprocessors.tokenize,
            seqio.preprocessors.append_eos_after_trim,
        ],
        postprocess_fn=postprocess,
        metric_fns=metrics,
    )


def _rows(examples: ExamplesFn, split: str) -> Iterator[dict[str, str]]:
    # Opened at once: what is wrong with the data is raised before tf.data swallows the error.
    opened = iter(examples(split))
    return (
        {"inputs": e.inputs, "targets": e.targets, "extra": json.dumps(dict(e.extra))}
        for e in opened
    )


def _scoring(score: Any) -> tuple[Any, list[Any]]:
    """A seqio postprocessor and metric functions."""
    if score is None:
        return None, []
    if isinstance(score, Scorer):
        return _Postprocess(score), [_named(metric) for metric in score.metrics]

    def whole(targets: Any, predictions: Any) -> Mapping[str, Any]:
        values: Mapping[str, Any] = score(targets, predictions)
        return values

    return _example_or_text, [whole]


@attrs.frozen
class _Postprocess:
    """A scorer's postprocessing, of examples as seqio gives them."""

    scorer: Scorer

    def __call__(self, text: str, example: Any = None, is_target: bool = False) -> Any:
        return self.scorer.answer(text, _example(example or {}), is_target=is_target)


def _example_or_text(text: str, example: Any = None, is_target: bool = False) -> Any:
    return _example(example or {}) if is_target else text


def _example(row: Mapping[str, Any]) -> Example:
    inputs, targets, extra = (
        tf.compat.as_text(row.get(key, default))
        for key, default in (
            ("inputs_pretokenized", ""),
            ("targets_pretokenized", ""),
            ("extra", "{}"),
        )
    )
    return Example(inputs=inputs, targets=targets, extra=json.loads(extra))


def _named(metric: Any) -> Any:
    """A metric as a function whose arguments' names seqio looks at."""

    def named(targets: Any, predictions: Any) -> Mapping[str, Any]:
        values: Mapping[str, Any] = metric(targets, predictions)
        return values

    named.__name__ = getattr(metric, "__name__", "metric")
    return named
