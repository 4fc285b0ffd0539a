"""Words that praise or blame: by a list, and by how often labels have them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

import attrs

from spotfw_english.pretraining.labels import Labels
from spotfw_english.pretraining.wording import WORD, word_set

GOOD = word_set(
    """
    great wonderful excellent amazing awesome fantastic brilliant beautiful lovely superb
    delightful charming perfect good funny hilarious enjoyable fun touching moving fascinating
    interesting impressive terrific outstanding magnificent splendid marvelous marvellous
    pleasant loved enjoyed clever witty entertaining compelling refreshing gorgeous incredible
    exciting thrilling engaging admirable glorious sweet reliable easy comfortable sturdy
    stylish handy powerful affordable
    """
)
BAD = word_set(
    """
    terrible awful horrible bad boring dull stupid worst poor disappointing disappointed
    annoying ugly lame dreadful ridiculous mediocre pathetic bland tedious silly unfunny hated
    hate lousy weak pointless disgusting wretched miserable painful useless waste confusing
    predictable clumsy flat forgettable sad cheesy irritating overrated unpleasant hideous
    depressing pretentious contrived tiresome shallow slow flimsy noisy bulky
    """
)
#: Words near which a word of opinion may mean its opposite.
TURNING = word_set("not never no nothing hardly without less too")


@attrs.frozen
class Odds:
    """Log odds of words and pairs of words to be of the good side.

    Attributes:
      of: by word, or two words with a blank between; what says little is left out.
    """

    of: Mapping[str, float] = attrs.field(factory=dict)

    def score(self, text: str) -> float:
        """Of a text: positive where it is more likely of the good side."""
        return sum(self.of.get(term, 0.0) for term in _terms(text))


def learn_odds(labels: Labels) -> Odds:
    """Odds from pros, cons and film reviews."""
    counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    for text, side in labels.pros_cons:
        counts[side].update(set(_terms(text)))
    for side, sentences in labels.film_reviews:
        for sentence in sentences:
            counts[side].update(_terms(sentence))
    bad, good = (max(sum(count.values()), 1) for count in counts)
    odds = {}
    for term in {*counts[0], *counts[1]}:
        of_bad, of_good = counts[0][term], counts[1][term]
        value = math.log((of_good + 2) / good) - math.log((of_bad + 2) / bad)
        if of_bad + of_good >= 8 and abs(value) > 0.35:
            odds[term] = value
    return Odds(odds)


def _terms(text: str) -> Iterator[str]:
    words = [word.lower() for word in WORD.findall(text)]
    yield from words
    yield from (f"{first} {second}" for first, second in pairwise(words))
