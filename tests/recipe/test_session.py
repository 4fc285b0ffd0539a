"""A session on the tiny model: runs that are found again, transfer by every strategy, a demo."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import spotfw
from spotfw.contracts import (
    DemoPlan,
    NamedModel,
    Race,
    SimilarityMetric,
    StartFromMixture,
    StartFromPrompt,
)
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt, save_prompt
from spotfw.ranking import Ranking
from spotfw.recipe.session import Session
from spotfw.recipe.tuning import Report
from spotfw.study.demo import STRATEGIES, run_demo
from spotfw.tasks import Mixture, Task
from tests.settings import MOMENT as SETTINGS


class Engine:
    """A backend whose only model is open already."""

    name = "open"

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.opened: list[str] = []

    def open(self, model: str, **options: Any) -> Any:
        self.opened.append(model)
        # The same weights under another name for their precision.
        engine = copy.copy(self.engine)
        engine.precision = options.get("activations", "float32")
        return engine


class Parts:
    """The plugin of these tests: the tiny model by name, and four tasks of its reviews."""

    name = "reviews"

    def __init__(self, engine: Any, folder: Path, task: Task) -> None:
        self.engine = Engine(engine)
        self.folder = folder
        names = {"film": "sentiment", "book": "sentiment", "play": "other", "song": "sentiment"}
        self.known = [attrs.evolve(task, name=n, family=f) for n, f in names.items()]

    def tasks(self) -> list[Task]:
        return self.known

    @spotfw.hookimpl
    def spotfw_task_sources(self) -> list[Any]:
        return [self]

    @spotfw.hookimpl
    def spotfw_backends(self) -> list[Any]:
        return [self.engine]

    @spotfw.hookimpl
    def spotfw_models(self) -> list[NamedModel]:
        return [NamedModel(name="tiny", folder=lambda: self.folder, settings=SETTINGS)]


@pytest.fixture
def parts(tiny_engine: Any, tiny_model: Path, tiny_task: Task) -> Parts:
    return Parts(tiny_engine, tiny_model, tiny_task)


@pytest.fixture
def fw(parts: Parts, tmp_path: Path) -> Session:
    return session(parts, tmp_path)


def session(parts: Parts, folder: Path, **options: Any) -> Session:
    plugins = Plugins(entry_points=False)
    plugins.register(parts, "parts")
    return Session(
        "tiny",
        str(folder / "library"),
        runs=str(folder / "runs"),
        plugins=plugins,
        backend="open",
        **options,
    )


def test_the_model_is_opened_when_first_needed_and_once(fw: Session, parts: Parts) -> None:
    assert parts.engine.opened == []
    fw.tune("film", steps=1)
    fw.tune("book", steps=1)
    assert parts.engine.opened == [str(parts.folder)]


def test_a_model_s_own_settings_stand_before_the_paper_s(fw: Session) -> None:
    assert fw.settings().steps == 4
    assert fw.settings(steps=9, seed=None).steps == 9
    assert fw.settings().learning_rate == 0.3
    with pytest.raises(WrongUse, match="learning_rat"):
        fw.settings(learning_rat=0.1)


def test_a_setting_that_is_none_is_reported_with_those_alike(fw: Session, parts: Parts) -> None:
    with pytest.raises(UnknownName, match=r"no setting named 'stepz'. Did you mean 'steps'"):
        fw.tune("film", stepz=5)
    assert not parts.engine.opened


def test_the_same_call_again_gives_the_same_run(fw: Session, parts: Parts, tmp_path: Path) -> None:
    steps: list[int] = []

    def observe(report: Report) -> None:
        steps.append(report.step)

    first = fw.tune("film", observer=observe)
    assert steps
    steps.clear()
    again = session(parts, tmp_path).tune("film", observer=observe)
    assert steps == []
    assert again.folder == first.folder
    assert again.best == first.best
    assert len(fw.library.entries()) == 1
    others = [fw.tune("film", seed=1), fw.tune("film", init="class_label"), fw.tune("book")]
    assert len({first.folder, *(o.folder for o in others)}) == 4


def test_an_engine_opened_otherwise_has_runs_of_its_own(parts: Parts, tmp_path: Path) -> None:
    first = session(parts, tmp_path).tune("film", steps=1)
    second = session(parts, tmp_path, activations="bfloat16").tune("film", steps=1)
    assert first.folder != second.folder


def test_a_run_s_place_can_be_named(fw: Session, tmp_path: Path) -> None:
    tuned = fw.tune("film", out=str(tmp_path / "here"), keep=False)
    assert (tmp_path / "here" / "best.safetensors").is_file()
    assert fw.library.entries() == []
    with pytest.raises(WrongUse, match="--resume"):
        fw.tune("film", out=str(tmp_path / "here"))
    assert fw.tune("film", out=str(tmp_path / "here"), resume=True).best == tuned.best


def test_a_tuned_prompt_is_scored_and_run_by_its_file(fw: Session) -> None:
    tuned = fw.tune("film", steps=4)
    path = f"{tuned.folder}/best.safetensors"
    assert fw.evaluate(path, "film").score == tuned.score
    assert fw.evaluate(tuned.best, "film") == fw.evaluate(path, "film")
    assert fw.evaluate(None, "film", "test").examples == 20
    lines = ["review: the film was good and fine"]
    assert fw.predict(path, lines) == fw.predict(tuned.best, lines)


def test_a_prompt_of_another_model_is_refused_everywhere(fw: Session, tmp_path: Path) -> None:
    foreign = SoftPrompt(np.ones((4, 16), np.float32), Provenance(fingerprint="f" * 16))
    wide = SoftPrompt(np.ones((4, 8), np.float32))
    save_prompt(foreign, tmp_path / "foreign.safetensors")
    for prompt, message in ((foreign, "another frozen model"), (wide, "width")):
        with pytest.raises(SpotError, match=message):
            fw.evaluate(prompt, "film")
        with pytest.raises(SpotError, match=message):
            fw.predict(prompt, ["good"])
        with pytest.raises(SpotError, match=message):
            fw.rank(prompt)
    with pytest.raises(SpotError, match="another frozen model"):
        fw.predict(str(tmp_path / "foreign.safetensors"), ["good"])


def test_what_a_session_lacks_is_reported(parts: Parts, fw: Session) -> None:
    with pytest.raises(UnknownName, match="film"):
        fw.tune("fillm")
    with pytest.raises(UnknownName, match="tiny"):
        Session("tinny", plugins=fw.plugins)
    without = Session("tiny", plugins=fw.plugins, backend="open")
    with pytest.raises(WrongUse, match="--library"):
        without.rank(SoftPrompt(np.ones((4, 16), np.float32)))


def test_ranking_leaves_out_the_target_s_own_prompts(fw: Session) -> None:
    for name in ("film", "book", "play"):
        fw.tune(name)
    ranking = fw.rank("song")
    assert sorted(r.task or "" for r in ranking) == ["book", "film", "play"]
    assert [r.rank for r in ranking] == [1, 2, 3]
    assert sorted(r.task or "" for r in fw.rank("film")) == ["book", "play"]


def test_a_bare_embedding_leaves_out_the_target_s_own_prompts_too(fw: Session) -> None:
    fw.tune("film")
    fw.tune("book")
    bare = SoftPrompt(np.ones((4, 16), np.float32))
    result = fw.transfer("film", embedding=bare, k=5)
    assert [r.task for r in result.ranking] == ["book"]


@pytest.fixture
def filled(fw: Session) -> Session:
    for seed, name in enumerate(("film", "book", "play")):
        fw.tune(name, seed=seed)
    return fw


@pytest.mark.parametrize(
    ("strategy", "candidates"),
    [
        ("best_of_top_k", 2),
        ("top_k_weighted_average", 1),
        ("top_k_multitask_mixture", 1),
        ("oracle", 3),
        ("none", 1),
    ],
)
def test_transfer_by_every_strategy(filled: Session, strategy: str, candidates: int) -> None:
    result = filled.transfer("song", strategy=strategy, k=2, mixture={"steps": 2})
    assert len(result.ranking) == 3
    assert len(result.outcomes) == candidates
    assert result.score == max(o.tuned.score for o in result.outcomes)
    assert {o.tuned.best.provenance.task for o in result.outcomes} == {"song"}
    assert len(filled.library.entries()) == 3  # targets are not sources


def test_transfer_by_a_function(filled: Session, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def last(ranking: Ranking, k: int) -> list[StartFromPrompt]:
        seen.append((len(ranking), k))
        return [StartFromPrompt(ranking[-1].id)]

    result = filled.transfer("song", strategy=last, k=1, out=str(tmp_path / "out"))
    assert seen == [(3, 1)]
    (outcome,) = result.outcomes
    assert outcome.tuned.folder == str(tmp_path / "out" / f"song-from-{result.ranking[-1].id}")
    # It began at the source's best prompt: near it after few small steps.
    near = filled.transfer("song", strategy=last, k=1, steps=1, learning_rate=1e-6)
    start = filled.library.best(near.ranking[-1].id).array
    np.testing.assert_allclose(near.outcomes[0].tuned.final.array, start, atol=1e-4)


def test_every_run_of_a_transfer_lies_below_its_folder(filled: Session, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ways = {"out": str(out), "mixture": {"steps": 2}}
    result = filled.transfer("song", "top_k_multitask_mixture", k=2, **ways)
    assert len(result.runs) == 3  # the embedding, the mixture, the target
    assert {Path(run.folder).parent for run in result.runs} == {out}
    again = filled.transfer("song", "top_k_multitask_mixture", k=2, **ways)
    assert [run.folder for run in again.runs] == [run.folder for run in result.runs]


def test_a_prompt_tells_the_model_by_the_name_it_was_asked_for(filled: Session) -> None:
    assert {entry.provenance.model for entry in filled.library.entries()} == {"tiny"}


def test_transfer_from_some_of_the_library(filled: Session) -> None:
    shown = [entry.id for entry in filled.library.entries() if entry.provenance.task != "book"]
    result = filled.transfer("song", strategy="oracle", among=shown)
    assert {item.id for item in result.ranking} == set(shown)
    folders = [run.folder for run in result.runs]
    assert len(set(folders)) == 3  # the embedding, and a tuning from each
    assert repr(result).startswith("TransferResult(target='song', score=")
    assert {outcome.tuned.folder for outcome in result.outcomes} < set(folders)
    with pytest.raises(WrongUse, match="excluded"):
        filled.transfer("song", strategy="oracle", among=[])


def test_a_mixture_is_the_same_in_any_order_and_takes_a_mixture_s_tasks(filled: Session) -> None:
    film, book = filled.task("film"), filled.task("book")
    assert isinstance(film, Task) and isinstance(book, Task)
    filled.task(Mixture(name="two", tasks=(book, film)))
    embedding = SoftPrompt(np.ones((4, 16), np.float32))

    def tuned(*names: str) -> list[str]:
        def mix(ranking: Ranking, k: int) -> list[StartFromMixture]:
            return [StartFromMixture(names)]

        given = {"embedding": embedding, "mixture": {"steps": 2}}
        return [run.folder for run in filled.transfer("song", mix, **given).runs]  # type: ignore[arg-type]

    both = tuned("film", "book")
    assert len(both) == 2 and tuned("book", "film") == both
    assert tuned("two") == tuned("song", "two") == both


def test_a_race_ends_as_if_nobody_had_paused(filled: Session, tmp_path: Path) -> None:
    def race(ranking: Ranking, k: int) -> list[Race]:
        return [Race(tuple(StartFromPrompt(r.id) for r in ranking[:k]), (0.25, 0.5))]

    out = str(tmp_path / "race")
    result = filled.transfer("song", strategy=race, k=3, out=out, steps=8)
    assert [len(o.tuned.history) for o in result.outcomes] == [4, 2, 1]  # every 2 steps
    alone = filled.transfer(
        "song",
        strategy=lambda ranking, k: [result.best.candidate],
        out=str(tmp_path / "alone"),
        steps=8,
    ).best.tuned
    won = result.outcomes[0].tuned
    assert [h.score for h in won.history] == [h.score for h in alone.history]
    assert won.final.array.tobytes() == alone.final.array.tobytes()

    seen: list[int] = []
    again = filled.transfer(
        "song", strategy=race, k=3, out=out, steps=8, observer=lambda r: seen.append(r.step)
    )
    assert not seen  # nothing is tuned twice
    assert [o.candidate for o in again.outcomes] == [o.candidate for o in result.outcomes]
    assert again.score == result.score


def test_a_metric_may_ask_the_model(filled: Session, parts: Parts) -> None:
    bound: list[Any] = []

    class Asking(SimilarityMetric):
        name = "asking"

        def features(self, prompt: Any) -> Any:
            return bound[-1].activations(prompt).ravel()

        def with_model(self, model: Any) -> SimilarityMetric:
            bound.append(model)
            return self

    class Own:
        @spotfw.hookimpl
        def spotfw_similarity_metrics(self) -> list[Any]:
            return [Asking()]

    filled.plugins.register(Own(), "own")
    embedding = filled.library.embedding(filled.library.entries(task="film")[0].id)
    ranking = filled.rank(embedding, "asking")
    assert filled.rank(embedding, "asking").items == ranking.items
    assert len(ranking) == 2 and bound == [filled.model]


def test_transfer_that_cannot_be_is_reported(filled: Session) -> None:
    both = Mixture(name="both", tasks=tuple(filled.plugins.task(n) for n in ("film", "book")))  # type: ignore[misc]
    with pytest.raises(WrongUse, match="is a mixture"):
        filled.transfer(both)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="-k must be"):
        filled.transfer("song", k=0)
    with pytest.raises(UnknownName, match="best_of_top_k"):
        filled.transfer("song", strategy="best_of_top")
    with pytest.raises(UnknownName, match="average_token_cosine"):
        filled.transfer("song", metric="cosine")
    with pytest.raises(SpotError, match="no candidate"):
        filled.transfer("song", strategy=lambda ranking, k: ["film"])  # type: ignore[list-item]


def test_transfer_from_an_empty_library_is_reported(fw: Session, tmp_path: Path) -> None:
    with pytest.raises(SpotError, match="Fill the library"):
        fw.transfer("song")
    assert not (tmp_path / "runs").exists()  # before the target is tuned to its embedding


PLAN = DemoPlan(
    sources=("film", "play"), targets=("book", "song"), source={"steps": 4}, target={"steps": 2}
)


def test_a_demo_shows_every_way_and_repeats_nothing(parts: Parts, tmp_path: Path) -> None:
    heard: list[Report] = []
    said: list[str] = []
    first = run_demo(
        session(parts, tmp_path), PLAN, seeds=(0, 1), observer=heard.append, notify=said.append
    )
    assert [(r.target, r.seed) for r in first.rows] == [
        ("book", 0), ("book", 1), ("song", 0), ("song", 1),
    ]  # fmt: skip
    titles = ["from scratch", *(title for _, _, title in STRATEGIES)]
    assert all(list(r.scores) == titles for r in first.rows)
    assert all({s for s, _, _ in r.ranking} == {"film", "play"} for r in first.rows)
    gains = [r.scores["best of top-1"] - r.scores["from scratch"] for r in first.rows]
    assert first.gain == pytest.approx(sum(gains) / 4)
    assert first.same_family_first == sum(r.ranking[0][0] == "film" for r in first.rows) / 4
    assert all(r.scores["oracle"] >= r.scores["best of top-1"] for r in first.rows)
    assert [name for name, _, _ in first.sources] == ["film", "play"]
    assert said[:2] == ["source film", "source play"]
    assert heard
    heard.clear()
    again = run_demo(session(parts, tmp_path), PLAN, seeds=(0, 1), observer=heard.append)
    assert heard == []
    assert (again.rows, again.sources) == (first.rows, first.sources)


def test_a_demo_stopped_anywhere_ends_the_same(parts: Parts, tmp_path: Path) -> None:
    whole = run_demo(session(parts, tmp_path / "a"), PLAN, seeds=(0,))
    left = [2, 3, 4]

    def stop(report: Report) -> None:
        if left:
            left[0] -= 1
            if left[0] == 0:
                del left[0]
                raise KeyboardInterrupt

    while left:
        with pytest.raises(KeyboardInterrupt):
            run_demo(session(parts, tmp_path / "b"), PLAN, seeds=(0,), observer=stop)
    resumed = run_demo(session(parts, tmp_path / "b"), PLAN, seeds=(0,))
    assert json.dumps(attrs.asdict(resumed)["rows"]) == json.dumps(attrs.asdict(whole)["rows"])
