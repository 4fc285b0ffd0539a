"""The demo on the bundled model, in miniature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

import spotfw
from spotfw.plugins import default_plugins
from spotfw.study.demo import run_demo, run_on_workers
from spotfw_playground.bundled import DEMO

SETTINGS = {"steps": 6, "checkpoint_every": 3, "embedding_step": 3, "max_eval_examples": 16}
PLAN = attrs.evolve(
    DEMO,
    sources=DEMO.sources[:2],
    targets=DEMO.targets[:1],
    source=SETTINGS,
    target=SETTINGS,
    mixture=SETTINGS,
)


def opening(folder: Path) -> dict[str, Any]:
    return {
        "model": "playground",
        "library": str(folder / "library"),
        "runs": str(folder / "runs"),
    }


@pytest.mark.slow
def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    steps: list[int] = []
    apart = run_on_workers(
        opening(tmp_path / "apart"),
        PLAN,
        seeds=(0, 1),
        metric="average_token_cosine",
        executor=default_plugins().executor("processes:workers=2"),
        progress=lambda done, what: steps.append(done),
    )
    session = spotfw.Session(**opening(tmp_path / "one"))
    alone = run_demo(session, PLAN, seeds=(0, 1), metric="average_token_cosine")
    assert apart.sources == alone.sources
    assert apart.rows == alone.rows
    assert steps == sorted(steps) and steps[-1] > 6


@pytest.mark.slow
def test_an_error_in_a_worker_is_raised_plainly(tmp_path: Path) -> None:
    with pytest.raises(spotfw.SpotError, match="film_revews"):
        run_on_workers(
            opening(tmp_path),
            attrs.evolve(PLAN, sources=("film_revews",)),
            seeds=(0,),
            metric="average_token_cosine",
            executor=default_plugins().executor("processes:workers=1"),
        )


def test_the_bundled_plan_names_tasks_that_are_there() -> None:
    plugins = default_plugins()
    families = {plugins.task(name).family for name in DEMO.sources}
    assert all(plugins.task(name).family in families for name in DEMO.targets)
    assert not set(DEMO.sources) & set(DEMO.targets)
