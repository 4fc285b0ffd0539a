"""How the world's sentences are put together."""

from __future__ import annotations

from random import Random

from spotfw_playground import lexicon


def a(noun: str) -> str:
    """The noun with its indefinite article: ``a hat``, ``an owl``."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def other(rng: Random, words: tuple[str, ...], *taken: str) -> str:
    """One of `words` that is not among `taken`."""
    return rng.choice([word for word in words if word not in taken])


def they(name: str) -> str:
    """The pronoun of a person as a subject: ``she`` or ``he``."""
    return "she" if name in lexicon.WOMEN else "he"


def their(name: str) -> str:
    """The possessive of a person: ``her`` or ``his``."""
    return "her" if name in lexicon.WOMEN else "his"


def somebody(rng: Random, *taken: str) -> str:
    """A person's name that is not among `taken`."""
    return other(rng, lexicon.WOMEN + lexicon.MEN, *taken)


def text(*sentences: str) -> str:
    """Sentences joined to a text; each ends in a full stop unless it ends in one already."""
    return " ".join(s if s[-1] in ".?!" else s + "." for s in sentences)
