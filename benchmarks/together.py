"""16 prompts tuned together against one after another, on the CPU, by CPU seconds.

``python -m benchmarks.cohort --engine mesh|torch|both [--json FILE] [--models playground english]``
runs it; see there. Both ways are gone once before they are timed, so that no program is built
while the clock runs, and then in turns; a figure is the median.
"""

from __future__ import annotations

import functools
import os
import resource
import statistics
from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np

from benchmarks.rows import Row
from spotfw import Session
from spotfw.cli.display import Progress, note_wait
from spotfw.contracts import Array, FrozenModel, TuneRequest, TuningState

PROMPTS = 16


@attrs.frozen(kw_only=True)
class Work:
    """What is tuned on a model.

    Attributes:
      tasks: PROMPTS of them in turn, each with a seed of its own.
      steps: of each prompt.
      cohort: most prompts that the Mesh engine updates at once.
      goal: together to one after another, in CPU seconds.
    """

    tasks: Sequence[str]
    steps: int
    cohort: int
    goal: float


WORK = {
    "playground": Work(
        tasks=("hotel_reviews", "wording_things", "who_errands", "topic_letters"),
        steps=8,
        cohort=6,
        goal=0.5,
    ),
    "english": Work(tasks=("shop_reviews", "fact_or_opinion"), steps=2, cohort=2, goal=0.7),
}


def compared(models: Sequence[str], engines: Sequence[str], pairs: int) -> Iterator[Row]:
    """The rows of every model on every engine.

    Args:
      models: keys of `WORK`.
      engines: of spotfw.
      pairs: how often each way is timed.
    """
    for name in models:
        for engine in engines:
            work = WORK[name]
            note_wait(f"{name}, {engine}: opening the model ...")
            options = {"cohort": work.cohort} if engine == "mesh" else {}
            session = Session(name, backend=engine, progress=False, **options)
            yield from _rows(f"{name}, {engine}", session, work, pairs)
            session.model.close()


def _rows(what: str, session: Session, work: Work, pairs: int) -> list[Row]:
    requests = _requests(session, work)
    ways = [functools.partial(way, session.model, requests) for way in (_together, _alone)]
    load = os.getloadavg()[0]
    with Progress(what, 2 * (pairs + 1), unit="passes", every=5.0) as progress:

        def timed_way(number: int) -> tuple[float, list[Array]]:
            progress.update(number, now=("together", "one by one")[number % 2])
            return _timed(ways[number % 2])

        first = [timed_way(number) for number in (0, 1)]
        timed = [[timed_way(2 * pair + n)[0] for n in (0, 1)] for pair in range(1, pairs + 1)]
    ours, theirs = (statistics.median(pair[side] for pair in timed) for side in (0, 1))
    ratio = statistics.median(pair[0] / pair[1] for pair in timed)
    apart = max(
        float(np.linalg.norm(a - b) / np.linalg.norm(b))
        for a, b in zip(first[0][1], first[1][1], strict=True)
    )
    work_done = f"{what}: {PROMPTS} prompts of {work.steps} steps"
    goal = f"<= {work.goal}"
    return [
        Row(f"{work_done}, together", ours, theirs, "CPU s", ratio, goal, ratio <= work.goal),
        Row(f"{what}: with all programs built", first[0][0], first[1][0], "CPU s", None, "", None),
        Row(
            f"{what}: prompts together from alone",
            apart,
            None,
            "relative",
            None,
            "<= 1e-5",
            apart <= 1e-5,
        ),
        Row(f"{what}: load of the machine", load, None, "processes", None, "", None),
    ]


def _requests(session: Session, work: Work) -> list[TuneRequest]:
    settings = session.settings(steps=work.steps, checkpoint_every=work.steps)
    asked = []
    for number in range(PROMPTS):
        random = np.random.default_rng(number)
        shape = settings.prompt_length, session.model.width
        start = TuningState(step=0, prompt=random.standard_normal(shape).astype(np.float32))
        task = session.task(work.tasks[number % len(work.tasks)])
        own = attrs.evolve(settings, seed=number)
        asked.append(TuneRequest(task=task, settings=own, start=start))
    return asked


def _together(model: FrozenModel, requests: Sequence[TuneRequest]) -> list[Array]:
    """The last prompt of each request."""
    prompts: dict[int, Array] = {}
    for report in model.tune(requests):
        if report.error is not None:
            raise report.error
        if report.state is not None:
            prompts[report.request] = report.state.prompt
    return [prompts[index] for index in range(len(requests))]


def _alone(model: FrozenModel, requests: Sequence[TuneRequest]) -> list[Array]:
    return [prompt for request in requests for prompt in _together(model, [request])]


def _timed(way: Callable[[], list[Array]]) -> tuple[float, list[Array]]:
    before = _cpu_seconds()
    prompts = way()
    return _cpu_seconds() - before, prompts


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
