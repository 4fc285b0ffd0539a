"""Ways to start a prompt (paper 2.1.2; Lester et al. 2021, 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs
import numpy as np

from spotfw.contracts import Array, InitContext, PromptInitializer
from spotfw.errors import WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.prompts import check_fits, load_prompt
from spotfw.prompts.prompt import warn_of_other_model

#: Tokens that `sampled_vocab` samples from.
MOST_COMMON = 5_000
#: Sentencepiece ids below this are padding, end of sequence and unknown, no pieces.
FIRST_PIECE = 3


def sampled_vocab(context: InitContext, rng: np.random.Generator) -> Array:
    """Embeddings of tokens sampled from the 5,000 most common of the vocabulary.

    Sentencepiece orders its pieces by frequency, so these are the lowest ids. They are
    sampled without replacement, unless the prompt is longer than the pieces there are.
    """
    _no_argument(context, "sampled_vocab")
    return _sample(context, rng, context.length)


def class_label(context: InitContext, rng: np.random.Generator) -> Array:
    """One position a class label, in the task's order; `sampled_vocab` for the rest.

    A label's position is the mean over its pieces' embeddings. A label without known
    pieces gets none; labels beyond the prompt's length are left out.
    """
    _no_argument(context, "class_label")
    rows = [
        context.embeddings[pieces].mean(axis=0, dtype=np.float64)
        for pieces in (_pieces(context, label) for label in context.labels)
        if pieces
    ][: context.length]
    rest = _sample(context, rng, context.length - len(rows))
    return np.vstack([np.asarray(rows, np.float32).reshape(len(rows), rest.shape[1]), rest])


def prompt(context: InitContext, rng: np.random.Generator) -> Array:
    """Another prompt of the same model, width and length: ``prompt:FILE``.

    Raises:
      SpotError: the file is absent or broken, or the prompt does not fit.
    """
    if not context.argument:
        raise WrongUse("The initializer prompt needs a prompt's file: write prompt:FILE.")
    start = load_prompt(context.argument)
    check_fits(
        start,
        width=context.embeddings.shape[1],
        length=context.length,
        fingerprint=context.fingerprint,
        name=f"The prompt {context.argument}",
    )
    if context.model is not None:
        warn_of_other_model(start, context.model, f"The prompt {context.argument}")
    return start.array.copy()


def text(context: InitContext, rng: np.random.Generator) -> Array:
    """Embeddings of a text's tokens, repeated or cut to the length: ``text:SOME TEXT``."""
    if not context.argument:
        raise WrongUse("The initializer text needs a text: write text:SOME TEXT.")
    pieces = _pieces(context, context.argument)
    if not pieces:
        raise WrongUse(
            f"The text {context.argument!r} has no token of the model's vocabulary to start a "
            "prompt from. Give words of the model's language."
        )
    return np.array(context.embeddings[np.resize(pieces, context.length)], np.float32)


@attrs.define
class Initializer:
    """A function that starts a prompt, with its name."""

    name: str
    start: Callable[[InitContext, np.random.Generator], Array]

    def __call__(self, context: InitContext, rng: np.random.Generator) -> Array:
        """The initial prompt, float32 [context.length, E]."""
        return self.start(context, rng)


@hookimpl
def spotfw_prompt_initializers() -> Iterable[PromptInitializer]:
    return [Initializer(f.__name__, f) for f in (sampled_vocab, class_label, prompt, text)]


def _sample(context: InitContext, rng: np.random.Generator, count: int) -> Array:
    last = min(FIRST_PIECE + MOST_COMMON, context.pieces)
    if last <= FIRST_PIECE:
        raise WrongUse(
            f"The model's vocabulary has {context.pieces} pieces, none of them to sample. Check "
            "the model's vocabulary."
        )
    ids = np.arange(FIRST_PIECE, last)
    chosen = rng.choice(ids, size=count, replace=count > len(ids))
    return np.array(context.embeddings[chosen], np.float32)


def _pieces(context: InitContext, words: str) -> Sequence[int]:
    """Ids of the text's pieces, without those that mean nothing (padding, end, unknown)."""
    return [i for i in context.vocabulary.encode(words) if FIRST_PIECE <= i < context.pieces]


def _no_argument(context: InitContext, name: str) -> None:
    if context.argument is not None:
        raise WrongUse(
            f"The initializer {name} takes no argument, but {context.argument!r} was given. "
            f"Write {name} alone."
        )
