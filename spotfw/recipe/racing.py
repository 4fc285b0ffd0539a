"""Races: tune a field of candidates a little, end some, go on with the others.

* Halving ends the worse half at each rung (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm
  Identification and Hyperparameter Optimization").
* With a confidence, a rung ends those whose gap to the leader is larger than the noise of the
  scores (Maron and Moore 1994, "Hoeffding Races"; see `spotfw.recipe.sampling_noise`), so that who
  is left is tuned to the end as soon as the others are surely behind, and chance ends nobody.

Pauses fall on checkpoints, and a paused run goes on where it stood, so that the winner is what it
would have been had it been tuned alone. Who goes on depends on the runs' histories alone: a race
that was killed ends as it would have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import attrs

from spotfw.config import TuningSettings
from spotfw.contracts import Race, Start
from spotfw.errors import WrongUse
from spotfw.recipe.rounds import Rounds
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.sampling_noise import quantile, standard_error
from spotfw.recipe.tuned import TunedPrompt


@attrs.frozen(kw_only=True, eq=False)
class Runner:
    """One who took part, as far as it got.

    Attributes:
      start, tuned: where it started, and what came of it.
      ended: why it went no further, in words; empty of the winner.
    """

    start: Start
    tuned: TunedPrompt
    ended: str = ""


@attrs.frozen(kw_only=True, eq=False)
class Finish:
    """How a race went.

    Attributes:
      runners: the winner, then the others, who lasted longest first; those whom the budget leaves
        no steps are not among them.
      spent: steps that all of them took together.
      why: what it spent of what all to the end would have, and why it stopped there; a sentence.
    """

    runners: tuple[Runner, ...]
    spent: int
    why: str


#: Tunes candidates to so many steps (None: to the end), going on where they stood.
TuneField = Callable[[Sequence[Start], int | None], Rounds[list[TunedPrompt]]]


def run_race(race: Race, settings: TuningSettings, tune: TuneField) -> Rounds[Finish]:
    """Tunes the race's candidates, a rung of all together.

    Args:
      race: the candidates, and who ends when.
      settings: of the target's tunings to their end.
      tune: see `TuneField`. A run that was tuned further before may be given as it is.

    Raises:
      WrongUse: the budget does not pay for one.
    """
    field = list(race.candidates[: _entrants(race, settings)])
    entrants, spent, before = len(field), 0, 0
    ended = list[Runner]()
    pauses = [rung_steps(share, settings) for share in race.rungs]
    for steps, following in pairwise([*pauses, settings.steps]):
        if len(field) == 1:
            break
        spent, before = spent + len(field) * (steps - before), steps
        tuned = list(zip(field, (yield from tune(field, steps)), strict=True))
        # Equals stay in the strategy's order: the more alike source goes on.
        order = sorted(range(len(tuned)), key=lambda n: -_best_at(tuned[n][1], steps).score)
        scored = [_best_at(tuned[n][1], steps) for n in order]
        why = _reasons(race, scored, steps)
        if race.confidence is not None and race.budget is not None:
            left = race.budget - spent
            lanes = sum(not reason for reason in why)
            pays = _pays_for(lanes, left, following - steps, settings.steps - following)
            going = [place for place, reason in enumerate(why) if not reason]
            for place in going[pays:]:
                why[place] = f"at step {steps:,} the budget did not pay for it"
        ended = [
            Runner(start=tuned[n][0], tuned=tuned[n][1], ended=reason)
            for n, reason in zip(order, why, strict=True)
            if reason
        ] + ended
        field = [field[n] for n in sorted(n for n, r in zip(order, why, strict=True) if not r)]
    spent += len(field) * (settings.steps - before)
    finished = list(zip(field, (yield from tune(field, None)), strict=True))
    finished.sort(key=lambda run: -run[1].score)
    best = finished[0][1].score
    runners = [
        Runner(
            start=start,
            tuned=run,
            ended=f"at the end {best - run.score:.1f} points behind" if place else "",
        )
        for place, (start, run) in enumerate(finished)
    ]
    why_so = _summary(race, entrants, len(field), before, ended)
    whole = entrants * settings.steps
    sentence = f"Race of {entrants}: {spent:,} of {whole:,} steps; {why_so}."
    return Finish(runners=(*runners, *ended), spent=spent, why=sentence)


def race_steps(count: int, rungs: Sequence[float], settings: TuningSettings) -> int:
    """Steps that a race of so many takes by halving, all together."""
    spent = before = 0
    for share in rungs:
        if count == 1:
            break
        steps = rung_steps(share, settings)
        spent, before = spent + count * (steps - before), steps
        count = (count + 1) // 2
    return spent + count * (settings.steps - before)


def rung_steps(share: float, settings: TuningSettings) -> int:
    """Steps at a share of the whole, up to the next checkpoint."""
    every = settings.checkpoint_every
    # Rounded first: 0.1 * 30 is a little above 3.
    checkpoints = -(-round(share * settings.steps, 6) // every)
    return min(max(int(checkpoints), 1) * every, settings.steps)


def _entrants(race: Race, settings: TuningSettings) -> int:
    """How many candidates the budget pays for."""
    most = len(race.candidates)
    if race.budget is None:
        return most
    if race.confidence is None:
        paid = [n for n in range(1, most + 1) if race_steps(n, race.rungs, settings) <= race.budget]
    else:
        first = rung_steps(race.rungs[0], settings) if race.rungs else settings.steps
        rest = settings.steps - first
        paid = [n for n in range(1, most + 1) if n * first + rest <= race.budget]
    if not paid:
        raise WrongUse(
            f"A race of {race.budget:,} steps cannot end: one tuning takes {settings.steps:,}. "
            "Allow it as many, or tune for fewer --steps."
        )
    return max(paid)


def _pays_for(count: int, left: int, leg: int, rest: int) -> int:
    """How many of so many can be tuned for a leg so that one is still tuned to the end."""
    return max([n for n in range(1, count + 1) if n * leg + rest <= left], default=1)


def _reasons(race: Race, scored: Sequence[Scored], steps: int) -> list[str]:
    """Why each ends at a rung, the best first; empty of those who go on."""
    at = f"at step {steps:,}"
    if race.confidence is None:
        kept = (len(scored) + 1) // 2
        return [f"{at} in the worse half" if n >= kept else "" for n in range(len(scored))]
    # Of all looks that there may be: who ends at one is not compared at the next.
    comparisons = (len(race.candidates) - 1) * len(race.rungs)
    errors = quantile(race.confidence, comparisons)
    leader, *others = scored
    reasons = [""]
    for other in others:
        gap, noise = leader.score - other.score, errors * standard_error(leader, other)
        behind = f"{at} {gap:.1f} points behind, more than the noise of {noise:.1f}"
        reasons.append(behind if gap > noise else "")
    return reasons


def _summary(race: Race, entrants: int, finished: int, before: int, ended: Sequence[Runner]) -> str:
    """Why a race stopped where it did."""
    if entrants == 1:
        return "nobody ran against it"
    if finished == 1:
        return f"one was left at step {before:,} (the last to end: {ended[0].ended})"
    if race.confidence is None:
        return f"{finished} were tuned to the end, who were not in the worse half before"
    return f"{finished} were tuned to the end, for none of them was surely behind before"


def _best_at(tuned: TunedPrompt, steps: int) -> Scored:
    """The checkpoint with the best validation score up to a step, the first of equals."""
    return max((e for e in tuned.history if e.step <= steps), key=lambda e: (e.score, -e.step))
