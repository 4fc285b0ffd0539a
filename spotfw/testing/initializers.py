"""The conformance suite of prompt initializers."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np

from spotfw.contracts import Array, ExampleArgument, InitContext, PromptInitializer
from spotfw.testing.processes import ask_elsewhere, here
from spotfw.testing.suites import Outcome, Suite, check_name, expect, name_of

_LENGTHS = (1, 5, 80)
_ROWS, _PIECES = 64, 60


class WordVocabulary:
    """A stand-in for a model's vocabulary: each word is one of `_PIECES` ids by its checksum."""

    def encode(self, text: str) -> list[int]:
        """Ids of the words, from 3 on."""
        return [3 + zlib.crc32(word.encode()) % (_PIECES - 3) for word in text.split()]

    def decode(self, ids: Iterable[int]) -> str:
        """A word for each id."""
        return " ".join(f"piece{i}" for i in ids)


@attrs.frozen(kw_only=True)
class InitializerSubject:
    """An initializer and what it is asked to start from."""

    initializer: PromptInitializer
    argument: str | None
    width: int
    seed: int

    def context(self, length: int, labels: tuple[str, ...] = ()) -> InitContext:
        """A context over random embeddings [64, width], read-only."""
        rng = np.random.default_rng(self.seed)
        embeddings = rng.standard_normal((_ROWS, self.width)).astype(np.float32)
        embeddings.flags.writeable = False
        return InitContext(
            length=length,
            embeddings=embeddings,
            vocabulary=WordVocabulary(),
            pieces=_PIECES,
            labels=labels,
            argument=self.argument,
        )

    def start(self, length: int, labels: tuple[str, ...] = (), seed: int = 0) -> Array:
        """A prompt from a fresh generator."""
        return self.initializer(self.context(length, labels), np.random.default_rng(seed))


def check_prompt_initializer(
    initializer: PromptInitializer,
    *,
    argument: str | None = None,
    width: int = 8,
    seed: int = 0,
) -> None:
    """Checks an initializer against `spotfw.contracts.PromptInitializer`.

    Args:
      initializer: the initializer.
      argument: the text after its name and a colon, if it needs one (``text:SOME TEXT``); by
        default its attribute ``example_argument``, if it has one.
      width: of the embeddings to try.
      seed: of the embeddings.

    Raises:
      AssertionError: a promise is not kept; a sentence for each.
    """
    __tracebackhide__ = True
    results = outcomes(initializer, argument=argument, width=width, seed=seed)
    SUITE.demand(name_of(initializer), results)


def outcomes(
    initializer: Any,
    *,
    argument: str | None = None,
    width: int = 8,
    seed: int = 0,
    only: tuple[str, ...] = (),
) -> list[Outcome]:
    """As `check_prompt_initializer`, but returns the outcomes instead of raising."""
    if argument is None and isinstance(initializer, ExampleArgument):
        argument = initializer.example_argument
    subject = InitializerSubject(initializer=initializer, argument=argument, width=width, seed=seed)
    return SUITE.outcomes(subject, only)


SUITE: Suite[InitializerSubject] = Suite("prompt initializer")


@SUITE.check
def name(s: InitializerSubject) -> None:
    """Has a name, a text without spaces or colons."""
    check_name(s.initializer)


@SUITE.check
def shape(s: InitializerSubject) -> None:
    """Gives a float32 array [length, E] of finite numbers for lengths of 1, 5 and 80."""
    for length in _LENGTHS:
        _check_prompt(s, s.start(length), length)


@SUITE.check
def labels(s: InitializerSubject) -> None:
    """Works with no class label, one, and more labels than the prompt has tokens."""
    for given in ((), ("good",), ("good", "bad"), tuple(f"label {i}" for i in range(9))):
        _check_prompt(s, s.start(5, given), 5)


@SUITE.check
def determinism(s: InitializerSubject) -> None:
    """Draws from the given generator alone: one seed, one prompt."""
    state = np.random.get_state()
    try:
        prompts = []
        for seed in (1, 2):
            np.random.seed(seed)
            prompts.append(s.start(5, ("good", "bad"), seed=7))
    finally:
        np.random.set_state(state)
    expect(
        np.array_equal(prompts[0], prompts[1]),
        "expected one seed to give one prompt, got two; draw from the `rng` given and from no "
        "other source.",
    )


@SUITE.check
def own_memory(s: InitializerSubject) -> None:
    """The prompt is an array of its own; the model's embeddings stay as they are."""
    context = s.context(5, ("good",))
    before = context.embeddings.copy()
    prompt = s.initializer(context, np.random.default_rng(0))
    expect(
        not np.shares_memory(prompt, context.embeddings),
        "expected a prompt with memory of its own, got a view of the model's embeddings; copy it.",
    )
    expect(np.array_equal(before, context.embeddings), "expected the embeddings untouched.")


@SUITE.check
def other_process(s: InitializerSubject) -> None:
    """Pickled to another process, it gives the same prompt there."""
    expect(
        here(_values, s) == ask_elsewhere(_values, s, name_of(s.initializer)),
        "expected the same prompt from the same seed in another process, got another.",
    )


def _values(s: InitializerSubject) -> list[list[float]]:
    values: list[list[float]] = s.start(5, ("good", "bad"), seed=7).tolist()
    return values


def _check_prompt(s: InitializerSubject, prompt: Any, length: int) -> None:
    expect(isinstance(prompt, np.ndarray), f"expected a NumPy array, got {type(prompt).__name__}.")
    expect(
        prompt.shape == (length, s.width),
        f"expected a prompt of shape {[length, s.width]}, got {list(prompt.shape)}.",
    )
    expect(prompt.dtype == np.float32, f"expected float32, got {prompt.dtype}.")
    expect(np.isfinite(prompt).all(), "expected finite numbers, got NaN or infinity.")
