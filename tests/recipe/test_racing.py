"""Races: who goes on, at which checkpoint, and what the engine is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.config import TuningSettings
from spotfw.contracts import Race, Start, StartFromPrompt, StartFromScratch
from spotfw.errors import WrongUse
from spotfw.library import Library
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.ranking import Ranking
from spotfw.recipe.candidates import run_candidates
from spotfw.recipe.racing import Finish, race_steps, run_race, rung_steps
from spotfw.recipe.rounds import Rounds, carry_out
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.tuning import TunedPrompt, Tuning

SETTINGS = TuningSettings(steps=100, checkpoint_every=10)
PROMPT = SoftPrompt(np.zeros((2, 3), np.float32), Provenance(fingerprint="f" * 16))
FIELD = tuple(StartFromPrompt(name) for name in "abcde")


class Track:
    """Tunings whose score at each checkpoint is given by a function of runner and step."""

    def __init__(self, scores: dict[str, Any], further: int = 0, examples: Any = 0) -> None:
        self.scores = scores
        self.further = further
        self.examples = examples
        self.asked: list[tuple[str, int | None]] = []

    def tune(self, candidate: Start, steps: int | None) -> TunedPrompt:
        assert isinstance(candidate, StartFromPrompt)
        self.asked.append((candidate.id, steps))
        done = max(SETTINGS.steps if steps is None else steps, self.further)
        history = tuple(
            Scored(
                step=s,
                loss=0.0,
                score=self.scores[candidate.id](s),
                metrics={},
                examples=self.examples
                if isinstance(self.examples, int)
                else self.examples[candidate.id],
            )
            for s in range(10, done + 1, 10)
        )
        return TunedPrompt(
            best=PROMPT, embedding=PROMPT, final=PROMPT, history=history, folder=candidate.id
        )

    def race(self, race: Race) -> list[tuple[Start, TunedPrompt]]:
        finish = self.finish(race)
        return [(runner.start, runner.tuned) for runner in finish.runners]

    def finish(self, race: Race) -> Finish:
        return carry_out(run_race(race, SETTINGS, self.rung), lambda tunings: ())

    def rung(self, field: Sequence[Start], steps: int | None) -> Rounds[list[TunedPrompt]]:
        yield ()
        return [self.tune(candidate, steps) for candidate in field]


def flat(**scores: float) -> dict[str, Any]:
    return {name: lambda step, score=score: score for name, score in scores.items()}


def ids(finished: list[tuple[Start, TunedPrompt]]) -> list[str]:
    return [candidate.id for candidate, _ in finished if isinstance(candidate, StartFromPrompt)]


def test_the_worse_half_ends_at_each_rung() -> None:
    track = Track(flat(a=1, b=5, c=3, d=4, e=2))
    finished = track.race(Race(FIELD, (0.2, 0.5)))
    assert track.asked == [
        *((name, 20) for name in "abcde"),
        *((name, 50) for name in "bcd"),
        *((name, None) for name in "bd"),
    ]
    assert ids(finished) == ["b", "d", "c", "e", "a"]  # who lasted longest first
    assert [run.history[-1].step for _, run in finished] == [100, 100, 50, 20, 20]


def test_equals_stay_in_the_strategy_s_order() -> None:
    track = Track(flat(a=1, b=1, c=1, d=1, e=1))
    finished = track.race(Race(FIELD[:4], (0.1, 0.2)))
    assert ids(finished)[0] == "a"


def test_the_best_checkpoint_so_far_counts() -> None:
    scores = flat(a=0, b=0)
    scores["a"] = lambda step: {10: 9.0}.get(step, 1.0)
    scores["b"] = lambda step: {20: 5.0}.get(step, 1.0)
    assert ids(Track(scores).race(Race(FIELD[:2], (0.2,)))) == ["a", "b"]


def test_a_run_tuned_further_before_is_judged_at_the_rung() -> None:
    scores = flat(a=0, b=2)
    scores["a"] = lambda step: 9.0 if step > 50 else 1.0
    track = Track(scores, further=100)
    assert ids(track.race(Race(FIELD[:2], (0.5,)))) == ["b", "a"]


def test_one_alone_does_not_pause() -> None:
    track = Track(flat(a=1))
    track.race(Race(FIELD[:1], (0.1, 0.5)))
    assert track.asked == [("a", None)]


@given(st.integers(1, 12), st.lists(st.floats(0.01, 0.99), max_size=4, unique=True), st.randoms())
def test_all_who_start_come_in_and_the_winner_is_never_behind(
    size: int, rungs: list[float], random: Any
) -> None:
    field = tuple(StartFromPrompt(str(n)) for n in range(size))
    speeds = [random.random() for _ in field]
    track = Track({str(n): (lambda step, v=v: v * step) for n, v in enumerate(speeds)})
    finished = track.race(Race(field, tuple(sorted(rungs))))
    assert sorted(ids(finished)) == sorted(c.id for c in field)
    scores = [run.score for _, run in finished]
    assert scores[0] == max(scores)
    steps = [run.history[-1].step for _, run in finished]
    assert steps == sorted(steps, reverse=True) and steps[0] == 100


@pytest.mark.parametrize(
    ("share", "steps", "every", "expected"),
    [
        (0.25, 100, 10, 30),
        (0.5, 100, 10, 50),
        (0.1, 30, 1, 3),
        (0.01, 100, 10, 10),
        (0.5, 8, 50, 8),
    ],
)
def test_rungs_fall_on_checkpoints(share: float, steps: int, every: int, expected: int) -> None:
    settings = TuningSettings(steps=steps, checkpoint_every=every)
    assert rung_steps(share, settings) == expected


@pytest.mark.parametrize("rungs", [(0.0, 0.5), (0.5, 0.5), (0.6, 0.5), (0.5, 1.0), (-0.1,)])
def test_senseless_rungs(rungs: tuple[float, ...]) -> None:
    with pytest.raises(WrongUse, match="rungs of a race"):
        Race(FIELD, rungs)


def test_a_senseless_field() -> None:
    for field in ((), (Race(FIELD, ()),), ("a",)):
        with pytest.raises(WrongUse, match="one candidate or more"):
            Race(field, (0.5,))  # type: ignore[arg-type]


def target_tuning(start: SoftPrompt | None, name: str, steps: int | None = None, /) -> Tuning:
    task: Any = None
    return Tuning(task=task, settings=SETTINGS, out=name, start=start, until=steps)


def no_mixture(tasks: Any) -> Tuning:
    raise AssertionError


def ran(tuning: Tuning, scores: dict[int, float]) -> TunedPrompt:
    """A run with these scores by step."""
    history = tuple(
        Scored(step=step, loss=0.0, score=score, metrics={}) for step, score in scores.items()
    )
    return TunedPrompt(
        best=PROMPT, embedding=PROMPT, final=PROMPT, history=history, folder=tuning.out
    )


def test_the_engine_runs_races_beside_other_candidates(tmp_path: Path) -> None:
    library = Library(tmp_path)
    first, second = (
        library.add(SoftPrompt(np.full((2, 3), v, np.float32), Provenance(task=f"t{v}")))
        for v in (1, 2)
    )
    asked: list[list[tuple[float | None, int]]] = []

    def tune_all(tunings: Sequence[Tuning]) -> list[TunedPrompt]:
        values = [None if t.start is None else float(t.start.array[0, 0]) for t in tunings]
        asked.append([(v, t.last) for v, t in zip(values, tunings, strict=True)])
        return [
            ran(tuning, {10: value or 1.5}) for value, tuning in zip(values, tunings, strict=True)
        ]

    race = Race((StartFromPrompt(first), StartFromPrompt(second)), (0.1,))
    plan = run_candidates(
        "t",
        Ranking(items=()),
        [race, StartFromScratch()],
        library.best,
        target_tuning,
        no_mixture,
        SETTINGS,
    )
    result = carry_out(plan, tune_all)
    # What waits for nothing is tuned beside the first rung.
    assert asked == [[(1.0, 10), (2.0, 10), (None, 100)], [(2.0, 100)]]
    assert result.best.candidate == StartFromPrompt(second) and result.score == 2.0
    assert len(result.outcomes) == 3


def test_who_lost_a_race_is_not_its_best_however_far_it_was_tuned_elsewhere(tmp_path: Path) -> None:
    library = Library(tmp_path)
    fields = [
        library.add(SoftPrompt(np.full((2, 3), v, np.float32), Provenance(task=f"t{v}")))
        for v in (1, 2)
    ]
    scores = {1.0: {10: 1.0, 100: 9.0}, 2.0: {10: 2.0, 100: 3.0}}

    def tune_all(tunings: Sequence[Tuning]) -> list[TunedPrompt]:
        return [ran(t, scores[float(t.start.array[0, 0])]) for t in tunings if t.start]

    race = Race(tuple(map(StartFromPrompt, fields)), (0.1,))
    plan = run_candidates(
        "t", Ranking(items=()), [race], library.best, target_tuning, no_mixture, SETTINGS
    )
    result = carry_out(plan, tune_all)
    assert result.best.candidate == StartFromPrompt(fields[1]) and result.score == 3.0
    assert [outcome.lost for outcome in result.outcomes] == [False, True]


# Budgets


def test_a_race_takes_the_steps_that_it_is_said_to() -> None:
    for count in range(1, 6):
        track = Track(flat(a=1, b=5, c=3, d=4, e=2))
        finished = track.race(Race(FIELD[:count], (0.2, 0.5)))
        taken = sum(run.history[-1].step for _, run in finished)
        assert taken == race_steps(count, (0.2, 0.5), SETTINGS)


@pytest.mark.parametrize(
    ("budget", "entrants"), [(None, 5), (290, 5), (289, 4), (190, 4), (189, 3), (100, 1), (119, 1)]
)
def test_a_budget_lets_in_as_many_as_it_pays_for(budget: int | None, entrants: int) -> None:
    assert [race_steps(n, (0.2, 0.5), SETTINGS) for n in range(1, 6)] == [100, 120, 170, 190, 290]
    track = Track(flat(a=1, b=5, c=3, d=4, e=2))
    finished = track.race(Race(FIELD, (0.2, 0.5), budget))
    assert sorted(ids(finished)) == list("abcde")[:entrants]
    if budget is not None:
        assert sum(run.history[-1].step for _, run in finished) <= budget


def test_a_budget_that_does_not_pay_for_one() -> None:
    track = Track(flat(a=1, b=5))
    with pytest.raises(WrongUse, match="99 steps cannot end: one tuning takes 100"):
        track.race(Race(FIELD[:2], (0.5,), 99))
    assert not track.asked
    with pytest.raises(WrongUse, match="budget"):
        Race(FIELD, (0.5,), 0)


# Until the gap is larger than the noise

LOOKS = (0.1, 0.2, 0.5)


def surely(budget: int | None = None, confidence: float = 0.95, count: int = 5) -> Race:
    return Race(FIELD[:count], LOOKS, budget, confidence)


def test_who_is_surely_behind_ends_and_nobody_else() -> None:
    track = Track(flat(a=50, b=52, c=10, d=51, e=20), examples=100)
    finish = track.finish(surely())
    # Of 100 examples a gap of 2 points is nothing, one of 32 is sure at the first look.
    assert track.asked == [
        *((name, 10) for name in "abcde"),
        *((name, 20) for name in "abd"),
        *((name, 50) for name in "abd"),
        *((name, None) for name in "abd"),
    ]
    assert [runner.start for runner in finish.runners[:1]] == [StartFromPrompt("b")]
    assert finish.spent == 5 * 10 + 3 * 90
    whys = {ids([(r.start, r.tuned)])[0]: r.ended for r in finish.runners}
    assert whys["b"] == "" and whys["d"] == "at the end 1.0 points behind"
    assert whys["c"].startswith("at step 10 42.0 points behind, more than the noise of 1")
    assert finish.why == (
        "Race of 5: 320 of 500 steps; 3 were tuned to the end, for none of them was surely behind "
        "before."
    )


def test_it_ends_as_soon_as_one_is_left() -> None:
    track = Track(flat(a=90, b=10, c=10, d=10, e=10), examples=100)
    finish = track.finish(surely())
    assert track.asked == [*((name, 10) for name in "abcde"), ("a", None)]
    assert finish.spent == 50 + 90
    assert "one was left at step 10" in finish.why and "80.0 points behind" in finish.why


def test_of_more_examples_a_smaller_gap_is_sure() -> None:
    few, many = (Track(flat(a=55, b=50), examples=n).finish(surely(count=2)) for n in (50, 5000))
    assert (few.spent, many.spent) == (200, 110)


def test_where_nothing_is_known_of_the_noise_nobody_ends() -> None:
    assert Track(flat(a=99, b=1)).finish(surely(count=2)).spent == 200


@pytest.mark.parametrize(
    ("budget", "asked"),
    [
        # Five for 10 steps and one to the end; then as many as leave one to the end.
        (140, ["abcde", "a"]),
        (150, ["abcde", "ab", "a"]),
        (180, ["abcde", "abcde", "a"]),
        (139, ["abcd", "a"]),
        (100, ["a"]),
    ],
)
def test_a_budget_ends_the_lowest_scores(budget: int, asked: list[str]) -> None:
    track = Track(flat(a=54, b=53, c=52, d=51, e=50), examples=100)
    finish = track.finish(surely(budget))
    rungs: dict[int | None, str] = {}
    for name, steps in track.asked:
        rungs[steps] = rungs.get(steps, "") + name
    assert list(rungs.values()) == asked
    assert finish.spent <= budget
    assert sum(runner.tuned.history[-1].step for runner in finish.runners) == finish.spent
    assert finish.runners[0].start == StartFromPrompt("a")


def test_a_budget_counts_only_those_that_are_not_surely_behind() -> None:
    # b is behind for sure; of c and d, scored on few examples, nobody knows. Two are paid for.
    track = Track(flat(a=50, b=40, c=39, d=38), examples={"a": 5000, "b": 5000, "c": 9, "d": 9})
    track.finish(surely(145, count=4))
    assert [name for name, steps in track.asked if steps == 20] == ["a", "c"]


def test_a_race_by_halves_says_so_of_those_who_finish() -> None:
    finish = Track(flat(a=1, b=5, c=3, d=4, e=2)).finish(Race(FIELD, (0.2,)))
    assert finish.why.endswith("3 were tuned to the end, who were not in the worse half before.")


def test_a_budget_that_pays_for_none_to_the_end() -> None:
    with pytest.raises(WrongUse, match="99 steps cannot end"):
        Track(flat(a=1, b=5), examples=9).finish(surely(99))


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
    st.integers(1, 400),
    st.one_of(st.none(), st.integers(100, 600)),
    st.floats(0.5, 0.999),
)
def test_the_leader_stays_the_budget_holds_and_what_is_spent_is_said(
    scores: list[float], examples: int, budget: int | None, confidence: float
) -> None:
    names = "abcde"[: len(scores)]
    track = Track(flat(**dict(zip(names, scores, strict=True))), examples=examples)
    finish = track.finish(surely(budget, confidence, len(scores)))
    ran = [runner.tuned for runner in finish.runners]
    assert ran[0].score == max(run.score for run in ran)
    assert finish.spent == sum(run.history[-1].step for run in ran)
    assert budget is None or finish.spent <= budget
    assert [r.ended == "" for r in finish.runners] == [n == 0 for n in range(len(ran))]


def test_a_confidence_is_a_share() -> None:
    for wrong in (1.0, 0.4, 2, "0.9"):
        with pytest.raises(WrongUse, match="confidence of a race"):
            Race(FIELD, LOOKS, None, wrong)  # type: ignore[arg-type]


def test_a_result_says_what_its_races_spent(tmp_path: Path) -> None:
    library = Library(tmp_path)
    fields = [
        library.add(SoftPrompt(np.full((2, 3), v, np.float32), Provenance(task=f"t{v}")))
        for v in (1, 2)
    ]

    def tune_all(tunings: Sequence[Tuning]) -> list[TunedPrompt]:
        return [ran(t, {t.last: 10 * float(t.start.array[0, 0])}) for t in tunings if t.start]

    race = Race(tuple(map(StartFromPrompt, fields)), (0.1,))
    plan = run_candidates(
        "t", Ranking(items=()), [race], library.best, target_tuning, no_mixture, SETTINGS
    )
    result = carry_out(plan, tune_all)
    assert [outcome.ended for outcome in result.outcomes] == ["", "at step 10 in the worse half"]
    assert result.races == (
        "Race of 2: 110 of 200 steps; one was left at step 10 (the last to end: at step 10 in the "
        "worse half).",
    )
