"""The paper's ways to use a ranking (3.2): pure functions of the ranking and k.

Each returns the candidates to tune; the engine runs all and keeps the best on
validation. A ranking shorter than k gives what it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs
import numpy as np

from spotfw.contracts import (
    Candidate,
    SelectionStrategy,
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.errors import WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.ranking import Ranking


def best_of_top_k(ranking: Ranking, k: int) -> list[Candidate]:
    """Each of the k most similar prompts by itself: k tunings."""
    return [StartFromPrompt(item.id) for item in _top(ranking, k)]


def top_k_weighted_average(ranking: Ranking, k: int) -> list[Candidate]:
    """One tuning from sum_r alpha_r prompt_r, alpha_r = sim_r / sum_l sim_l over the top k.

    The paper's weights make sense for positive similarities only, so a prompt with one of
    zero or below gets no weight; when none of the k is positive, nothing resembles the
    target and it is tuned from scratch.
    """
    kept = [item for item in _top(ranking, k) if item.similarity > 0]
    if not kept:
        return [StartFromScratch()]
    largest = max(item.similarity for item in kept)  # first, so that tiny ones do not vanish
    shares = [item.similarity / largest for item in kept]
    weights = tuple(share / sum(shares) for share in shares)
    return [StartFromAverage(ids=tuple(item.id for item in kept), weights=weights)]


def top_k_multitask_mixture(ranking: Ranking, k: int) -> list[Candidate]:
    """One tuning on the target mixed with the tasks whose prompts are in the top k.

    Several prompts of one task name it once, so that there may be fewer tasks than k.
    """
    tasks = tuple(dict.fromkeys(item.task for item in _top(ranking, k) if item.task))
    if not tasks:
        raise WrongUse(
            "The prompts at the top of the ranking do not say which task they were tuned on, so "
            "there is nothing to mix. Use best_of_top_k, or prompts with their provenance."
        )
    return [StartFromMixture(tasks=tasks)]


def oracle(ranking: Ranking, k: int) -> list[Candidate]:
    """Every prompt of the ranking by itself: what a perfect retrieval would find; k is ignored."""
    return best_of_top_k(ranking, max(len(ranking), 1))


def none(ranking: Ranking, k: int) -> list[Candidate]:
    """No transfer: one tuning from scratch, the baseline; ranking and k are ignored."""
    return [StartFromScratch()]


@attrs.define
class Strategy:
    """A function of a ranking and k, with its name."""

    name: str
    choose: Callable[[Ranking, int], Sequence[Candidate]]

    @property
    def description(self) -> str:
        """What it does, for listings."""
        return (self.choose.__doc__ or "").partition("\n")[0]

    def __call__(self, ranking: Ranking, k: int) -> Sequence[Candidate]:
        """The candidates to tune."""
        return self.choose(ranking, k)


@hookimpl
def spotfw_selection_strategies() -> Iterable[SelectionStrategy]:
    functions = (best_of_top_k, top_k_weighted_average, top_k_multitask_mixture, oracle, none)
    return [Strategy(f.__name__, f) for f in functions]


def _top(ranking: Ranking, k: int) -> Ranking:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise WrongUse(f"k counts prompts of the ranking from 1, but is {k!r}.")
    if not ranking:
        raise WrongUse(
            f"There is no prompt to choose from. {ranking}. Fill the library with prompts of this "
            "model and length first (spotfw tune, spotfw library add)."
        )
    return ranking[:k]
