"""spotfw's `FrozenModel` on this engine."""

from __future__ import annotations

import copy
import functools
import logging
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import torch

from spotfw import files
from spotfw.backends.answers import evaluation_of, most_tokens, tokenised_lines
from spotfw.backends.cohorts import tune_requests
from spotfw.backends.given import GivenExamples
from spotfw.backends.mesh.folders.hf_tokenizer import note_of_added_tokens
from spotfw.backends.splits import Splits
from spotfw.backends.vocabulary import ModelVocabulary, open_vocabulary
from spotfw.config import ModelTuningSettings, TuningSettings
from spotfw.contracts import (
    Array,
    Evaluation,
    FrozenModel,
    InitContext,
    TuneProgress,
    TuneRequest,
    WeightProgress,
    WeightTuneRequest,
)
from spotfw.errors import SpotError, WrongUse
from spotfw.tasks import Example, Task
from spotfw.tasks.rows.digests import digest_of_values
from spotfw.tasks.tokens import Ragged, Tokens
from spotfw.tasks.vocabulary import SentencePieceVocabulary
from spotfw_torch.chunks import POSITIONS
from spotfw_torch.decoding import greedy
from spotfw_torch.devices import choose_device
from spotfw_torch.dimensions import read_dimensions
from spotfw_torch.fingerprints import fingerprint
from spotfw_torch.given import gradients_of, losses_of
from spotfw_torch.memory import keep_freed_memory
from spotfw_torch.model import FrozenT5, load
from spotfw_torch.neurons import activations
from spotfw_torch.requests import RequestCohorts
from spotfw_torch.weight_folder import folder_bytes, has_optimizer
from spotfw_torch.weight_requests import Origin, tuned
from spotfw_torch.weights import shapes

_log = logging.getLogger(__name__)

#: Mesh TF rounds the rows of the embedding table up to this, and counts sentinels by them.
_ROWS = 128
#: Tunings of one shape that run together. More than four leave a CPU's caches: a step of each then
#: takes longer than it takes alone.
_TOGETHER, _TOGETHER_ON_CPU = 64, 4


def open_model(
    model: str,
    *,
    device: str | None = None,
    device_map: str | None = None,
    dtype: str = "float32",
    compile: bool = False,
    members: int | None = None,
    vocabulary: str | None = None,
    threads: int = 0,
) -> TorchModel:
    """Opens a Hugging Face T5 folder as it is.

    Args:
      model: local, with config.json and safetensors, sharded or not.
      device: as PyTorch names it; by default CUDA, MPS or the CPU, the first there is.
      device_map: lays a model that is larger than one card over several: ``auto``, or devices
        with a plus between, ``cuda:0+cuda:1``.
      dtype: ``float32`` or ``bfloat16``, of the weights and their products.
      compile: whether torch.compile makes programs of the blocks.
      members: most tunings of one shape that run together; by default 64, on a CPU 4.
      vocabulary: a sentencepiece file or tokenizer.json, where it is not in the folder.
      threads: of an operation on the CPU; 0 leaves PyTorch's choice.

    Raises:
      SpotError: something is missing or does not fit together.
      WrongUse: there is no such device, or both `device` and `device_map` are given.
    """
    if device_map is not None and device not in (None, "auto"):
        raise WrongUse("Both device and device_map are given: leave one of them out.")
    folder = _local_folder(model)
    if threads:
        torch.set_num_threads(threads)
    place = choose_device(device)
    if place.type == "cpu":
        keep_freed_memory()
    rows = read_dimensions(folder).vocabulary_size
    words = open_vocabulary(model, -(-rows // _ROWS) * _ROWS, vocabulary)
    if isinstance(words, SentencePieceVocabulary):
        note = note_of_added_tokens(folder)
        if note is not None:
            _log.warning("%s", note)
    engine = load(
        folder,
        device="cpu" if device_map else place,
        dtype=dtype,
        compiled=compile,
        device_map=device_map,
    )
    if members is None:
        members = _TOGETHER_ON_CPU if engine.device.type == "cpu" else _TOGETHER
    return TorchModel(model, engine, words, fingerprint(folder), members, vocabulary)


def _local_folder(model: str) -> Path:
    if files.is_remote(model):
        raise SpotError(
            f"The backend torch reads local folders, and {model} lies in a bucket. Copy it here "
            "and name the copy."
        )
    if not os.path.isdir(model):
        raise SpotError(f"The model folder {model} does not exist. Check the path.")
    folder = Path(model)
    if not (folder / "config.json").exists() and (folder / "checkpoint").exists():
        raise SpotError(
            f"The folder {model} is a Mesh TensorFlow checkpoint, and the backend torch reads "
            "Hugging Face's folders. Convert it with `spotfw models convert SRC DST`, or leave "
            "--backend out."
        )
    return folder


class TorchModel(FrozenModel):
    """See `open_model`. Not safe to share between threads."""

    distributions = ("torch", "spotfw-torch")

    def __init__(
        self,
        name: str,
        engine: FrozenT5,
        vocabulary: ModelVocabulary,
        fingerprint: str,
        members: int,
        named_vocabulary: str | None = None,
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.width = engine.width
        self.precision = str(engine.dtype).removeprefix("torch.")
        self.parameters = sum(map(math.prod, shapes(engine.dimensions).values()))
        self.vocabulary = vocabulary
        self.identity = {
            "vocabulary": vocabulary.digest,
            # What the file must hold is no part of what is computed.
            "configuration": "torch:"
            + digest_of_values(repr(attrs.evolve(engine.dimensions, separate_head=True))),
        }
        self.splits = Splits(vocabulary)
        self._engine: FrozenT5 | None = engine
        self._members = members
        self._named_vocabulary = named_vocabulary

    @property
    def engine(self) -> FrozenT5:
        """The model in PyTorch.

        Raises:
          SpotError: it was closed.
        """
        if self._engine is None:
            raise SpotError(f"The model {self.name} was closed. Open it again.")
        return self._engine

    @functools.cached_property
    def embeddings(self) -> Array:
        """The frozen input embeddings, float32 [V, E]."""
        return self.engine.embeddings()

    def init_context(
        self, length: int, labels: Sequence[str] = (), argument: str | None = None
    ) -> InitContext:
        """What an initializer needs of this model."""
        return InitContext(
            length=length,
            embeddings=self.embeddings,
            vocabulary=self.vocabulary,
            pieces=self.vocabulary.vocab_size - self.vocabulary.extra_ids,
            labels=tuple(labels),
            argument=argument,
            fingerprint=self.fingerprint,
        )

    def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        """Tunes the requests, those of one prompt length and batch size together.

        See `FrozenModel.tune`.
        """
        cohorts = RequestCohorts(self.engine, self._members)
        yield from tune_requests(cohorts, self.splits, requests)

    @property
    def has_optimizer_state(self) -> bool:
        """Whether the folder is that of tuned weights, with their optimizer's state."""
        return has_optimizer(Path(self.name))

    def checkpoint_bytes(self, settings: ModelTuningSettings) -> int:
        """Bytes of all weights and the optimizer's state."""
        return folder_bytes(shapes(self.engine.dimensions), settings.factored_from)

    def tune_weights(self, request: WeightTuneRequest) -> Iterator[WeightProgress]:
        """Tunes all weights; see `spotfw.contracts.WeightTuning`."""
        folder, words = Path(self.name), self._named_vocabulary
        yield from tuned(Origin(self.engine, folder, words, self.splits, self._with), request)

    def _with(self, engine: FrozenT5) -> TorchModel:
        """This model with other weights; splits that were read serve both."""
        other = copy.copy(self)
        other.__dict__.pop("embeddings", None)
        other._engine = engine
        return other

    def evaluate(
        self, prompts: Sequence[Array | None], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        """Scores each prompt on a split by greedy decoding, those of one length together."""
        if not prompts:
            return []
        examples = self.splits.examples(task, split, settings)
        texts = self._decode(prompts, examples.inputs, most_tokens(settings, examples), settings)
        return [evaluation_of(examples, of_prompt) for of_prompt in texts]

    def predict(
        self, prompt: Array | None, lines: Sequence[str], settings: TuningSettings
    ) -> list[str]:
        """Decodes greedily for each line of text."""
        inputs = tokenised_lines(lines, self.vocabulary, settings)
        return self._decode([prompt], inputs, most_tokens(settings), settings)[0]

    def activations(self, prompt: Array) -> Array:
        """The decoder's feed-forward activations [layers, d_ff] at its first token."""
        self._check_prompt(prompt)
        driven: Array = activations(self.engine, [prompt])[0]
        return driven

    def losses(
        self, prompts: Sequence[Array | None], examples: Sequence[Example], settings: TuningSettings
    ) -> npt.NDArray[np.float64]:
        """The loss of each example under each prompt; see `FrozenModel.losses`."""
        given = GivenExamples.of(examples, self.vocabulary, settings)
        return losses_of(self.engine, self._checked(prompts), given, settings.eval_batch_size)

    def loss_gradients(
        self, prompts: Sequence[Array], examples: Sequence[Example], settings: TuningSettings
    ) -> Array:
        """The gradient of the mean loss by each prompt; see `FrozenModel.loss_gradients`."""
        given = GivenExamples.of(examples, self.vocabulary, settings)
        return gradients_of(self.engine, self._checked(prompts), given, settings.eval_batch_size)

    def _checked(self, prompts: Sequence[Array | None]) -> list[Array]:
        arrays = [np.zeros((0, self.width), np.float32) if p is None else p for p in prompts]
        for array in arrays:
            self._check_prompt(array)
        return arrays

    def close(self) -> None:
        """Gives the weights' memory back."""
        self._engine = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _decode(
        self,
        prompts: Sequence[Array | None],
        inputs: Sequence[Tokens] | Ragged,
        most: int,
        settings: TuningSettings,
    ) -> list[list[str]]:
        """The texts for each prompt, in the order of the inputs."""
        texts: list[list[str]] = [[] for _ in prompts]
        if not len(inputs):
            return texts
        rows = [inputs[i] for i in range(len(inputs))]
        given = [np.zeros((0, self.width), np.float32) if p is None else p for p in prompts]
        for length in dict.fromkeys(map(len, given)):
            places = [i for i, prompt in enumerate(given) if len(prompt) == length]
            for i in places:
                self._check_prompt(given[i])
            # On the CPU a few rows keep it busy, and memory is the machine's.
            positions = POSITIONS
            if self.engine.device.type == "cpu":
                positions = settings.eval_batch_size * (length + settings.max_input_length)
            decoded = greedy(self.engine, [given[i] for i in places], rows, most, positions)
            for i, ids in zip(places, decoded, strict=True):
                texts[i] = [self.vocabulary.decode(row.tolist()) for row in ids]
        return texts

    def _check_prompt(self, prompt: Array) -> None:
        if prompt.ndim != 2 or prompt.shape[1] != self.width:
            raise SpotError(
                f"The prompt has shape {list(prompt.shape)}, but {self.name} takes "
                f"[L, {self.width}]: it was learned for another model."
            )
