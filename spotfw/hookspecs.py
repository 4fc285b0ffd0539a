"""Every hook a plugin can implement, on one page.

A plugin is a module or an object whose functions carry ``@spotfw.hookimpl``; a
distribution names it under the entry-point group ``spotfw``. An implementation may take
fewer arguments than the specification. Built-in parts come through the same hooks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from spotfw.contracts import (
        Backend,
        NamedModel,
        PromptInitializer,
        SelectionStrategy,
        SimilarityMetric,
        TaskSource,
    )

hookspec = pluggy.HookspecMarker("spotfw")
hookimpl = pluggy.HookimplMarker("spotfw")


@hookspec
def spotfw_task_sources() -> Iterable[TaskSource]:  # type: ignore[empty-body]
    """Return the task sources of this plugin. Called when a task is first looked up."""


@hookspec
def spotfw_prompt_initializers() -> Iterable[PromptInitializer]:  # type: ignore[empty-body]
    """Return the ways this plugin can start a prompt."""


@hookspec
def spotfw_similarity_metrics() -> Iterable[SimilarityMetric]:  # type: ignore[empty-body]
    """Return the ways this plugin can compare two task embeddings."""


@hookspec
def spotfw_selection_strategies() -> Iterable[SelectionStrategy]:  # type: ignore[empty-body]
    """Return the ways this plugin can choose among ranked sources."""


@hookspec
def spotfw_backends() -> Iterable[Backend]:  # type: ignore[empty-body]
    """Return the engines of this plugin that can open and tune a frozen model."""


@hookspec
def spotfw_models() -> Iterable[NamedModel]:  # type: ignore[empty-body]
    """Return the frozen models this plugin knows by name."""


@hookspec
def spotfw_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Return click commands to add to ``spotfw``. Called when the command line starts."""


@hookspec
def spotfw_run_started(run: dict[str, Any]) -> None:
    """Called in the tuning process before the first step; `run` is the run's settings."""


@hookspec
def spotfw_checkpoint_saved(run: dict[str, Any], step: int, scores: dict[str, float]) -> None:
    """Called after a checkpoint was scored and written."""


@hookspec
def spotfw_run_finished(run: dict[str, Any], scores: dict[str, float]) -> None:
    """Called once the best prompt of a run is written."""


@hookspec
def spotfw_run_failed(run: dict[str, Any], error: BaseException) -> None:
    """Called when a run ends by an error; what was saved stays."""


@hookspec
def spotfw_prompt_added(path: str, provenance: dict[str, Any]) -> None:
    """Called after a prompt was added to a library."""
