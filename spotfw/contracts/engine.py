"""What an engine gives: a frozen model that tunes, scores and runs prompts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.config import TuningSettings
from spotfw.contracts.losses import LossesOfExamples
from spotfw.errors import SpotError
from spotfw.tasks import Mixture, Task

Array = npt.NDArray[np.float32]


class Vocabulary(Protocol):
    """What initializers may ask of a vocabulary (seqio's vocabularies give it)."""

    def encode(self, text: str) -> Sequence[int]:
        """The ids of a text's pieces, without an end id."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of pieces' ids."""
        ...


@attrs.frozen(kw_only=True, eq=False)
class InitContext:
    """What a prompt can be started from.

    Attributes:
      length: prompt tokens L to give.
      embeddings: the frozen model's input embeddings, float32 [V, E].
      vocabulary: the model's vocabulary; its pieces are the first `pieces` rows.
      pieces: number of real pieces, without sentinels and padding rows.
      labels: class labels of the task, empty for free text.
      argument: the text after the initializer's name and a colon (``prompt:FILE``), else None.
      fingerprint: of the frozen model, to refuse another model's prompt.
      model: what the model was asked for by, a name or a folder; None where that is not known.
        Backends leave it out.
    """

    length: int
    embeddings: Array
    vocabulary: Vocabulary
    pieces: int
    labels: tuple[str, ...] = ()
    argument: str | None = None
    fingerprint: str | None = None
    model: str | None = None


@attrs.frozen(kw_only=True, eq=False)
class TuningState:
    """Everything that continues a tuning bit for bit.

    Attributes:
      step: updates done.
      prompt: float32 [L, E].
      slots: the optimizer's arrays by name, float32; empty before the first step.
    """

    step: int
    prompt: Array
    slots: Mapping[str, Array] = attrs.field(factory=dict)


def _always() -> bool:
    return True


@attrs.frozen(kw_only=True, eq=False)
class TuneRequest:
    """One tuning asked of a backend.

    Order of the data and dropout are functions of (settings.seed, step) alone.

    Attributes:
      task: what to train on, its split ``train``.
      settings: of the tuning; it ends at step `settings.steps`.
      start: where it goes on, at a step below that.
      wanted: called before each step, and maybe while the request waits for others; where it
        returns False, the request ends without another report. Whoever asked takes in it what
        was reported since the last call for any request, so that checkpoints of one step are
        scored together, by this model: it may take long, and the model may be used as between
        two reports. A backend that does not call it does needless work, but gives right results.
    """

    task: Task | Mixture
    settings: TuningSettings
    start: TuningState
    wanted: Callable[[], bool] = _always


@attrs.frozen(kw_only=True, eq=False)
class TuneProgress:
    """What a backend reports while it tunes.

    Attributes:
      request: index of the request in the list.
      step: updates done.
      loss: mean training loss since the last report, nats per real target token.
      examples, tokens: seen since the last report (input text and target tokens).
      state: given at checkpoints (every `checkpoint_every` steps and after the last).
      error: what ended this request, but not the others. This is then its last report, and its
        loss has no meaning.
    """

    request: int
    step: int
    loss: float
    examples: int = 0
    tokens: int = 0
    state: TuningState | None = None
    error: Exception | None = None


@attrs.frozen(kw_only=True)
class Evaluation:
    """Scores of a prompt on a split.

    Attributes:
      metrics: each metric's value, in the units of ``t5.evaluation.metrics`` (0-100 mostly).
      score: mean of the metrics (paper footnote 4).
      examples: number scored.
      right: whether each example was answered right, in the split's order; only where the score
        is 100 times the mean of these, else None.
    """

    metrics: Mapping[str, float]
    score: float
    examples: int
    right: Sequence[bool] | None = None


class FrozenModel(LossesOfExamples, ABC):
    """An opened model. Weights are read once; prompts and tasks come and go.

    Attributes:
      name: the name or folder it was opened by.
      fingerprint: short hex digest of configuration and weights.
      width: size E of an embedding.
      precision: of the arithmetic inside the model; results of different ones differ.
      parameters: number of weights, without prompts; None where the backend cannot tell.
      distributions: those whose versions affect a result, besides Python, NumPy and spotfw.
      identity: what a result depends on beside weights and precision, a digest each:
        ``vocabulary``, of its file; ``configuration``, of layers and activations, with the
        engine before it (``mesh:...``), for only those of one engine can be compared. Where it
        is empty, a run cannot tell another vocabulary or configuration from its own.
    """

    name: str
    fingerprint: str
    width: int
    precision: str = "float32"
    parameters: int | None = None
    distributions: Sequence[str] = ("tensorflow", "mesh-tensorflow", "t5")
    identity: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def init_context(
        self, length: int, labels: Sequence[str] = (), argument: str | None = None
    ) -> InitContext:
        """What an initializer needs of this model.

        Args:
          length: prompt tokens L, 1 or more.
          labels: class labels of the task, empty for free text.
          argument: the text after the initializer's name and a colon, None without one.

        Raises:
          SpotError: the backend cannot give the embeddings or the vocabulary.
        """

    @abstractmethod
    def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        """Tunes all requests, reporting as it goes; may run them together.

        A request gives what it would give alone, whatever else runs. It begins at its own
        step, when the backend has room for it, ends at its own last step, and fails alone:
        then its last report carries the `error` and the others go on. Between two reports the
        model may be asked for anything else, another `tune` too, and that changes no result.

        Errors that a report may carry are, among others, a `SpotError` that says why the data
        cannot be read (as `evaluate`), that the start is of another width or the optimizer's
        arrays of another shape, or at which step and on which rows the loss or the prompt
        was NaN or infinite; what was reported before stays valid.

        Raises:
          Exception: something that concerns all requests; those not yet ended fail with it.
        """

    @abstractmethod
    def evaluate(
        self, prompts: Sequence[Array | None], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        """Scores each prompt on a split by decoding, as if it were the only one.

        Args:
          prompts: float32 [L, E] each, of any lengths; None scores without a prompt.
          task: whose split.
          split: its name.
          settings: lengths, limits and the batch size of scoring.

        Raises:
          UnknownName: the task has no such split.
          SpotError: the data is absent, empty or cannot be read; a label is not among the
            task's, or two are the same tokens; no metric scores the answers; or a prompt is of
            another width.
        """

    @abstractmethod
    def predict(
        self, prompt: Array | None, lines: Sequence[str], settings: TuningSettings
    ) -> list[str]:
        """Decodes greedily for each line of text; a text for each, in their order.

        Args:
          prompt: float32 [L, E], None for none.
          lines: the whole input text each, as the task would give it.
          settings: lengths and the batch size.

        Raises:
          SpotError: a line holds no text, or the prompt is of another width.
        """

    def activations(self, prompt: Array) -> Array:
        """How strongly a prompt alone drives each feed-forward neuron of the decoder.

        The model is given the prompt [L, E] in front of nothing but the end of text, and
        decodes its first token.

        Returns:
          float32 [layers, d_ff], the output of the activation function (of the gate, where
          the layer is gated); the neuron is activated where it is above 0.

        Raises:
          SpotError: this backend gives no activations, which are optional, or the prompt is of
            another width.
        """
        raise SpotError(self._gives_no("activations"))

    def close(self) -> None:
        """Frees the memory."""


@runtime_checkable
class Backend(Protocol):
    """Opens frozen models; what it may have beside stands in `spotfw.contracts.optional`."""

    name: str

    def open(self, model: str, **options: Any) -> FrozenModel:
        """Opens a model by folder (local or ``gs://``); reads its weights once.

        Args:
          model: the folder.
          **options: the backend's own, as the user gave them.

        Raises:
          SpotError: there is no such model, it is no model that this backend can open, or its
            parts do not fit together or are damaged.
          WrongUse: the value of an option cannot be used.
        """
        ...
