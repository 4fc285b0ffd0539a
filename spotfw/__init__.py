"""Soft prompt transfer (SPoT): learn prompts on a frozen T5, keep them, start from them.

Importing this package imports nothing heavy: each public name is looked up when it is
first used, and TensorFlow is loaded only when a model is opened or a task built.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from spotfw.version import API_VERSION, __version__, answer_old_paths

#: Public name -> the module that holds it.
_HOMES = {
    "Mixture": "spotfw.tasks",
    "Session": "spotfw.recipe.session",
    "SoftPrompt": "spotfw.prompts",
    "SpotError": "spotfw.errors",
    "Task": "spotfw.tasks",
    "TuningSettings": "spotfw.config",
    "hookimpl": "spotfw.hookspecs",
    "load_prompt": "spotfw.prompts",
    "save_prompt": "spotfw.prompts",
}

#: Modules reachable as attributes without importing them first.
_MODULES = ("contracts", "metrics", "study")

__all__ = [
    "API_VERSION",
    "Mixture",
    "Session",
    "SoftPrompt",
    "SpotError",
    "Task",
    "TuningSettings",
    "__version__",
    "contracts",
    "hookimpl",
    "load_prompt",
    "metrics",
    "save_prompt",
    "study",
]

if TYPE_CHECKING:
    from spotfw import contracts, metrics, study
    from spotfw.config import TuningSettings
    from spotfw.errors import SpotError
    from spotfw.hookspecs import hookimpl
    from spotfw.prompts import SoftPrompt, load_prompt, save_prompt
    from spotfw.recipe.session import Session
    from spotfw.tasks import Mixture, Task


answer_old_paths()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"spotfw.{name}")
    else:
        raise AttributeError(f"module 'spotfw' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
