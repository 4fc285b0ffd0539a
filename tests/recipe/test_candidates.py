"""From candidates to tunings: averages, names that keep runs apart, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import (
    Race,
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.errors import BrokenPart, SpotError, UnknownName
from spotfw.library import Library
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.ranking import Ranked, Ranking
from spotfw.recipe.candidates import average, choose, run_candidates
from spotfw.recipe.rounds import carry_out
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.tuning import TunedPrompt, Tuning

NO_TASK: Any = None
PRINT = "0011223344556677"


def soft(value: float, task: str = "a", fingerprint: str = PRINT, length: int = 2) -> SoftPrompt:
    array = np.full((length, 3), value, np.float32)
    return SoftPrompt(array, Provenance(task=task, fingerprint=fingerprint, seed=4))


def ranking(*ids: str) -> Ranking:
    return Ranking(
        items=tuple(
            Ranked(rank=n, id=i, task=f"task {i}", similarity=1 / n) for n, i in enumerate(ids, 1)
        )
    )


class Tuner:
    """Remembers what it was asked to start from; gives runs of these scores, in that order."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)
        self.starts: list[SoftPrompt | None] = []
        self.names: list[str] = []
        self.mixtures: list[tuple[str, ...]] = []
        self.rounds: list[list[str]] = []

    def target(self, start: SoftPrompt | None, name: str, steps: int | None = None) -> Tuning:
        self.starts.append(start)
        self.names.append(name)
        return Tuning(task=NO_TASK, settings=TuningSettings(), out=name, start=start)

    def mixture(self, tasks: Sequence[str]) -> Tuning:
        self.mixtures.append(tuple(tasks))
        return Tuning(task=NO_TASK, settings=TuningSettings(), out="mixture " + "+".join(tasks))

    def tune_all(self, tunings: Sequence[Tuning]) -> list[TunedPrompt]:
        self.rounds.append([tuning.out for tuning in tunings])
        return [self._tuned(tuning.out) for tuning in tunings]

    def _tuned(self, name: str) -> TunedPrompt:
        mixed = name.startswith("mixture ")
        score = 0.0 if mixed else self.scores[self.names.index(name)]
        entry = Scored(step=1, loss=0.0, score=score, metrics={})
        prompt = soft(0.0)
        final = soft(7.0) if mixed else prompt
        return TunedPrompt(
            best=prompt, embedding=prompt, final=final, history=(entry,), folder=name
        )


def transfer(library: Library, tuner: Tuner, candidates: Sequence[Any]) -> Any:
    plan = run_candidates(
        "target", ranking("x"), candidates, library.best, tuner.target, tuner.mixture
    )
    return carry_out(plan, tuner.tune_all)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


def test_an_average_is_the_weighted_sum() -> None:
    averaged = average([soft(1.0, "a"), soft(10.0, "b"), soft(100.0, "c")], [0.5, 0.25, 0.25])
    assert averaged.array.dtype == np.float32
    np.testing.assert_allclose(averaged.array, np.full((2, 3), 28.0))
    assert averaged.provenance.fingerprint == PRINT
    assert averaged.provenance.settings["average_of"][1] == {"task": "b", "seed": 4, "weight": 0.25}


@pytest.mark.parametrize(
    ("prompts", "weights", "message"),
    [
        ([soft(1.0)], [0.5, 0.5], "one finite number for each"),
        ([], [], "one finite number for each"),
        ([soft(1.0), soft(2.0)], [np.nan, 1.0], "one finite number for each"),
        ([soft(1.0), soft(2.0, length=3)], [0.5, 0.5], "3 tokens"),
        ([soft(1.0), soft(2.0, fingerprint="f" * 16)], [0.5, 0.5], "another frozen model"),
    ],
)
def test_what_cannot_be_averaged_is_reported(
    prompts: list[SoftPrompt], weights: list[float], message: str
) -> None:
    with pytest.raises(SpotError, match=message):
        average(prompts, weights)


def test_each_candidate_is_tuned_and_the_best_kept(library: Library) -> None:
    first, second = (library.add(soft(v, t), soft(-v, t)) for v, t in ((1.0, "a"), (3.0, "b")))
    tuner = Tuner(10.0, 40.0, 20.0, 40.0)
    candidates = [
        StartFromPrompt(first),
        StartFromAverage(ids=(first, second), weights=(0.25, 0.75)),
        StartFromMixture(tasks=("a", "b")),
        StartFromScratch(),
    ]
    result = transfer(library, tuner, candidates)
    starts = [None if s is None else float(s.array[0, 0]) for s in tuner.starts]
    assert starts == [1.0, 2.5, None, 7.0]  # the last waited for its mixture
    assert list(map(len, tuner.rounds)) == [4, 1]
    assert tuner.mixtures == [("a", "b")]
    assert [o.candidate for o in result.outcomes] == candidates
    assert result.score == 40.0
    assert result.best.candidate == candidates[1]  # the first of equals
    assert len(set(tuner.names)) == 4


def test_candidates_of_one_kind_have_names_of_their_own(library: Library) -> None:
    """They name run folders: two averages in one folder would be one run."""
    first, second = (library.add(soft(v, t)) for v, t in ((1.0, "a"), (3.0, "b")))
    tuner = Tuner(*[1.0] * 4)
    halves, thirds = (np.float32([w, 1 - w]) for w in (0.5, 0.3))
    candidates = [
        StartFromAverage(ids=(first, second), weights=tuple(halves)),
        StartFromAverage(ids=(first, second), weights=tuple(thirds)),
        StartFromMixture(tasks=("a", "b")),
        StartFromMixture(tasks=("a", "c")),
    ]
    transfer(library, tuner, candidates)
    assert len(set(tuner.names)) == 4


def test_no_candidate_is_reported(library: Library) -> None:
    with pytest.raises(SpotError, match="no source for target"):
        transfer(library, Tuner(), [])


def test_an_unknown_prompt_is_reported(library: Library) -> None:
    library.add(soft(1.0))
    with pytest.raises(UnknownName, match="prompt"):
        transfer(library, Tuner(), [StartFromPrompt("0" * 16)])


def test_a_function_is_a_strategy() -> None:
    def second(ranked: Ranking, k: int) -> list[StartFromPrompt]:
        return [StartFromPrompt(item.id) for item in ranked[1 : k + 1]]

    assert choose(second, ranking("x", "y", "z"), 2) == (StartFromPrompt("y"), StartFromPrompt("z"))


@pytest.mark.parametrize("given", [["x"], [None], [StartFromScratch]])
def test_what_is_no_candidate_is_reported(given: list[Any]) -> None:
    with pytest.raises(SpotError, match="no candidate"):
        choose(lambda ranked, k: given, ranking("x"), 1)


@pytest.mark.parametrize("given", [None, 3, StartFromScratch()])
def test_a_strategy_that_gives_no_sequence_is_reported(given: Any) -> None:
    with pytest.raises(SpotError, match="sequence of candidates"):
        choose(lambda ranked, k: given, ranking("x"), 1)


class Quitting(BaseException):
    """What no handler of Exception catches."""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("abc", "no sequence of candidates"),
        ({"a": 1}, "no sequence of candidates"),
        (itertools.repeat(StartFromScratch()), "no end in sight"),
        ([StartFromPrompt(None)], "None is no name"),
        ([StartFromPrompt("")], "'' is no name"),
        ([StartFromPrompt(["x"])], "is no name"),
        ([StartFromMixture(())], "it names nothing"),
        ([StartFromMixture("abc")], "is no sequence"),
        ([StartFromMixture((3,))], "3 is no name"),
        ([StartFromMixture(None)], "is no sequence"),
        ([StartFromAverage((), ())], "it names nothing"),
        ([StartFromAverage(("x", "y"), (1.0,))], "one finite number for each"),
        *(
            ([StartFromAverage(("x",), (weight,))], "is no finite number")
            for weight in ("1", None, float("nan"), float("inf"), True, 10**400, [], 1j)
        ),
    ],
)
def test_what_no_candidate_may_hold(given: Any, said: str) -> None:
    with pytest.raises(BrokenPart, match=said):
        choose(lambda ranked, k: given, ranking("x"), 1)


class Stop(KeyboardInterrupt):
    """A strategy's own; nobody has pressed Ctrl-C."""


@pytest.mark.parametrize("error", [Quitting("x"), SystemExit(0), GeneratorExit(), Stop()])
def test_a_strategy_ends_no_program(error: BaseException) -> None:
    def quits(ranked: Ranking, k: int) -> Any:
        raise error

    with pytest.raises(BrokenPart, match=type(error).__name__):
        choose(quits, ranking("x"), 1)


def test_candidates_are_made_of_plain_values() -> None:
    """Lists and NumPy's numbers are fine: they become what names a run."""
    given = [
        StartFromAverage(ids=["x", np.str_("y")], weights=np.float32([0.5, 0.5])),  # type: ignore[arg-type]
        StartFromMixture(tasks=["a", "b"]),  # type: ignore[arg-type]
        Race(
            [StartFromPrompt("x"), StartFromScratch()],
            rungs=np.array([0.5]),
            confidence=np.float64(0.9),
        ),
    ]
    average_, mixture, race = choose(lambda ranked, k: iter(given), ranking("x", "y"), 2)
    assert average_ == StartFromAverage(ids=("x", "y"), weights=(0.5, 0.5))
    assert mixture == StartFromMixture(tasks=("a", "b"))
    assert race == Race((StartFromPrompt("x"), StartFromScratch()), (0.5,), confidence=0.9)
    assert isinstance(race, Race) and type(race.confidence) is float
    assert isinstance(average_, StartFromAverage)
    assert [type(v) for v in (*average_.ids, *average_.weights)] == [str, str, float, float]


def test_an_unknown_prompt_is_reported_before_anything_is_tuned(library: Library) -> None:
    known = library.add(soft(1.0))
    tuner = Tuner(1.0)
    for late in (
        StartFromPrompt("../x"),
        StartFromAverage((known, "f" * 16), (0.5, 0.5)),
        Race((StartFromScratch(), StartFromPrompt("f" * 16)), rungs=(0.5,)),
    ):
        with pytest.raises(UnknownName, match="prompt"):
            transfer(library, tuner, [StartFromPrompt(known), late])
    assert tuner.names == []
