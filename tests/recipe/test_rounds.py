"""Plans of tunings: rounds shared by plans beside each other, a run that two ask for done once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from spotfw.config import TuningSettings
from spotfw.recipe.rounds import Outcome, Rounds, all_of, carry_out, one_round, side_by_side
from spotfw.recipe.tuned import TunedPrompt, Tuning

NONE: Any = None


def tuning(name: str, until: int | None = 1) -> Tuning:
    return Tuning(task=NONE, settings=TuningSettings(steps=10), out=name, until=until)


class Engine:
    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.rounds: list[list[tuple[str, int]]] = []

    def tune_all(self, tunings: Sequence[Tuning]) -> list[Outcome]:
        self.rounds.append([(t.out, t.last) for t in tunings])
        return [self.outcome(t.out) for t in tunings]

    def outcome(self, name: str) -> Outcome:
        if name in self.failing:
            return ValueError(f"{name} failed")
        return TunedPrompt(best=NONE, embedding=NONE, final=NONE, history=(), folder=name)


def chain(*names: str) -> Rounds[str]:
    """One tuning after the other."""
    got = []
    for name in names:
        (tuned,) = yield from one_round([tuning(name)])
        got.append(tuned.folder)
    return " ".join(got)


def test_plans_share_their_rounds() -> None:
    engine = Engine()
    plans = [chain("a", "b", "c"), chain(), chain("x"), chain("y", "z")]
    assert carry_out(side_by_side(plans), engine.tune_all) == ["a b c", "", "x", "y z"]
    names = [[name for name, _ in tunings] for tunings in engine.rounds]
    assert names == [["a", "x", "y"], ["b", "z"], ["c"]]


def test_one_run_that_several_ask_for_is_tuned_once_and_as_far_as_any_asks() -> None:
    def ask(until: int | None) -> Rounds[str]:
        (tuned,) = yield from one_round([tuning("same", until)])
        return tuned.folder

    engine = Engine()
    assert carry_out(all_of([ask(3), ask(9), ask(5)]), engine.tune_all) == ["same"] * 3
    assert carry_out(all_of([ask(3), ask(None)]), engine.tune_all) == ["same"] * 2
    assert engine.rounds == [[("same", 9)], [("same", 10)]]


def test_a_plan_that_fails_ends_alone() -> None:
    engine = Engine("b")
    first, second = carry_out(
        side_by_side([chain("a", "b", "c"), chain("x", "y", "z")]), engine.tune_all
    )
    assert isinstance(first, ValueError) and second == "x y z"
    names = [[name for name, _ in tunings] for tunings in engine.rounds]
    assert names == [["a", "x"], ["b", "y"], ["z"]]
    with pytest.raises(ValueError, match="b failed"):
        carry_out(all_of([chain("a", "b"), chain("x", "y", "z")]), engine.tune_all)
    assert engine.rounds[-1] == [("z", 1)]  # the others were done to their end


def test_what_the_tuner_raises_ends_the_plan() -> None:
    def broken(tunings: Sequence[Tuning]) -> list[Outcome]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(chain("a"), broken)


def test_a_plan_without_tunings_asks_nobody() -> None:
    engine = Engine()
    assert carry_out(chain(), engine.tune_all) == ""
    assert carry_out(side_by_side([]), engine.tune_all) == []
    assert engine.rounds == []
