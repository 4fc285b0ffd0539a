"""A frozen T5 1.1 small enough for tests: one layer, width 16, seeded random weights."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spotfw.testing.tiny_tasks import reviews

if TYPE_CHECKING:
    from spotfw.contracts import FrozenModel

#: Of the tiny model; the same on every machine, so that a library can name it unopened.
FINGERPRINT = "1ada8b12c7c6aa9b030ef5defbd07fa8"
WIDTH = 16

_SIZES = {"d_model": WIDTH, "d_ff": 32, "d_kv": 8, "num_heads": 2}
_LABELS = [3, 4]  # the pieces after <pad>, </s> and <unk>


def write_tiny_model(folder: str | Path) -> Path:
    """Writes the tiny model as a Mesh TF folder, which must not exist, and returns it.

    The softmax prefers "positive" or "negative" at the start and the end after them, so
    that scores move as a prompt is tuned. Its vocabulary has the words of `tiny_tasks`.
    Imports TensorFlow.
    """
    from spotfw.backends.mesh.folders.checkpoint import write_checkpoint
    from spotfw.backends.mesh.folders.hf_names import T5Dimensions, variables
    from spotfw.backends.mesh.model import operative_config, size_gin

    place = Path(folder)
    place.mkdir(parents=True)
    _write_vocabulary(place / "spiece.model")
    dims = T5Dimensions(**_SIZES, encoder_layers=1, decoder_layers=1, vocabulary_size=128)
    write_checkpoint(str(place), 1000, _tensors(variables(dims)))
    config = operative_config(size_gin("tiny", **_SIZES, num_layers=1), dims.rows)
    (place / "operative_config.gin").write_text(config)
    return place


@contextmanager
def opened_tiny_model() -> Iterator[FrozenModel]:
    """The tiny model in a temporary folder, opened by the built-in backend."""
    from spotfw.plugins.builtin.backends import MeshBackend

    with tempfile.TemporaryDirectory(prefix="spotfw-") as folder:
        model = MeshBackend().open(str(write_tiny_model(Path(folder) / "model")), threads=1)
        try:
            yield model
        finally:
            model.close()


def _write_vocabulary(path: Path) -> None:
    import sentencepiece

    texts = [text for text, _ in reviews()] + ["positive review", "negative review"] * 20
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=file,
            vocab_size=100,
            hard_vocab_limit=False,
            user_defined_symbols=["\u2581positive", "\u2581negative"],
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            minloglevel=2,
        )


def _tensors(variables: Any) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every variable's values; `RandomState` draws alike in every version of NumPy."""
    random = np.random.RandomState(7)
    embeddings: Any = None
    for variable in variables:
        value = random.standard_normal(variable.shape)
        if variable.mesh == "shared/embedding":
            embeddings = value
        elif variable.mesh.endswith("/scale"):
            value = 1 + value / 10
        elif not variable.mesh.endswith("bias"):
            value *= variable.shape[0] ** -0.5
        if variable.mesh == "decoder/logits/kernel":
            value[:, _LABELS] += 0.5 * embeddings[:1].T
            value[:, 1] += 0.5 * embeddings[_LABELS].sum(axis=0)
        yield variable.mesh, value.astype(np.float32)
