"""Initializers whose start is no prompt, or who reach for what is the model's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.campaigns.acts.hostile.objects import Bad, Unequal, endless, printing, raising
from benchmarks.campaigns.acts.hostile.paper_model import PaperModel
from benchmarks.campaigns.acts.hostile.registered import plugins_alone
from benchmarks.campaigns.verdict import Act


def acts() -> Iterator[Act]:
    """Each of the initializers."""
    for name in INITIALIZERS:
        yield f"initializer {name}", lambda n=name: _started(n)


def _hostile_array(dtype: Any = np.float32) -> Any:
    return np.ones((3, 4), dtype)


#: What an initializer may give or do; the first is sound.
INITIALIZERS: dict[str, Callable[..., Any]] = {
    "sound": lambda context, rng: _hostile_array(),
    "none": lambda context, rng: None,
    "text": lambda context, rng: "abc",
    "object": lambda context, rng: np.array([[object()] * 4] * 3),
    "ragged": lambda context, rng: [[1.0], [1.0, 2.0]],
    "complex": lambda context, rng: _hostile_array(np.complex64),
    "nan": lambda context, rng: _hostile_array() * np.nan,
    "huge": lambda context, rng: _hostile_array(np.float64) * 1e300,
    "shape": lambda context, rng: np.ones((4, 3), np.float32),
    "unequal": lambda context, rng: Unequal(),
    "endless": lambda context, rng: endless(),
    "writes": lambda context, rng: context.embeddings.__setitem__(0, 9.0) or _hostile_array(),
    "unlocks": lambda context, rng: context.embeddings.setflags(write=True) or _hostile_array(),
    "base": raising(Bad("hostile")),
    "exits": raising(SystemExit(0)),
    "interrupts late": raising(GeneratorExit()),
    "prints": printing(np.ones((3, 4), np.float32)),
}


def _started(name: str) -> str | None:
    import spotfw
    from spotfw.recipe.starts import initial_prompt
    from spotfw.tasks import Task

    class Part:
        __call__ = staticmethod(INITIALIZERS[name])

    Part.name = "mine"  # type: ignore[attr-defined]

    class Plugin:
        @spotfw.hookimpl
        def spotfw_prompt_initializers(self) -> list[Any]:
            return [Part()]

    plugins = plugins_alone()
    plugins.register(Plugin(), "hostile")
    model = PaperModel()
    task = Task(
        name="t", family="f", type="classification", labels=(), metrics=(), splits={}, build=len
    )
    fault: Exception | None = None
    given = np.zeros((3, 4), np.float32)
    try:
        given = initial_prompt(
            model, task, plugins, length=3, seed=0, initializer="mine", start=None
        )
    except Exception as error:
        fault = error
    if not (model.embeddings == 1).all():
        return "an initializer wrote into the frozen embeddings"
    if fault is not None:
        raise fault
    if given.shape != (3, 4) or given.dtype != np.float32 or not np.isfinite(given).all():
        return "a start that is no prompt"
    return None
