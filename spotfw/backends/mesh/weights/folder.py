"""The folder of tuned weights: a Mesh TF model like that it was tuned from.

Its checkpoint has the optimizer's second moments beside the weights, under Mesh TF's names, and
the count of updates as ``global_step``, so that t5 itself goes on from it, as spotfw goes on from
what t5 wrote.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw import files
from spotfw.backends.mesh.folders.checkpoint import STEP, Checkpoint, write_checkpoint
from spotfw.backends.mesh.folders.convert import ORIGIN
from spotfw.backends.mesh.folders.weights import check_finite
from spotfw.backends.mesh.gin_text import MAX_CHARACTERS
from spotfw.backends.mesh.model import operative_config
from spotfw.backends.mesh.weights.plans import slot_shapes
from spotfw.backends.vocabulary import ModelVocabulary
from spotfw.errors import SpotError
from spotfw.tasks.tokenizer import TOKENIZER, TokenizerVocabulary
from spotfw.tasks.vocabulary import ByteVocabulary

_GIN = "operative_config.gin"
_SENTENCEPIECE = "spiece.model"
#: Bytes of a weight and of a moment: float32, whatever the products' type.
_WIDTH = 4


@attrs.frozen
class ModelFiles:
    """What a model's folder holds beside weights.

    Attributes:
      folder: the model's, local or ``gs://``.
      config: gin text that the model was built from.
      gin: what was named in place of the folder's configuration.
      vocabulary: of the model.
      rows: of its embedding table.
    """

    folder: str
    config: str
    gin: str | None
    vocabulary: ModelVocabulary
    rows: int

    def write(self, folder: Path) -> None:
        """Writes them to another folder.

        Raises:
          SpotError: one cannot be read or written.
        """
        files.write_atomically(folder / _GIN, self._gin())
        origin = files.join(self.folder, ORIGIN)
        if files.exists(origin):
            files.write_atomically(folder / ORIGIN, files.read_bytes(origin))
        if isinstance(self.vocabulary, ByteVocabulary):
            name, data = "tokenizer_config.json", json.dumps({"tokenizer_class": "ByT5Tokenizer"})
            files.write_atomically(folder / name, data.encode())
            return
        of_words = isinstance(self.vocabulary, TokenizerVocabulary)
        name = TOKENIZER if of_words else _SENTENCEPIECE
        files.write_atomically(folder / name, self.vocabulary.data())

    def _gin(self) -> bytes:
        # As it stands: t5 reads more of it than the model's settings.
        if self.gin is None:
            return files.read_bytes(files.join(self.folder, _GIN), MAX_CHARACTERS)
        return operative_config(self.config, self.rows).encode()


def folder_bytes(shapes: Mapping[str, tuple[int, ...]], factored_from: int) -> int:
    """Bytes of the weights and second moments of tensors of these shapes."""
    numbers = [*shapes.values(), *slot_shapes(shapes, factored_from).values()]
    return _WIDTH * sum(map(math.prod, numbers))


def write_folder(
    folder: Path,
    model: ModelFiles,
    tensors: Iterable[tuple[str, npt.NDArray[Any]]],
    updates: int,
) -> None:
    """Writes a folder that spotfw and t5 open.

    Args:
      folder: existing and empty; the caller makes it appear whole.
      model: what lies beside the weights.
      tensors: weights and second moments by name, consumed once.
      updates: that the second moments have seen.

    Raises:
      SpotError: the disk is full or the folder cannot be written.
    """
    model.write(folder)

    def counted() -> Iterator[tuple[str, npt.NDArray[Any]]]:
        yield from tensors
        yield STEP, np.array(updates, np.int64)

    write_checkpoint(str(folder), updates, counted())


def slots_of(
    checkpoint: Checkpoint, factored_from: int
) -> Callable[[str], npt.NDArray[np.float32]]:
    """The second moments of a checkpoint's weights: a function that gives one by name.

    Raises:
      SpotError: they are not those of T5's Adafactor with this factoring, or, when one is read,
        it is damaged.
    """
    wanted = slot_shapes(checkpoint.shapes, factored_from)
    stored = {name: slot.shape for name, slot in checkpoint.slots.items()}
    if stored != wanted:
        names = sorted(stored.keys() | wanted.keys())
        name = next(name for name in names if stored.get(name) != wanted.get(name))
        there = f"has the shape {list(stored[name])}" if name in stored else "is not there"
        asked = f"{list(wanted[name])}" if name in wanted else "none"
        raise SpotError(
            f"The optimizer's state in {checkpoint.prefix} cannot be used: {name} {there}, and "
            f"Adafactor needs {asked}. Tune with the factored_from it was made with (T5's is 128), "
            "or from a copy of the model without it: `spotfw models convert` there and back makes "
            "one, and the optimizer then starts afresh."
        )

    def read(name: str) -> npt.NDArray[np.float32]:
        value = checkpoint.read_slot(name)
        check_finite(value, name, checkpoint.prefix)
        if (value < 0).any():
            raise SpotError(
                f"The second moments {name} of {checkpoint.prefix} hold a number below 0, which "
                "no mean of squares is. The checkpoint is damaged: copy it again."
            )
        return value

    return read
