"""What seqio's registry holds once t5's tasks and mixtures are in it."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from spotfw.tasks.seqio.compat import seqio


def registered_names() -> list[str]:
    """Names of all registered tasks and mixtures, sorted."""
    register()
    return sorted({*seqio.TaskRegistry.names(), *seqio.MixtureRegistry.names()})


def registered_task(name: str) -> Any:
    """The registered `seqio.Task` itself."""
    register()
    return seqio.TaskRegistry.get(name)


@functools.cache
def register() -> None:
    """Fills the registry with t5's tasks and mixtures."""
    for module in ("t5.data.tasks", "t5.data.mixtures"):
        importlib.import_module(module)
