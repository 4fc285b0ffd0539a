"""``spotfw library``: add, list, show, verify, rank."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spotfw
from spotfw.contracts import TargetContext, TargetSignal
from spotfw.library import Library
from spotfw.plugins import Plugins
from spotfw.prompts import SoftPrompt, save_prompt
from spotfw.tasks import Task
from spotfw.testing import NumpyBackend
from spotfw.testing.tiny_library import fill_library
from tests.cli.conftest import prompt


def saved(path: Path, number: int, **values: Any) -> Path:
    save_prompt(prompt(number, **values), path)
    return path


def test_add_then_list_and_show(call: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    path = saved(tmp_path / "p.safetensors", 1, seed=4, score=81.25)
    id = call("add", path).out.strip()
    assert Library(folder).get(id).provenance.seed == 4
    (row,) = json.loads(call("list", "--json").out)
    assert (row["id"], row["task"], row["score"], row["length"]) == (id, "t1", 81.25, 3)
    assert id in call("list").out
    shown = json.loads(call("show", id[:6], "--json").out)
    assert Path(shown["path"]).is_file()
    assert "81.25" in call("show", id).out
    assert json.loads(call("list", "--task", "other", "--json").out) == []
    assert "no such prompt" in call("list", "--task", "other").err


def test_add_a_bare_array(call: Callable[..., Any], tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.ones((3, 4), np.float32))
    assert call("add", tmp_path / "p.npy", "--task", "mnli", "--family", "NLI").status == 0
    (row,) = json.loads(call("list", "--json").out)
    assert (row["task"], row["family"], row["fingerprint"]) == ("mnli", "NLI", None)


def test_add_may_not_gainsay_the_file(call: Callable[..., Any], tmp_path: Path) -> None:
    ran = call("add", saved(tmp_path / "p.safetensors", 1), "--task", "other")
    assert ran.status == 2
    assert "'t1', not 'other'" in ran.err


def test_add_a_finished_run(call: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    saved(tmp_path / "run" / "best.safetensors", 1, task="t")
    saved(tmp_path / "run" / "embedding.safetensors", 2, task="t")
    added = json.loads(call("add", tmp_path / "run", "--json").out)
    library = Library(folder)
    np.testing.assert_array_equal(library.best(added["id"]).array, prompt(1).array)
    np.testing.assert_array_equal(library.embedding(added["id"]).array, prompt(2).array)


def test_add_tells_the_plugins(
    call: Callable[..., Any], plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(plugins, "call", lambda hook, **values: calls.append((hook, values)))
    id = call("add", saved(tmp_path / "p.safetensors", 1)).out.strip()
    ((hook, values),) = calls
    assert hook == "spotfw_prompt_added"
    assert id in values["path"]
    assert values["provenance"]["task"] == "t1"


def test_add_a_broken_file(call: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "p.safetensors").write_bytes(b"nonsense")
    ran = call("add", tmp_path / "p.safetensors")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert not folder.exists()


def test_rank_by_file_and_by_id(call: Callable[..., Any], tmp_path: Path) -> None:
    ids = [
        call("add", saved(tmp_path / f"{n}.safetensors", n, task=f"t{n % 2}")).out.strip()
        for n in range(4)
    ]
    rows = json.loads(call("rank", tmp_path / "0.safetensors", "--json").out)
    assert [r["rank"] for r in rows] == [1, 2, 3, 4]
    average = call("rank", tmp_path / "0.safetensors", "--metric", "average_token_cosine", "--json")
    assert json.loads(average.out)[0]["id"] == ids[0]
    rows = json.loads(call("rank", ids[0], "--json").out)
    assert {r["id"] for r in rows} == set(ids[1:])
    rows = json.loads(call("rank", ids[0], "--other-tasks", "--json").out)
    assert {r["task"] for r in rows} == {"t1"}
    rows = json.loads(call("rank", ids[0], "--by-task", "--top", "1", "--json").out)
    assert len(rows) == 1
    assert call("rank", ids[0]).out.startswith("Ranking for t0 (per_token_cosine)")


def test_rank_says_why_nothing_is_compared(call: Callable[..., Any], tmp_path: Path) -> None:
    call("add", saved(tmp_path / "p.safetensors", 1))
    np.save(tmp_path / "q.npy", np.ones((3, 4), np.float32))
    ran = call("rank", tmp_path / "q.npy", "--json")
    assert json.loads(ran.out) == []
    assert "1 of another model" in ran.err
    assert "--fingerprint" in ran.err
    rows = json.loads(call("rank", tmp_path / "q.npy", "--fingerprint", "f", "--json").out)
    assert len(rows) == 1


def test_mixed_models_and_lengths_are_reported(call: Callable[..., Any], tmp_path: Path) -> None:
    call("add", saved(tmp_path / "a.safetensors", 1))
    call("add", saved(tmp_path / "b.safetensors", 2, fingerprint="g"))
    save_prompt(SoftPrompt(np.ones((5, 4)), prompt(3).provenance), tmp_path / "c.safetensors")
    call("add", tmp_path / "c.safetensors")
    assert len(json.loads(call("list", "--json").out)) == 3
    for words in ((), ("--json",)):
        ran = call("rank", tmp_path / "a.safetensors", *words)
        assert "not compared: 1 of another model, 1 of another length." in ran.err.replace("\n", "")
    (row,) = json.loads(ran.out)
    assert row["task"] == "t1"


def test_an_empty_library(call: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    assert json.loads(call("list", "--json").out) == []
    assert "is empty" in call("list").err
    ran = call("rank", saved(tmp_path / "p.safetensors", 1), "--json")
    assert (ran.status, json.loads(ran.out)) == (0, [])
    assert "is empty" in ran.err
    assert call("verify").status == 0


def test_rank_against_known_results(call: Callable[..., Any], tmp_path: Path) -> None:
    ids = [call("add", saved(tmp_path / f"{n}.safetensors", n)).out.strip() for n in range(4)]
    scores = tmp_path / "scores.csv"
    scores.write_text("task,score\nt1,80\nt2,60.5\nt3,70\nother,1\n")
    ran = call("rank", ids[0], "--against", scores, "--top", "1", "--json")
    document = json.loads(ran.out)
    assert len(document["ranking"]) == 1
    assert document["scores"]["count"] == 3  # the whole ranking, whatever is shown
    assert document["scores"]["unused"] == ["other"]
    assert set(document["scores"]) >= {"spearman", "kendall", "ndcg", "regret@1", "hit@3"}
    ran = call("rank", ids[0], "--against", scores)
    assert "regret@3" in ran.out
    assert "not in the ranking: other" in ran.err
    scores.write_text("id,score\n" + f"{ids[1]},70\n{ids[2]},70\n")
    ran = call("rank", ids[0], "--against", scores)
    assert ran.status == 0
    assert "spearman, kendall: all scores are equal" in ran.err
    assert "left out: t3" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns none"),
        ("a,b\n1,2\n", "columns a, b"),
        ("task,score\nt1,\n", "line 2: the score ''"),
        ("task,score\nt1,high\n", "'high' is not a number"),
        ("task,score\nt1\n", "line 2"),
        ("task,score\nt1,1\nt1,2\n", "line 3: the task 't1' is given twice"),
        ("task,score\nt1,nan\n", "NaN"),
        ("task,score\nother,1\n", "None of the scores"),
    ],
)
def test_known_results_that_are_none(
    call: Callable[..., Any], tmp_path: Path, text: str, said: str
) -> None:
    call("add", saved(tmp_path / "1.safetensors", 1))
    (tmp_path / "scores.csv").write_text(text)
    ran = call("rank", saved(tmp_path / "2.safetensors", 2), "--against", tmp_path / "scores.csv")
    assert ran.status in (1, 2)
    assert said in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("words", [("nope",), ("p.safetensors",)])
def test_rank_of_what_is_not_there(
    call: Callable[..., Any], tmp_path: Path, words: tuple[str, ...]
) -> None:
    call("add", saved(tmp_path / "p.npy", 1))
    assert call("rank", *words).status in (1, 2)
    assert call("rank", tmp_path / "p.npy", "--metric", "cosine").status == 2


def test_verify(call: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    id = call("add", saved(tmp_path / "p.safetensors", 1)).out.strip()
    ran = call("verify")
    assert (ran.status, ran.out) == (0, "")
    assert "sound; prompts: 1" in ran.err
    (folder / f"{id}.safetensors").write_bytes(b"x")
    ran = call("verify", "--json")
    assert ran.status == 1
    document = json.loads(ran.out)
    assert not document["sound"]
    assert document["problems"][0]["name"] == f"{id}.safetensors"


def test_no_library(call: Callable[..., Any], folder: Path) -> None:
    for words in (("list",), ("verify",), ("show", "x"), ("rank", "x")):
        ran = call(*words)
        assert ran.status == 1
        assert "There is no library" in ran.err
    assert not folder.exists()


def test_transfer_says_first_that_there_is_no_library(
    spotfw_cli: Callable[..., Any], folder: Path
) -> None:
    """Before the target, the model or the metric are looked at."""
    ran = spotfw_cli("transfer", "no_such_task", "--library", folder, "--model", "no-such-model")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: There is no library {folder}")


# Explained, and for tasks


def test_rank_by_several_metrics_explained(call: Callable[..., Any], tmp_path: Path) -> None:
    for n in range(4):
        call("add", saved(tmp_path / f"{n}.safetensors", n, task=f"t{n}"))
    both = "per_token_cosine+average_token_cosine"
    words = ("rank", tmp_path / "9.safetensors", "--metric", both)
    saved(tmp_path / "9.safetensors", 9)
    rows = json.loads(call(*words, "--explain", "--json").out)
    twice = [word for name in both.split("+") for word in ("--metric", name)]
    assert json.loads(call(*words[:2], *twice, "--explain", "--json").out) == rows
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert {"per_token_cosine", "average_token_cosine:place", "reason", "passes"} < set(rows[0])
    assert rows[0]["passes"] == 0 and rows[0]["tuning_passes"] is None
    text = call(*words, "--explain", "--top", "2").out
    assert text.startswith(f"Ranking for t9 ({both})") and len(text.splitlines()) == 4
    assert " of 4 by per_token_cosine" in text
    plain = json.loads(call(*words, "--json").out)
    assert [row["id"] for row in plain] == [row["id"] for row in rows]
    assert plain[0]["similarity"] <= 2 / 61


@pytest.mark.parametrize("words", [("--prompt-length", "3"), ("--backend", "numpy")])
def test_rank_options_that_a_task_alone_has(
    words: tuple[str, str], call: Callable[..., Any], tmp_path: Path
) -> None:
    path = saved(tmp_path / "p.safetensors", 1)
    call("add", path)
    ran = call("rank", path, *words)
    assert ran.status == 2
    assert f"{words[0]} is for a task as QUERY" in ran.err


def test_rank_names_prompts_by_their_tasks_where_none_has_the_id(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    ids = [
        call("add", saved(tmp_path / f"{n}.safetensors", n, task=f"films_{n % 2}")).out.strip()
        for n in range(3)
    ]
    ran = call("rank", "film_1")
    assert ran.status == 2
    assert f"Its prompts of films_1: {ids[1][:8]}. To rank for a task, name" in ran.err
    ran = call("show", "zzz")
    assert ran.status == 2
    assert all(f"{id[:8]} (films_{n % 2})" in ran.err for n, id in enumerate(ids))


def test_rank_for_a_task_without_a_model_says_the_whole_command(
    call: Callable[..., Any], folder: Path, spotfw_tiny_tasks: tuple[Task, ...]
) -> None:
    fill_library(folder, spotfw_tiny_tasks, width=4, fingerprint="f")
    ran = call("rank", spotfw_tiny_tasks[0].origin)
    assert ran.status == 2
    assert f"`spotfw library rank {spotfw_tiny_tasks[0].origin} --model tiny --library" in ran.err
    own = Library(folder).entries(task=spotfw_tiny_tasks[0].name)
    assert f"own prompts of it are {', '.join(entry.id[:8] for entry in own)}." in ran.err


def test_rank_for_a_run_takes_its_embedding(call: Callable[..., Any], tmp_path: Path) -> None:
    ids = [call("add", saved(tmp_path / f"{n}.safetensors", n)).out.strip() for n in range(2)]
    saved(tmp_path / "run" / "best.safetensors", 0)
    saved(tmp_path / "run" / "embedding.safetensors", 1)
    rows = json.loads(call("rank", tmp_path / "run", "--json").out)
    assert rows[0]["id"] == ids[1]
    file = tmp_path / "run" / "embedding.safetensors"
    assert rows == json.loads(call("rank", file, "--json").out)


@pytest.mark.parametrize("model", [(), ("--model", "there", "--backend", "numpy")])
def test_a_data_file_is_no_task(
    model: tuple[str, ...],
    call: Callable[..., Any],
    plugins: Plugins,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    plugins.register(NumpyBackend(), "numpy")
    (tmp_path / "there").mkdir()
    (tmp_path / "mine.csv").write_text("text,label\n")
    call("add", saved(tmp_path / "p.safetensors", 1))
    ran = call("rank", "mine.csv", *model)
    assert ran.status == 2 and "Did you mean" not in ran.err
    assert "mine.csv is a file of rows" in ran.err and "task.toml" in ran.err


def test_a_task_is_not_tuned_for_a_ranking_of_nothing(
    call: Callable[..., Any],
    plugins: Plugins,
    tmp_path: Path,
    spotfw_tiny_tasks: tuple[Task, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    plugins.register(NumpyBackend(), "numpy")
    (tmp_path / "there").mkdir()
    call("add", saved(tmp_path / "p.safetensors", 1))
    ran = call("rank", spotfw_tiny_tasks[0].origin, "--model", "there", "--backend", "numpy")
    assert ran.status == 2 and not Path("runs").exists()
    assert "no prompt to compare with (1 of another model). It is the library " in ran.err
    assert "is not tuned for it" in ran.err


@pytest.mark.parametrize("words", [("library",), ("library", "list")])
def test_before_the_first_prompt_it_is_said_how_to_begin(
    words: tuple[str, ...],
    spotfw_cli: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPOTFW_LIBRARY", raising=False)
    ran = spotfw_cli(*words)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith("No prompts yet: there is no folder ./library. `spotfw tune TASK")
    assert json.loads(spotfw_cli(*words, "--json").out) == []
    # One that was named should be there.
    assert spotfw_cli("library", "list", "--library", "library").status == 1


def test_rank_for_a_task_by_its_examples(
    call: Callable[..., Any],
    folder: Path,
    plugins: Plugins,
    tmp_path: Path,
    spotfw_tiny_tasks: tuple[Task, ...],
) -> None:
    class Guess(TargetSignal):
        """Minus the mean loss."""

        name = "guess"
        measure = "minus loss"
        given: Any = None

        def with_target(self, context: TargetContext) -> TargetSignal:
            bound = Guess()
            bound.given = context
            return bound

        def signals(self, prompts: Any) -> Any:
            given = self.context_of(self.given)
            return -given.model.losses(prompts, given.examples, given.settings).mean(axis=1)

        def passes(self, context: TargetContext) -> float:
            return float(len(context.examples))

    class Own:
        @spotfw.hookimpl
        def spotfw_similarity_metrics(self) -> list[Any]:
            return [Guess()]

    backend = NumpyBackend()
    plugins.register(backend, "numpy")
    plugins.register(Own(), "own")
    model = backend.open(str(tmp_path))
    fill_library(folder, spotfw_tiny_tasks[1:], width=model.width, fingerprint=model.fingerprint)
    length = str(Library(folder).entries()[0].length)
    words = ("rank", spotfw_tiny_tasks[0].origin, "--metric", "guess")
    asked = ("--model", tmp_path, "--backend", "numpy", "--prompt-length", length)
    rows = json.loads(call(*words, *asked, "--explain", "--json").out)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert all(row["passes"] == 40 and row["guess"] < 0 for row in rows)
    explained = call(*words, *asked, "--explain")
    assert rows[0]["reason"] == "1st of 4 by guess"
    # One metric decides, and the rank says it already.
    assert "1st of 4" not in explained.out and "passes" in explained.out
    # It may take long, and no bar is drawn.
    assert "Ranking by guess: 40 forward passes of an example of tiny_" in explained.err
    heading = call(*words, *asked).out.splitlines()[1]
    assert heading.split("  ")[:2] == ["rank", "minus loss"] and "similarity" not in heading
