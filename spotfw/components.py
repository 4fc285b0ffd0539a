"""What each kind of part must have, and collecting parts from the hooks of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from spotfw.loading import Loader, one_line
from spotfw.tasks import Mixture, Task

#: Kind of part -> its hook, and the attributes of a part that must be callable.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "task source": ("spotfw_task_sources", ("tasks",)),
    "initializer": ("spotfw_prompt_initializers", ("__call__",)),
    "metric": ("spotfw_similarity_metrics", ("features", "compare", "__call__")),
    "strategy": ("spotfw_selection_strategies", ("__call__",)),
    "backend": ("spotfw_backends", ("open",)),
    "model": ("spotfw_models", ("folder",)),
    "command": ("spotfw_commands", ("main",)),
}


@attrs.frozen
class Component:
    """A part of some kind, the distribution that gives it and its plugin's key."""

    kind: str
    name: str
    owner: str
    plugin: str
    value: Any = attrs.field(repr=False, eq=False)


def collect_parts(loader: Loader, kind: str) -> Iterator[Component]:
    """Calls the hook of a kind in every plugin; what breaks the contract is told and left out."""
    hook, methods = KINDS[kind]
    for one in getattr(loader.manager.hook, hook).get_hookimpls():
        plugin = loader.plugin(one.plugin_name)
        try:
            for part in one.function():
                fault = _fault(part, methods)
                if fault:
                    loader.fail(plugin, f"{hook} gave {part!r:.80}, which {fault}")
                else:
                    yield Component(kind, part.name, plugin.distribution, plugin.key, part)
        except Exception as error:
            loader.fail(plugin, f"{hook} raised {one_line(error)}")


def collect_tasks(loader: Loader, source: Component) -> Iterator[Component]:
    """Lists the tasks of a task source; one that raises is told and ends there."""
    plugin = loader.plugin(source.plugin)
    try:
        for task in source.value.tasks():
            if isinstance(task, (Task, Mixture)):
                yield as_component(source, task)
            else:
                what = f"task source {source.name!r} gave {task!r:.80}, which is no task"
                loader.fail(plugin, what)
    except Exception as error:
        loader.fail(plugin, f"task source {source.name!r} raised {one_line(error)}")


def as_component(source: Component, task: Task | Mixture) -> Component:
    """A task of a source; one that does not say its origin gets the distribution's name."""
    if not task.origin:
        task = attrs.evolve(task, origin=source.owner)
    return Component("task", task.name, source.owner, source.plugin, task)


def _fault(part: Any, methods: tuple[str, ...]) -> str | None:
    """What keeps a part from its contract, or None."""
    if isinstance(part, type):
        return "is a class; give an instance"
    name = getattr(part, "name", None)
    if not isinstance(name, str) or not name:
        return "has no name"
    missing = [m for m in methods if not callable(getattr(part, m, None))]
    return f"has no {missing[0]}" if missing else None
