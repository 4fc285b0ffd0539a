"""Successive halving: tune a field of candidates a little, keep the better half, go on.

Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization". Pauses fall on checkpoints, and a paused run goes on where it stood, so that the
winner is what it would have been had it been tuned alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spotfw.config import TuningSettings
from spotfw.contracts import Race, Start
from spotfw.errors import WrongUse
from spotfw.recipe.rounds import Rounds
from spotfw.recipe.tuned import TunedPrompt


def run_race(
    race: Race,
    settings: TuningSettings,
    tune: Callable[[Sequence[Start], int | None], Rounds[list[TunedPrompt]]],
) -> Rounds[list[tuple[Start, TunedPrompt]]]:
    """Tunes the race's candidates, a rung of all together; who wins comes first.

    Args:
      race: the candidates and when to halve them.
      settings: of the target's tunings to their end.
      tune: tunes candidates to so many steps (None: to the end), going on where they stood. A
        run that was tuned further before may be given as it is.

    Returns:
      the winner, then the others, who lasted longest first; those whom the budget leaves no steps
      are not among them.

    Raises:
      WrongUse: the budget does not pay for one.
    """
    field = list(race.candidates[: _entrants(race, settings)])
    ended = list[tuple[Start, TunedPrompt]]()
    for share in race.rungs:
        if len(field) == 1:
            break
        steps = rung_steps(share, settings)
        tuned = list(zip(field, (yield from tune(field, steps)), strict=True))
        # Equals stay in the strategy's order: the more alike source goes on.
        order = sorted(range(len(tuned)), key=lambda n: -_score_at(tuned[n][1], steps))
        kept = (len(tuned) + 1) // 2
        field = [field[n] for n in sorted(order[:kept])]
        ended = [tuned[n] for n in order[kept:]] + ended
    finished = list(zip(field, (yield from tune(field, None)), strict=True))
    return sorted(finished, key=lambda run: -run[1].score) + ended


def race_steps(count: int, rungs: Sequence[float], settings: TuningSettings) -> int:
    """Steps that a race of so many takes, all together."""
    spent = before = 0
    for share in rungs:
        if count == 1:
            break
        steps = rung_steps(share, settings)
        spent, before = spent + count * (steps - before), steps
        count = (count + 1) // 2
    return spent + count * (settings.steps - before)


def _entrants(race: Race, settings: TuningSettings) -> int:
    """How many candidates the budget pays for."""
    most = len(race.candidates)
    if race.budget is None:
        return most
    paid = [n for n in range(1, most + 1) if race_steps(n, race.rungs, settings) <= race.budget]
    if not paid:
        raise WrongUse(
            f"A race of {race.budget:,} steps cannot end: one tuning takes {settings.steps:,}. "
            "Allow it as many, or tune for fewer --steps."
        )
    return max(paid)


def rung_steps(share: float, settings: TuningSettings) -> int:
    """Steps at a share of the whole, up to the next checkpoint."""
    every = settings.checkpoint_every
    # Rounded first: 0.1 * 30 is a little above 3.
    checkpoints = -(-round(share * settings.steps, 6) // every)
    return min(max(int(checkpoints), 1) * every, settings.steps)


def _score_at(tuned: TunedPrompt, steps: int) -> float:
    """The best validation score up to a step."""
    return max(entry.score for entry in tuned.history if entry.step <= steps)
