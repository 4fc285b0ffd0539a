"""Examples that an engine is given as text, as tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from spotfw.backends.splits import TARGET_BUCKETS
from spotfw.config import TuningSettings
from spotfw.errors import SpotError
from spotfw.tasks import Example
from spotfw.tasks.batches import Indices, bucket, pad_batch
from spotfw.tasks.tokens import Tokens, ended
from spotfw.tasks.vocabulary import Vocabulary, encode_all


@attrs.frozen(eq=False)
class GivenExamples:
    """Inputs and targets, int32, each cut and ended with EOS."""

    inputs: Sequence[Tokens]
    targets: Sequence[Tokens]

    @classmethod
    def of(
        cls, examples: Sequence[Example], vocabulary: Vocabulary, settings: TuningSettings
    ) -> GivenExamples:
        """The examples as an engine's own splits would have them.

        Raises:
          SpotError: one has no token of text on a side.
        """
        end = vocabulary.eos_id
        own = [example.tokens for example in examples]
        sides = []
        for side, most in enumerate((settings.max_input_length, settings.max_target_length)):
            texts = [(e.inputs, e.targets)[side] for e in examples]
            cut = []
            for number, ids in enumerate(encode_all(vocabulary, texts)):
                given = own[number]
                row = list(ids if given is None else given[side])
                row = row[:-1] if row[-1:] == [end] else row
                if not row:
                    raise SpotError(
                        f"Example {number + 1} has no {('input', 'target')[side]} that the "
                        "vocabulary knows, so it has no loss. Leave it out."
                    )
                cut.append(ended(row, most, end))
            sides.append(cut)
        return cls(*sides)

    def batches(self, size: int) -> Iterator[tuple[Indices, Tokens, Tokens]]:
        """Places of examples, and their inputs and targets padded to a bucket, each `size` rows.

        Alike lengths come together. The last batch is filled with rows of padding alone.
        """
        order = sorted(range(len(self.inputs)), key=lambda n: len(self.inputs[n]))
        for first in range(0, len(order), size):
            places = order[first : first + size]
            filled = [*places, *[places[-1]] * (size - len(places))]
            inputs = [self.inputs[n] for n in filled]
            targets = [self.targets[n] for n in places]
            targets += [np.zeros(0, np.int32)] * (size - len(places))
            yield (
                np.array(places),
                pad_batch(inputs, bucket(max(map(len, inputs)))),
                pad_batch(targets, bucket(max(map(len, targets)), TARGET_BUCKETS)),
            )
