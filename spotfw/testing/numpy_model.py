"""A frozen model in plain NumPy that really learns, resumes and scores, in milliseconds.

It takes the place of a T5 in tests of what surrounds the model: trackers, strategies, metrics that
look into the model, runs that are killed. A prompt's mean steers a softmax over a list of
answers, given the words of the input.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spotfw.config import TuningSettings
from spotfw.contracts import (
    Array,
    Evaluation,
    FrozenModel,
    InitContext,
    TuneProgress,
    TuneRequest,
    TuningState,
)
from spotfw.errors import SpotError
from spotfw.tasks import Example, Task, proportional_rates
from spotfw.tasks.batches import example_indices, mixture_indices
from spotfw.testing.words import ANSWERS, EOS, PAD, ROWS, KnownWords

if TYPE_CHECKING:
    from spotfw.tasks.examples import Examples

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_HALF = 16


class NumpyModel(FrozenModel):
    """A frozen model of width 32 with seeded random weights, the same everywhere.

    An input's words are a vector f [16], the sum of their embeddings' second halves over the
    root of their number; the mean of the prompt is q and g, [16] each. The logit of an answer
    is the product of its words' mean first half with q + (1 + g) f. Updates are Adafactor's, as
    the paper sets it; dropout falls on f. A target that is no answer is learned as the first
    answer, the empty text.

    All requests are tuned by a step each, then these steps are reported, and so on. To make a
    model do something odd in a test, override `update` or `evaluate`.

    Args:
      name: e.g. the folder it was opened by.
      answers: texts that it can answer, in addition to `ANSWERS`.
    """

    width = 2 * _HALF

    def __init__(self, name: str = "numpy", answers: Iterable[str] = ()) -> None:
        self.name = name
        self.answers = list(dict.fromkeys(["", *ANSWERS, *answers]))
        self.vocabulary = KnownWords(word for text in self.answers for word in text.split())
        # A stream that NumPy keeps the same for good.
        drawn = np.random.RandomState(0).standard_normal((ROWS, self.width))
        self.embeddings: Array = drawn.astype(np.float32)
        self.embeddings.flags.writeable = False
        self.parameters = self.embeddings.size
        tokens = [self.vocabulary.encode(text) for text in self.answers]
        self._places = {tuple(ids): place for place, ids in enumerate(tokens)}
        self._answer_vectors = np.stack(
            [self.embeddings[ids or [PAD], :_HALF].mean(0, dtype=np.float64) for ids in tokens]
        )
        self._splits: Any = None
        self._prepared: dict[Examples, tuple[Floats, Places]] = {}
        content = self.embeddings.tobytes() + "\n".join(self.answers).encode()
        self.fingerprint = hashlib.sha256(content).hexdigest()[:16]

    def init_context(
        self, length: int, labels: Sequence[str] = (), argument: str | None = None
    ) -> InitContext:
        """What an initializer needs of this model."""
        return InitContext(
            length=length,
            embeddings=self.embeddings,
            vocabulary=self.vocabulary,
            pieces=ROWS,
            labels=tuple(labels),
            argument=argument,
            fingerprint=self.fingerprint,
        )

    def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        """Tunes the requests in lockstep, as a cohort does; see `FrozenModel.tune`."""
        going = [self._reports(index, request) for index, request in enumerate(requests)]
        while going:
            stepped = [(reports, next(reports, None)) for reports in going]
            going = [reports for reports, report in stepped if report is not None]
            yield from (report for _, report in stepped if report is not None)

    def update(self, request: TuneRequest, state: TuningState) -> tuple[TuningState, float]:
        """The state after one more update, and the loss before it, nats per target.

        Raises:
          SpotError: the data cannot be used, or the prompt is of another width.
        """
        self._check(state.prompt)
        settings = request.settings
        features, wanted = self._batch(request, state.step)
        if settings.dropout:
            drawn = np.random.Generator(np.random.Philox(key=[settings.seed, state.step]))
            kept = drawn.random(features.shape) >= settings.dropout
            features = features * kept / (1 - settings.dropout)
        with np.errstate(all="ignore"):  # the loss shows what is no number
            loss, by_logits = _loss(self._logits(state.prompt, features), wanted)
            gradient = self._gradient(by_logits, features, len(state.prompt))
            return _adafactor(state, gradient, settings), loss

    def evaluate(
        self, prompts: Sequence[Array | None], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        """Scores each prompt by its answers; see `FrozenModel.evaluate`."""
        from spotfw.tasks.scores import right, score

        evaluations = []
        for prompt in prompts:
            examples = self._examples(task, split, settings)
            texts = self._answer(prompt, examples.inputs)
            metrics = score(examples, texts)
            mean = float(np.mean(list(metrics.values())))
            evaluations.append(
                Evaluation(
                    metrics=metrics,
                    score=mean,
                    examples=len(examples),
                    right=right(examples, texts, mean),
                )
            )
        return evaluations

    def predict(
        self, prompt: Array | None, lines: Sequence[str], settings: TuningSettings
    ) -> list[str]:
        """The likeliest answer to each line; see `FrozenModel.predict`."""
        inputs = [self.vocabulary.encode(line)[: settings.max_input_length - 1] for line in lines]
        for number, ids in enumerate(inputs, 1):
            if not ids:
                raise SpotError(f"Line {number} of the input is empty. Take it out.")
        return self._answer(prompt, inputs)

    def activations(self, prompt: Array) -> Array:
        """What a prompt alone adds to the answers' vector, [1, 16]."""
        self._check(prompt)
        added: Array = prompt[:, :_HALF].mean(0, dtype=np.float64).astype(np.float32)
        return added[None]

    def losses(
        self, prompts: Sequence[Array | None], examples: Sequence[Example], settings: TuningSettings
    ) -> Floats:
        """Nats of each example's answer under each prompt; see `FrozenModel.losses`."""
        return np.stack([self._nats(prompt, examples, settings)[0] for prompt in prompts])

    def loss_gradients(
        self, prompts: Sequence[Array], examples: Sequence[Example], settings: TuningSettings
    ) -> Array:
        """Of the mean loss by each prompt; see `FrozenModel.loss_gradients`."""
        return np.stack([self._nats(prompt, examples, settings)[1] for prompt in prompts])

    def _nats(
        self, prompt: Array | None, examples: Sequence[Example], settings: TuningSettings
    ) -> tuple[Floats, Array]:
        """Losses [N], and the gradient of their mean, [L, E] where there is a prompt."""
        from spotfw.backends.given import GivenExamples

        if prompt is not None:
            self._check(prompt)
        given = GivenExamples.of(examples, self.vocabulary, settings)
        features = np.stack([self._features(ids) for ids in given.inputs])
        wanted = np.array([self._places.get(tuple(ids[:-1].tolist()), 0) for ids in given.targets])
        logits = self._logits(prompt, features)
        nats = np.array([_loss(row[None], wanted[n : n + 1])[0] for n, row in enumerate(logits)])
        length = 1 if prompt is None else len(prompt)
        gradient = self._gradient(_loss(logits, wanted)[1], features, length)
        return nats, gradient.astype(np.float32)

    def _gradient(self, by_logits: Floats, features: Floats, length: int) -> Floats:
        """By each of the prompt's tokens [L, E], of which each has the same share in the mean."""
        by_vectors = by_logits @ self._answer_vectors
        by_mean = np.concatenate([by_vectors.sum(0), (by_vectors * features).sum(0)])
        gradient: Floats = np.broadcast_to(by_mean / length, (length, self.width))
        return gradient

    def _reports(self, index: int, request: TuneRequest) -> Iterator[TuneProgress]:
        state, settings = request.start, request.settings
        try:
            while state.step < settings.steps and request.wanted():
                state, loss = self.update(request, state)
                self._check_numbers(request, state, loss)
                due = state.step % settings.checkpoint_every == 0 or state.step == settings.steps
                yield TuneProgress(
                    request=index,
                    step=state.step,
                    loss=loss,
                    examples=settings.batch_size,
                    tokens=settings.batch_size,
                    state=state if due else None,
                )
        except Exception as error:
            yield TuneProgress(request=index, step=state.step, loss=math.nan, error=error)

    @staticmethod
    def _check_numbers(request: TuneRequest, state: TuningState, loss: float) -> None:
        what = f"The loss is {loss}"
        if math.isfinite(loss):
            if np.isfinite(state.prompt).all():
                return
            what = "The prompt holds values that are no numbers"
        raise SpotError(
            f"{what} at step {state.step} of {request.task.name}. Tune with a lower "
            f"--learning-rate than {request.settings.learning_rate}."
        )

    def _batch(self, request: TuneRequest, step: int) -> tuple[Floats, Places]:
        """Features [B, 16] and places of the answers [B] of a batch."""
        task, settings = request.task, request.settings
        tasks = (task,) if isinstance(task, Task) else task.tasks
        members = [self._training(member, settings) for member in tasks]
        counts = [len(wanted) for _, wanted in members]
        size, seed = settings.batch_size, settings.seed
        if isinstance(task, Task):
            index = example_indices(counts[0], size, step, seed)
            return members[0][0][index], members[0][1][index]
        rates = task.rates or proportional_rates(counts)
        pairs = list(zip(*mixture_indices(counts, rates, size, step, seed), strict=True))
        return (
            np.stack([members[m][0][i] for m, i in pairs]),
            np.stack([members[m][1][i] for m, i in pairs]),
        )

    def _training(self, task: Task, settings: TuningSettings) -> tuple[Floats, Places]:
        """Features and places of the answers of a whole training split."""
        examples = self._examples(task, "train", settings)
        if examples not in self._prepared:
            features = np.stack([self._features(ids) for ids in examples.inputs])
            wanted = [self._places.get(tuple(ids[:-1].tolist()), 0) for ids in examples.targets]
            self._prepared[examples] = features, np.array(wanted)
        return self._prepared[examples]

    def _examples(self, task: Task, split: str, settings: TuningSettings) -> Examples:
        """A split as tokens, read once for these limits."""
        from spotfw.backends.splits import Splits

        if self._splits is None:
            self._splits = Splits(self.vocabulary)
        examples: Examples = self._splits.examples(task, split, settings)
        return examples

    def _answer(self, prompt: Array | None, inputs: Iterable[Iterable[int]]) -> list[str]:
        if prompt is not None:
            self._check(prompt)
        features = [self._features(ids) for ids in inputs]
        return [self.answers[self._logits(prompt, f[None])[0].argmax()] for f in features]

    def _features(self, ids: Iterable[int]) -> Floats:
        """The feature vector of an input, [16]."""
        words = [i for i in map(int, ids) if i not in (PAD, EOS)]
        total: Floats = self.embeddings[words, _HALF:].sum(0, dtype=np.float64)
        return total / math.sqrt(max(len(words), 1))

    def _logits(self, prompt: Array | None, features: Floats) -> Floats:
        """Of each answer [B, answers] for features [B, 16]."""
        mean = np.zeros(self.width) if prompt is None else prompt.mean(0, dtype=np.float64)
        vectors = mean[:_HALF] + (1 + mean[_HALF:]) * features
        # Summed row by row, so that a row is the same alone and among others.
        logits: Floats = np.einsum("bd,ad->ba", vectors, self._answer_vectors)
        return logits

    def _check(self, prompt: Array) -> None:
        if prompt.ndim != 2 or prompt.shape[1] != self.width:
            raise SpotError(
                f"The prompt has shape {list(prompt.shape)}, but {self.name} takes "
                f"[L, {self.width}]: it was learned for another model."
            )


def _loss(logits: Floats, wanted: Places) -> tuple[float, Floats]:
    """Mean loss of answers [B], and its gradient by the logits [B, answers]."""
    shifted = logits - logits.max(1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    rows = np.arange(len(wanted))
    gradient = np.exp(log_shares)
    gradient[rows, wanted] -= 1
    return float(-log_shares[rows, wanted].mean()), gradient / len(wanted)


def _adafactor(state: TuningState, gradient: Floats, settings: TuningSettings) -> TuningState:
    """One update with a constant rate, as the paper sets it (2.1.4)."""
    decay = 1 - (state.step + 1.0) ** -settings.decay_rate
    before = state.slots.get("v", np.zeros_like(state.prompt))
    moment = decay * before + (1 - decay) * (gradient**2 + 1e-30)
    change = gradient / np.sqrt(moment)
    change /= max(1.0, float(np.sqrt((change**2).mean())))
    prompt = state.prompt - settings.learning_rate * change - settings.decay * state.prompt
    return TuningState(
        step=state.step + 1,
        prompt=prompt.astype(np.float32),
        slots={"v": moment.astype(np.float32)},
    )
