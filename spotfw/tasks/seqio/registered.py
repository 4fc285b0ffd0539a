"""What seqio's registry holds once t5's tasks and mixtures are in it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

from spotfw.tasks.seqio.compat import seqio


def registered_names() -> list[str]:
    """Names of all registered tasks and mixtures, sorted."""
    _register()
    return sorted({*seqio.TaskRegistry.names(), *seqio.MixtureRegistry.names()})


def registered_task(name: str) -> Any:
    """The registered `seqio.Task` itself.

    Raises:
      ValueError: there is none of that name.
    """
    _register()
    return seqio.TaskRegistry.get(name)


def find_task(name: str) -> Any | None:
    """The registered `seqio.Task` of a name, None where there is none."""
    _register()
    return seqio.TaskRegistry.get(name) if name in seqio.TaskRegistry.names() else None


def find_mixture(name: str) -> Any | None:
    """The registered `seqio.Mixture` of a name, None where there is none."""
    _register()
    return seqio.MixtureRegistry.get(name) if name in seqio.MixtureRegistry.names() else None


def rates_of(mixture: Any) -> list[Mapping[str, Any]]:
    """Rates by name of a `seqio.Mixture` and of the mixtures in it."""
    rates = [mixture.rate_per_task_name]
    for name in mixture.rate_per_task_name:
        inner = find_mixture(name)
        if inner is not None:
            rates += rates_of(inner)
    return rates


@functools.cache
def _register() -> None:
    """Fills the registry with t5's tasks and mixtures."""
    for module in ("t5.data.tasks", "t5.data.mixtures"):
        importlib.import_module(module)
