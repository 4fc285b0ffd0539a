"""A cell whose worker is lost is tried again, and set aside after three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw.contracts import JobEnded, JobPool
from spotfw.contracts.jobs import JobEvent, StartWorker
from spotfw.plugins import Plugins
from spotfw.plugins.builtin.executors import InProcess
from spotfw.study import read_rows, run
from spotfw.study.grid.declaration import Study, parse_study
from spotfw.testing import NumpyBackend
from tests.study.conftest import DOCUMENT

#: Two sources and a target, nothing else.
_FEW: dict[str, Any] = {"oracle": False, "seeds": [0]}
_ALL = ("strategies", "ks", "mixture", "generic")


@attrs.frozen
class Losing:
    """Loses the worker of some jobs, in this process."""

    losses: Counter[str]
    submitted: Counter[str] = attrs.field(factory=Counter)
    name = "losing"
    isolated = False

    def open(
        self, start: StartWorker, *, jobs: int, resources: Mapping[str, float] | None = None
    ) -> JobPool:
        return _LosingPool(InProcess().open(start, jobs=jobs), self)


class _LosingPool:
    def __init__(self, pool: JobPool, executor: Losing) -> None:
        self._pool, self._executor = pool, executor
        self._lost: list[JobEvent] = []
        self.close = pool.close

    @property
    def idle(self) -> int:
        return 0 if self._lost else self._pool.idle

    def submit(self, key: str, job: Any) -> None:
        task = job.get("tasks", [job.get("metric")])[0]
        self._executor.submitted[Path(task).stem] += 1
        if self._executor.losses[Path(task).stem]:
            self._executor.losses[Path(task).stem] -= 1
            self._lost.append(JobEnded(key, error="The node is gone.", lost=True))
        else:
            self._pool.submit(key, job)

    def wait(self, seconds: float) -> list[JobEvent]:
        lost, self._lost = self._lost, []
        return lost or self._pool.wait(seconds)


@pytest.fixture
def study(tmp_path: Path, spotfw_task_folder: Path) -> Study:
    (tmp_path / "model").mkdir()
    document = DOCUMENT | {"model": str(tmp_path / "model"), "open": {"backend": "numpy"}} | _FEW
    document = {key: value for key, value in document.items() if key not in _ALL}
    return parse_study(document, str(spotfw_task_folder / "study.toml"))


@pytest.fixture
def outcome_of(study: Study, tmp_path: Path) -> Callable[..., tuple[Any, Losing, list[str]]]:
    def ran(out: str, **losses: int) -> tuple[Any, Losing, list[str]]:
        plugins = Plugins(entry_points=False)
        plugins.register(NumpyBackend(), "numpy")
        executor, lines = Losing(Counter(losses)), list[str]()
        folder = str(tmp_path / out)
        outcome = run(study, folder, executor=executor, plugins=plugins, notify=lines.append)
        return outcome, executor, lines

    return ran


def test_two_lost_workers_change_nothing_but_the_tries(
    outcome_of: Callable[..., tuple[Any, Losing, list[str]]], tmp_path: Path
) -> None:
    outcome_of("calm")
    outcome, executor, lines = outcome_of("rough", tiny_reviews=2)
    assert not outcome.failed and outcome.done == outcome.cells
    assert executor.submitted["tiny_reviews"] == 3 and executor.submitted["tiny_things"] == 1
    assert len(lines) == 2 and all("tried again" in line for line in lines)
    calm, rough = (
        [
            attrs.evolve(row, wall_seconds=None, cpu_seconds=None, created="")
            for row in read_rows(str(tmp_path / out))
        ]
        for out in ("calm", "rough")
    )
    assert calm == rough


def test_a_cell_that_loses_every_worker_is_set_aside(
    outcome_of: Callable[..., tuple[Any, Losing, list[str]]],
) -> None:
    outcome, executor, _ = outcome_of("out", tiny_reviews=99)
    assert outcome.failed == {"source tiny_reviews, seed 0": "The node is gone."}
    assert executor.submitted["tiny_reviews"] == 3
    # The next run of the study tries it again.
    again, executor, _ = outcome_of("out")
    assert not again.failed and executor.submitted["tiny_reviews"] == 1
