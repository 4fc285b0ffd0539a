"""Examples and scores of a task that is seqio's: a plugin's `build`, a registered task."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spotfw.errors import SpotError
from spotfw.tasks.draws import Draw, limited
from spotfw.tasks.example import Example
from spotfw.tasks.scoring.scorer import NotScored, apply, finite
from spotfw.tasks.seqio.cache import not_as_registered
from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.seqio.vocabulary import seqio_vocabulary
from spotfw.tasks.task import Task
from spotfw.tasks.tokens import Tokenised


class SeqioSource:
    """An `ExampleSource` of a `seqio.Task`, which cuts tokens its own way.

    An example's ``extra`` is the example as seqio gives it.

    Attributes:
      built: the `seqio.Task`.
    """

    def __init__(self, task: Task, vocabulary: Any) -> None:
        self._task = task
        self.built = task.build(seqio_vocabulary(vocabulary))

    @property
    def splits(self) -> Sequence[str]:
        return tuple(self._task.splits) or tuple(self.built.source.splits)

    def read(
        self, split: str, max_input_length: int, max_target_length: int, limit: int | Draw | None
    ) -> Iterator[Tokenised]:
        # With a seed, preprocessors that draw numbers draw the same ones at each reading.
        with not_as_registered(self.built):
            dataset = self.built.get_dataset(
                sequence_length={"inputs": max_input_length, "targets": max_target_length},
                split=split,
                shuffle=False,
                seed=0 if _takes_seed(self.built.source) else None,
            )
        if isinstance(limit, int):
            dataset = dataset.take(limit)
        try:
            examples = map(_tokenised, dataset.as_numpy_iterator())
            yield from limited(examples, limit, lambda tokenised: tokenised.example)
        except tf.errors.OpError as error:
            what = " ".join(str(error.message).split())[:300]
            raise SpotError(
                f"The split {split!r} of task {self._task.name!r} cannot be read: {what}. Check "
                f"its data ({self._task.origin or 'origin unknown'})."
            ) from error

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Mapping[str, Any]:
        built = self.built
        if not built.predict_metric_fns:
            raise NotScored(" (its metrics need likelihoods of labels)" if built.metric_fns else "")
        targets = [
            built.postprocess_fn(self._decoded(example, 1), example=example.extra, is_target=True)
            for example in examples
        ]
        predictions = [
            finite(built.postprocess_fn(text, example=example.extra, is_target=False))
            for text, example in zip(texts, examples, strict=True)
        ]
        return apply(built.predict_metric_fns, targets, predictions)

    def text(self, tokenised: Tokenised) -> tuple[str, str]:
        return self._decoded(tokenised.example, 0), self._decoded(tokenised.example, 1)

    def _decoded(self, example: Example, place: int) -> str:
        """A side's text before tokenisation; decoded where a preprocessor made it of tokens."""
        side = ("inputs", "targets")[place]
        if f"{side}_pretokenized" in example.extra:
            return (example.inputs, example.targets)[place]
        ids = np.asarray(example.extra[side]).tolist()
        return str(self.built.output_features[side].vocabulary.decode(ids))


def _tokenised(row: Mapping[str, Any]) -> Tokenised:
    texts = [_as_text(row.get(f"{side}_pretokenized", "")) for side in ("inputs", "targets")]
    tokens = row["inputs"], row["targets"]
    example = Example(inputs=texts[0], targets=texts[1], extra=row, tokens=tokens)
    return Tokenised(example, *tokens)


def _as_text(text: Any) -> str:
    """Text as seqio gives it, bytes or not."""
    return text.decode() if isinstance(text, bytes) else str(text)


def _takes_seed(source: Any) -> bool:
    """Whether a source can be given a seed; seqio refuses it for functions without one."""
    if not isinstance(source, seqio.FunctionDataSource):
        return True
    return "seed" in inspect.signature(source._dataset_fn).parameters
