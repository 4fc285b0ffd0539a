"""What a strategy chooses for a target, and the target tuned from each of it (paper 3.2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs
import numpy as np

from spotfw.config import TuningSettings
from spotfw.contracts import (
    Candidate,
    Race,
    SelectionStrategy,
    Start,
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.contracts.candidates import describe
from spotfw.errors import BrokenPart, SpotError
from spotfw.plugins.strangers import is_an_interrupt, one_line
from spotfw.prompts import Provenance, SoftPrompt, check_fits
from spotfw.ranking import Ranking
from spotfw.ranking.markup import html_table
from spotfw.recipe.answers import checked
from spotfw.recipe.racing import Finish, run_race
from spotfw.recipe.rounds import Rounds, all_of, one_round
from spotfw.recipe.tuned import TunedPrompt, Tuning


class TargetTuning(Protocol):
    """The target's tuning from a prompt (None: from scratch) under a short name."""

    def __call__(self, start: SoftPrompt | None, name: str, steps: int | None = None, /) -> Tuning:
        """To the end, or with `steps` to that many and later on from there."""
        ...


#: The tuning on a mixture of these source tasks and the target.
MixtureTuning = Callable[[Sequence[str]], Tuning]

#: The best prompt of a library's entry by id.
FindPrompt = Callable[[str], SoftPrompt]

#: A strategy, as a part or a plain function.
Choose = SelectionStrategy | Callable[[Ranking, int], Sequence[Candidate]]


@attrs.frozen(kw_only=True, eq=False)
class Outcome:
    """One candidate, tuned; of a race, one who took part, as far as it got.

    Attributes:
      candidate: where it started.
      tuned: what came of it.
      lost: whether another won the race it took part in. Its run may have been tuned further
        for something else, which says nothing of this race.
      ended: why it went no further in its race, in words; empty where nothing ended it.
    """

    candidate: Start
    tuned: TunedPrompt
    lost: bool = False
    ended: str = ""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TransferResult:
    """What a transfer gave.

    Attributes:
      target: the target task's name.
      ranking: the sources by similarity to the target.
      outcomes: every candidate the strategy chose, tuned. Of a race, all who took part, the
        one who won first.
      runs: every tuning that was asked for, those of mixtures and for the embedding too.
      races: of each race a sentence: what it spent and why it stopped.
    """

    target: str
    ranking: Ranking
    outcomes: tuple[Outcome, ...]
    runs: tuple[TunedPrompt, ...] = ()
    races: tuple[str, ...] = ()

    @property
    def best(self) -> Outcome:
        """The outcome with the highest validation score; the first of equals.

        Of a race only the winner counts.
        """
        return max((o for o in self.outcomes if not o.lost), key=lambda o: o.tuned.score)

    @property
    def score(self) -> float:
        """The best outcome's validation score."""
        return self.best.tuned.score

    @property
    def steps_paid(self) -> int:
        """Updates that all its tunings have had, those for the embedding and mixtures too.

        A run that was there already counts with all its steps.
        """
        last = {run.folder: run.history[-1].step for run in self.runs if run.history}
        return sum(last.values())

    def _repr_html_(self) -> str:
        """As a notebook shows it: what each start reached, and the ranking it was chosen from."""
        names = self.ranking.names()
        rows = [
            (
                describe(outcome.candidate, names),
                outcome.tuned.score,
                outcome.tuned.best.provenance.step,
                "best" if outcome is self.best else outcome.ended,
            )
            for outcome in self.outcomes
        ]
        columns = ("started from", "score", "at step", "")
        table = html_table(f"{self.target}: {self.score:.2f}", columns, rows)
        return table + self.ranking[:5]._repr_html_()

    def __repr__(self) -> str:
        start = describe(self.best.candidate, self.ranking.names())
        return (
            f"TransferResult(target={self.target!r}, score={self.score:g}, best from {start}, "
            f"outcomes: {len(self.outcomes)})"
        )


def run_candidates(
    target: str,
    ranking: Ranking,
    candidates: Sequence[Candidate],
    best: FindPrompt,
    target_tuning: TargetTuning,
    mixture_tuning: MixtureTuning,
    settings: TuningSettings | None = None,
) -> Rounds[TransferResult]:
    """Tunes the target from all candidates side by side.

    Args:
      target: its name.
      ranking: what the strategy chose from.
      candidates: what it chose.
      best: gives the prompts that it names.
      target_tuning, mixture_tuning: make the tunings.
      settings: of the target's tunings, by which races are paced; by default the paper's.

    Raises:
      SpotError: the strategy chose nothing, or a prompt that cannot be read.
    """
    if not candidates:
        raise SpotError(
            f"The strategy chose no source for {target} out of {len(ranking)} ranked. "
            "Use a larger -k, or another strategy."
        )
    for id in _ids(candidates):  # what cannot be read is known before the first is tuned
        best(id)
    starts: dict[Start, tuple[SoftPrompt | None, str]] = {}

    def tune(fields: Sequence[Start], steps: int | None) -> Rounds[list[TunedPrompt]]:
        new = [start for start in dict.fromkeys(fields) if start not in starts]
        opened = yield from all_of([_start(start, best, mixture_tuning) for start in new])
        starts.update(zip(new, opened, strict=True))
        more = () if steps is None else (steps,)
        return (yield from one_round([target_tuning(*starts[s], *more) for s in fields]))

    def run(candidate: Candidate) -> Rounds[Finish | Outcome]:
        if isinstance(candidate, Race):
            return (yield from run_race(candidate, settings or TuningSettings(), tune))
        (tuned,) = yield from tune([candidate], None)
        return Outcome(candidate=candidate, tuned=tuned)

    outcomes, races = list[Outcome](), list[str]()
    for ended in (yield from all_of([run(candidate) for candidate in candidates])):
        if isinstance(ended, Outcome):
            outcomes.append(ended)
            continue
        races.append(ended.why)
        for place, runner in enumerate(ended.runners):
            outcomes.append(
                Outcome(
                    candidate=runner.start,
                    tuned=runner.tuned,
                    lost=place > 0,
                    ended=runner.ended,
                )
            )
    return TransferResult(
        target=target, ranking=ranking, outcomes=tuple(outcomes), races=tuple(races)
    )


def choose(strategy: Choose, ranking: Ranking, k: int) -> tuple[Candidate, ...]:
    """The candidates of a strategy, a component or a plain function of (ranking, k).

    Raises:
      BrokenPart: it gave something that is no candidate, or one that cannot be.
    """
    try:
        given = strategy(ranking, k)
    except Exception:
        raise
    except BaseException as error:  # SystemExit: a strategy chooses, and ends no program
        if is_an_interrupt(error):
            raise
        raise BrokenPart(f"The strategy raised {one_line(error)}. Let it give a list.") from error
    return checked(given, len(ranking))


def average(prompts: Sequence[SoftPrompt], weights: Sequence[float]) -> SoftPrompt:
    """The weighted sum of prompts, sum_r alpha_r rho_r (paper 3.2).

    Raises:
      SpotError: there is not one finite weight for each prompt, or they do not fit together.
    """
    if not prompts or len(prompts) != len(weights) or not np.isfinite(weights).all():
        raise SpotError(
            f"The strategy gave the weights {list(weights)!r:.200} for {len(prompts)} prompts. "
            "An average needs one finite number for each."
        )
    for prompt in prompts[1:]:
        check_fits(
            prompt,
            width=prompts[0].width,
            length=prompts[0].length,
            fingerprint=prompts[0].provenance.fingerprint,
            name=f"The prompt of {prompt.provenance.task or 'an unknown task'} to average",
        )
    array = np.einsum("r,rle->le", np.asarray(weights), np.stack([p.array for p in prompts]))
    first = prompts[0].provenance
    return SoftPrompt(
        array=array.astype(np.float32),
        provenance=Provenance(
            model=first.model,
            fingerprint=first.fingerprint,
            settings=_recipe(prompts, weights),
        ),
    )


def _recipe(prompts: Sequence[SoftPrompt], weights: Sequence[float]) -> Mapping[str, object]:
    members = [
        {"task": p.provenance.task, "seed": p.provenance.seed, "weight": float(w)}
        for p, w in zip(prompts, weights, strict=True)
    ]
    return {"average_of": members}


def _start(
    candidate: Start, best: FindPrompt, mixture_tuning: MixtureTuning
) -> Rounds[tuple[SoftPrompt | None, str]]:
    """The prompt to start from, and a short name."""
    match candidate:
        case StartFromPrompt(id=identity):
            return best(identity), identity
        case StartFromAverage(ids=ids, weights=weights):
            start = average([best(i) for i in ids], weights)
            return start, f"average-{_digest([ids, [float(w) for w in weights]])}"
        case StartFromMixture(tasks=tasks):
            (tuned,) = yield from one_round([mixture_tuning(tasks)])
            # Targets start from the final checkpoint of a mixture (paper 2.1.4).
            return tuned.final, f"mixture-{_digest(list(tasks))}"
        case StartFromScratch():
            return None, "scratch"


def _ids(candidates: Sequence[Candidate]) -> list[str]:
    """The prompts that candidates start from, each once."""
    starts = [s for c in candidates for s in (c.candidates if isinstance(c, Race) else (c,))]
    ids: dict[str, None] = {}
    for start in starts:
        if isinstance(start, StartFromPrompt):
            ids[start.id] = None
        elif isinstance(start, StartFromAverage):
            ids.update(dict.fromkeys(start.ids))
    return list(ids)


def _digest(value: object) -> str:
    """A short name for plain values: a strategy may give several candidates of a kind."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:10]
