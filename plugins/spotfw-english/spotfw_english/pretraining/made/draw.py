"""What a made task draws: lines, sentences, a wording for its answer."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import attrs

from spotfw_english.pretraining.labels import Labels
from spotfw_english.pretraining.made.opinion_words import Odds
from spotfw_english.pretraining.wording import sentences, utterances

#: An input and its target.
Pair = tuple[str, str]
#: A named part of an input.
Part = tuple[str, str]

#: Sources whose lines are dialogues.
DIALOGUE = "dialogue"


class NothingDrawn(Exception):
    """The text at hand has nothing for this task; another is drawn."""


@attrs.frozen(kw_only=True)
class Sources:
    """What examples are made of.

    Attributes:
      lines: by source.
      labels: that sources carry.
      odds: which words are of which side, by the labels.
    """

    lines: Mapping[str, Sequence[str]]
    labels: Labels
    odds: Odds


class Draw:
    """One example's draws.

    Args:
      sources: what there is.
      rng: chance.
    """

    def __init__(self, sources: Sources, rng: random.Random) -> None:
        self.rng, self.labels, self.odds = rng, sources.labels, sources.odds
        self._lines = sources.lines
        self._names = list(sources.lines)
        # Large sources are damped.
        self._weights = [len(sources.lines[name]) ** 0.7 for name in self._names]

    def has(self, *names: str) -> bool:
        """Whether any of these sources is there."""
        return any(name in self._lines for name in names)

    def line(self, *only: str) -> tuple[str, str]:
        """A source and one of its lines.

        Args:
          only: names of sources; where none of them is there, any.
        """
        there = [name for name in only if name in self._lines]
        if there:
            name = self.rng.choice(there)
        else:
            (name,) = self.rng.choices(self._names, self._weights)
        return name, self.rng.choice(self._lines[name])

    def sentences(
        self,
        least: int = 1,
        *only: str,
        shortest: int = 20,
        longest: int = 260,
        prose: bool = True,
    ) -> tuple[str, list[str]]:
        """A source and sentences of one of its lines, in order.

        Args:
          least: how many there are at least.
          only: as in `line`.
          shortest, longest: characters of a sentence.
          prose: leave out most dialogues.

        Raises:
          NothingDrawn: there are too few in all lines that were looked at.
        """
        for _ in range(60):
            name, line = self.line(*only)
            if name.startswith(DIALOGUE):
                if prose and self.rng.random() < 0.7:
                    continue
                line = " ".join(utterances(line))
            parts = self._sentences_of(line)
            fitting = [part for part in parts if shortest <= len(part) <= longest]
            if len(fitting) >= least:
                return name, fitting
        raise NothingDrawn

    def _sentences_of(self, line: str) -> list[str]:
        """All, or some of a long line."""
        if len(line) <= 2_500:
            return sentences(line)
        begin = self.rng.randrange(len(line) - 2_000)
        return sentences(line[begin : begin + 2_000])[1:-1]

    def dialogue(self, least: int, *only: str) -> tuple[str, list[str]]:
        """A source and the utterances of one of its dialogues.

        Raises:
          NothingDrawn: no dialogue has so many.
        """
        if not self.has(*only):
            raise NothingDrawn
        for _ in range(20):
            name, line = self.line(*only)
            said = utterances(line)
            if len(said) >= least:
                return name, said
        raise NothingDrawn

    def labelled(
        self,
        prefixes: Sequence[str],
        body: str | Sequence[Part],
        labels: Sequence[str],
        answer: int,
        *,
        bare: float = 0.12,
    ) -> Pair:
        """An example of a class: behind a prefix, sometimes with the labels named.

        Args:
          prefixes: one is drawn.
          body: a text, or named parts.
          labels: all labels in one wording.
          answer: which of them is right.
          bare: how often a text stands without a prefix.
        """
        rng = self.rng
        if isinstance(body, str):
            if rng.random() < bare:
                return body, labels[answer]
            text = body
        else:
            text = " ".join(f"{name}: {part}" for name, part in body)
        prefix = rng.choice(prefixes)
        if rng.random() >= 0.15:
            return f"{prefix} {text}", labels[answer]
        shuffled = self.shuffled(labels)
        wordings = (
            f"{prefix} options: {', '.join(shuffled)}. {text}",
            f"{prefix} {text} options: {', '.join(shuffled)}",
            f"{prefix} {text} {' or '.join(shuffled)}?",
        )
        return rng.choice(wordings), labels[answer]

    def among(self, prefix: str, text: str, answer: str, others: Sequence[str]) -> Pair:
        """An example that names its options."""
        options = self.shuffled(list(dict.fromkeys((*others, answer))))
        return f"{prefix} {text} options: {', '.join(options)}", answer

    def shuffled(self, values: Sequence[str]) -> list[str]:
        """A copy in some order."""
        return self.rng.sample(list(values), len(values))

    def coin(self) -> int:
        """0 or 1."""
        return int(self.rng.random() < 0.5)

    def place(self, values: Sequence[object]) -> int:
        """A place in a sequence.

        Raises:
          NothingDrawn: it is empty.
        """
        if not values:
            raise NothingDrawn
        return self.rng.randrange(len(values))
