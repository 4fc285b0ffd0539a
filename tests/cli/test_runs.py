"""The table of runs: what need not be said of each, and how far each is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw.cli.runs import _above, _print, _start
from spotfw.recipe.comparing import RunFacts, differing, differing_of_one_kind

RUN = RunFacts(
    folder="runs/a",
    task="t",
    model="m",
    fingerprint="f",
    init="prompt#0123",
    source="film_reviews (seed 0)",
    settings={"steps": 1_000, "seed": 0},
    step=500,
    best_step=500,
    score=70.0,
    seconds=1.0,
)


@pytest.mark.parametrize(
    ("folders", "above"),
    [
        (["runs/a"], ""),
        (["runs/a", "runs/x/b"], "runs"),
        (["a", "b"], ""),
        (["runs/a", "/runs/b"], ""),
        (["gs://b/a", "gs://b/c"], ""),
        (["runs/a", "runs/a"], ""),
    ],
)
def test_a_folder_in_which_all_lie_is_said_once(folders: list[str], above: str) -> None:
    assert _above(folders) == above


def test_how_far_a_run_is_and_what_it_started_from(capsys: pytest.CaptureFixture[str]) -> None:
    other = attrs.evolve(RUN, folder="runs/b", settings={"steps": 500, "seed": 1})
    _print([RUN, other], [name for name in differing([RUN, other]) if name != "steps"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "Runs below runs",
        "All: task t, model m, started from film_reviews (seed 0)",
    ]
    assert [line.split() for line in lines[2:]] == [
        ["run", "steps", "score", "at", "step", "seed"],
        ["a", "500", "of", "1,000", "70.00", "500", "0"],
        ["b", "500", "70.00", "500", "1"],
    ]
    # A record keeps the steps it was begun with; a resumed run has more.
    _print([attrs.evolve(RUN, step=2_000)], [])
    assert "2,000  " in (table := capsys.readouterr().out) and " of 1,000" not in table


def test_engines_are_told_apart_and_settings_make_room_for_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = attrs.evolve(RUN, folder="runs/b", init="model", source="", engine="torch")
    both = [attrs.evolve(RUN, engine="mesh", settings={"steps": 9, "checkpoint_every": 7}), weights]
    _print(both, ["checkpoint_every"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "All: task t, model m"
    assert lines[2].split()[:4] == ["run", "engine", "started", "from"]
    assert lines[2].endswith("checkpoint_every")
    assert "  torch   the model (all weights) " in lines[4]
    monkeypatch.setattr("spotfw.cli.display.is_terminal", lambda stream: True)
    monkeypatch.setattr("spotfw.cli.display.terminal_width", lambda: 70)
    monkeypatch.setenv("NO_COLOR", "1")
    _print(both, ["checkpoint_every"])
    narrow = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in narrow[5:]] == [
        "",
        "run  settings that differ",
        "a    checkpoint_every 7",
    ]


def test_no_runs_yet_is_no_error(
    spotfw_cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = spotfw_cli("runs", "--json")
    assert ran.status == 0 and '"runs": []' in ran.out
    (tmp_path / "runs").mkdir()
    assert "holds no run" in spotfw_cli("runs").err


def test_a_folder_or_an_option_in_the_place_of_the_command_is_led_there(
    spotfw_cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    ran = spotfw_cli("runs", "mine")
    assert ran.status == 2 and "`spotfw runs compare mine`" in ran.err
    assert "No such command" in spotfw_cli("runs", "nothing").err
    ran = spotfw_cli("tasks", "--family", "NLI")
    assert ran.status == 2 and "`spotfw tasks list --family NLI`" in ran.err
    assert "No such option" in spotfw_cli("tasks", "--famous").err


def test_settings_that_come_with_the_model_or_the_method_are_no_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prompt = {"steps": 9, "seed": 0, "prompt_length": 20, "batch_size": 32, "dropout": 0.0}
    runs = [
        attrs.evolve(RUN, folder="runs/a", settings=prompt),
        attrs.evolve(RUN, folder="runs/b", settings=prompt | {"seed": 1}),
        attrs.evolve(RUN, folder="runs/c", model="n", settings=prompt | {"prompt_length": 8}),
        attrs.evolve(RUN, folder="runs/d", settings={"steps": 9, "batch_tokens": None}),
    ]
    assert differing_of_one_kind(runs) == ["seed"]
    runs.append(attrs.evolve(runs[0], settings=prompt | {"batch_size": 8, "dropout": 0.1}))
    _print(runs, differing_of_one_kind(runs))
    above, below = capsys.readouterr().out.split("\n\n")
    assert "dropout" not in above and "None" not in below
    # What more than half of the runs share is said once, and of the others what they have.
    lines = [" ".join(line.split()) for line in below.splitlines()]
    assert lines[0] == "Unless it is said below: batch_size 32, dropout 0.0, seed 0"
    assert lines[2:] == ["b seed 1", "a batch_size 8, dropout 0.1"]


def test_what_all_weights_started_from(tmp_path: Path) -> None:
    about = tmp_path / "mixture" / "model" / "model_tuning.json"
    about.parent.mkdir(parents=True)
    about.write_text("{}")
    first = attrs.evolve(RUN, init="model", source="")
    assert _start(first) == "the model (all weights)"
    second = attrs.evolve(first, model=str(about.parent), init="model, optimizer restored")
    assert _start(second) == f"{tmp_path / 'mixture'} (all weights)"
    assert _start(attrs.evolve(first, init="lm_adaptation")) == "the model (LM adaptation)"
    assert _start(RUN) == "film_reviews (seed 0)"
