"""Strategies whose candidates are none, or are of nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.campaigns.acts.hostile.objects import Bad, Unequal, raising
from benchmarks.campaigns.acts.hostile.registered import plugin_with, plugins_alone
from benchmarks.campaigns.verdict import Act


def acts() -> Iterator[Act]:
    """Each of the strategies."""
    for name in _candidates():
        yield f"strategy gives {name}", lambda n=name: _chosen(n)


def _candidates() -> dict[str, Any]:
    from spotfw.contracts import (
        Race,
        StartFromAverage,
        StartFromMixture,
        StartFromPrompt,
        StartFromScratch,
    )

    def made(kind: Any, *values: Any, **named: Any) -> Any:
        return lambda ranking, k: [kind(*values, **named)]

    weights: tuple[Any, ...] = (1, "1", None, float("nan"), True, 10**400, [], 1j)
    strategies: dict[str, Any] = {
        "sound": lambda ranking, k: [StartFromPrompt(entry.id) for entry in ranking[:k]],
        "none": lambda ranking, k: None,
        "number": lambda ranking, k: 3,
        "text": lambda ranking, k: "abc",
        "empty": lambda ranking, k: [],
        "endless": lambda ranking, k: (StartFromScratch() for _ in iter(int, 1)),
        "dict": lambda ranking, k: {"a": 1},
        "class": lambda ranking, k: [StartFromScratch],
        "bare": lambda ranking, k: StartFromScratch(),
        "unequal": lambda ranking, k: Unequal(),
        "unequal in list": lambda ranking, k: [Unequal()],
        "base": raising(Bad("hostile")),
        "exits": raising(SystemExit(2)),
        "many": lambda ranking, k: [StartFromScratch()] * 100_000,
        "unknown id": made(StartFromPrompt, "ffff"),
        "id none": made(StartFromPrompt, None),
        "id number": made(StartFromPrompt, 3),
        "id list": made(StartFromPrompt, ["a"]),
        "id escapes": made(StartFromPrompt, "\x1b[31m"),
        "id path": made(StartFromPrompt, "../x"),
        "id prefix": made(StartFromPrompt, ""),
        "mixture none": made(StartFromMixture, None),
        "mixture empty": made(StartFromMixture, ()),
        "mixture text": made(StartFromMixture, "abc"),
        "mixture number": made(StartFromMixture, (3,)),
        "mixture list": made(StartFromMixture, ["a", "b"]),
        "average empty": made(StartFromAverage, (), ()),
        "average none": made(StartFromAverage, None, None),
        "average text": made(StartFromAverage, "ab", "12"),
        "race none": made(Race, None),
        "race empty": made(Race, ()),
        "race text": made(Race, "abc"),
        "race of races": lambda ranking, k: [Race((Race((StartFromScratch(),)),))],
        "race rungs": lambda ranking, k: [Race((StartFromScratch(),) * 2, rungs=(float("nan"),))],
        "race rungs text": lambda ranking, k: [Race((StartFromScratch(),) * 2, rungs="abc")],
        "race list": lambda ranking, k: [Race([StartFromScratch()] * 3)],
    }
    for number, weight in enumerate(weights):
        strategies[f"weight {number}"] = lambda ranking, k, w=weight: [
            StartFromAverage((ranking[0].id,), (w,))
        ]
    return strategies


def _chosen(name: str) -> str | None:
    from spotfw.config import TuningSettings
    from spotfw.plugins import Plugins
    from spotfw.recipe.rounds import carry_out
    from spotfw.recipe.run_folder import Scored
    from spotfw.recipe.transfer import choose, run_candidates
    from spotfw.recipe.tuning import TunedPrompt, Tuning
    from spotfw.testing.tiny_library import fill_library
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    no_task: Any = None
    with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as folder:
        library = fill_library(f"{folder}/l", write_tiny_tasks(f"{folder}/t"), seeds=1)
        query = library.best(library.entries()[0].id)
        metric = Plugins(environ={}, entry_points=False).metric("per_token_cosine")
        ranking = library.rank(query, metric)

        def tuning(start: Any, name: Any, steps: int | None = None) -> Tuning:
            if not isinstance(name, str):
                raise AssertionError("a run without a name")
            if start is not None and not np.isfinite(start.array).all():
                raise AssertionError("a start that is no number")
            return Tuning(task=no_task, settings=TuningSettings(), out=name, start=start)

        def tuned(asked: Tuning) -> TunedPrompt:
            prompt = asked.start or query
            history = tuple(
                Scored(step=n, loss=1.0, score=1.0, metrics={}) for n in range(1000, 31000, 1000)
            )
            return TunedPrompt(
                best=prompt, embedding=prompt, final=prompt, history=history, folder=folder
            )

        def mixing(names: Any) -> Tuning:
            if not names or not all(isinstance(n, str) for n in names):
                raise AssertionError("a mixture of no tasks")
            return Tuning(task=no_task, settings=TuningSettings(), out="+".join(names))

        strategy = _candidates()[name]
        plugins = plugins_alone()
        part = type("Part", (), {"name": "mine", "__call__": staticmethod(strategy)})()
        plugins.register(plugin_with("spotfw_selection_strategies", lambda: [part]), "hostile")
        with plugins.blaming("strategy", "mine"):
            candidates = choose(plugins.strategy("mine"), ranking, 2)
        plan = run_candidates("target", ranking, candidates, library.best, tuning, mixing)
        carry_out(plan, lambda tunings: [tuned(asked) for asked in tunings])
    return None
