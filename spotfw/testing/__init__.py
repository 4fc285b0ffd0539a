"""For authors of plugins: conformance suites called in one line, and small test data.

>>> from spotfw.testing import check_similarity_metric
>>> check_similarity_metric(MyMetric())            # AssertionError: a sentence for each fault

Each suite raises one `AssertionError` that names every promise a component does not keep.
``spotfw plugins check DIST`` runs them on what is installed. pytest finds the fixtures of
`spotfw.testing.fixtures` by itself wherever spotfw is installed. Importing this package, and
starting pytest with it, loads no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

#: Public name -> the module that holds it.
_HOMES = {
    "NumpyBackend": "spotfw.testing.numpy_backend",
    "NumpyModel": "spotfw.testing.numpy_model",
    "Outcome": "spotfw.testing.suites",
    "check_backend": "spotfw.testing.backends",
    "check_executor": "spotfw.testing.executors",
    "check_prompt_initializer": "spotfw.testing.initializers",
    "check_selection_strategy": "spotfw.testing.strategies",
    "check_similarity_metric": "spotfw.testing.metrics",
    "check_task_source": "spotfw.testing.task_sources",
    "check_tracker": "spotfw.testing.trackers",
    "fill_library": "spotfw.testing.tiny_library",
    "write_tiny_model": "spotfw.testing.tiny_model",
    "write_tiny_tasks": "spotfw.testing.tiny_tasks",
}

__all__ = [
    "NumpyBackend",
    "NumpyModel",
    "Outcome",
    "check_backend",
    "check_executor",
    "check_prompt_initializer",
    "check_selection_strategy",
    "check_similarity_metric",
    "check_task_source",
    "check_tracker",
    "fill_library",
    "write_tiny_model",
    "write_tiny_tasks",
]

if TYPE_CHECKING:
    from spotfw.testing.backends import check_backend
    from spotfw.testing.executors import check_executor
    from spotfw.testing.initializers import check_prompt_initializer
    from spotfw.testing.metrics import check_similarity_metric
    from spotfw.testing.numpy_backend import NumpyBackend
    from spotfw.testing.numpy_model import NumpyModel
    from spotfw.testing.strategies import check_selection_strategy
    from spotfw.testing.suites import Outcome
    from spotfw.testing.task_sources import check_task_source
    from spotfw.testing.tiny_library import fill_library
    from spotfw.testing.tiny_model import write_tiny_model
    from spotfw.testing.tiny_tasks import write_tiny_tasks
    from spotfw.testing.trackers import check_tracker


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'spotfw.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
