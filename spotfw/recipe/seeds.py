"""One tuning under several seeds, side by side: their results, mean and spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spotfw.errors import SpotError, WrongUse
from spotfw.recipe.rounds import Outcome
from spotfw.recipe.tuned import TunedPrompt


class TunedSeeds(list[TunedPrompt]):
    """The prompts of one tuning under several seeds, in the order of the seeds.

    Args:
      seeds: of the prompts.
      tuned: as many.

    Attributes:
      seeds: as given.
    """

    def __init__(self, seeds: Sequence[int], tuned: Sequence[TunedPrompt]) -> None:
        super().__init__(tuned)
        self.seeds = tuple(seeds)

    @property
    def mean(self) -> float:
        """Mean of the best validation scores."""
        return float(np.mean([tuned.score for tuned in self]))

    @property
    def std(self) -> float:
        """Their standard deviation; it divides by their number, as the paper's does."""
        return float(np.std([tuned.score for tuned in self]))

    def __repr__(self) -> str:
        scores = ", ".join(f"{s}: {t.score:g}" for s, t in zip(self.seeds, self, strict=True))
        return f"TunedSeeds({self.mean:.2f} ± {self.std:.2f}; by seed {{{scores}}})"


class SomeSeedsFailed(SpotError):
    """Tunings under some of the seeds failed; the others have ended well.

    Attributes:
      tuned: those that ended well.
      errors: what ended the others, by seed.
    """

    def __init__(self, tuned: TunedSeeds, errors: Mapping[int, Exception]) -> None:
        seed, error = next(iter(errors.items()))
        others = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        super().__init__(
            f"Of {len(tuned) + len(errors)} seeds {len(errors)} failed; what the others learned "
            f"stays. Seed {seed}{others}: {error}"
        )
        self.tuned = tuned
        self.errors = dict(errors)


def check_seeds(seeds: Sequence[int], seed: int | None) -> tuple[int, ...]:
    """The seeds, unless they make no sense.

    Args:
      seeds: as asked for.
      seed: a single one, where it was asked for too.

    Raises:
      WrongUse: there is none, one stands there twice, or a single one is given beside them.
    """
    checked = tuple(seeds)
    if seed is not None:
        raise WrongUse(f"Both seed {seed} and seeds {list(checked)} are given. Leave one out.")
    if not checked or len(set(checked)) < len(checked):
        raise WrongUse(f"Seeds must be different numbers, one or more, but are {list(checked)}.")
    return checked


def by_seed(seeds: Sequence[int], outcomes: Sequence[Outcome]) -> TunedSeeds:
    """The outcomes of tunings under these seeds as one value.

    Raises:
      Exception: the first error, where all failed.
      SomeSeedsFailed: some failed.
    """
    pairs = list(zip(seeds, outcomes, strict=True))
    errors = {seed: outcome for seed, outcome in pairs if isinstance(outcome, Exception)}
    well = [(seed, outcome) for seed, outcome in pairs if isinstance(outcome, TunedPrompt)]
    tuned = TunedSeeds([seed for seed, _ in well], [outcome for _, outcome in well])
    if not well:
        raise errors[seeds[0]]
    if errors:
        raise SomeSeedsFailed(tuned, errors)
    return tuned
