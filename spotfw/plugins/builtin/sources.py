"""Where tasks come from without a plugin: task files, t5's tasks, seqio's registry."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw.contracts import TaskSource
from spotfw.hookspecs import hookimpl


@hookimpl
def spotfw_task_sources() -> Iterable[TaskSource]:
    from spotfw.tasks.t5.catalogue import T5Tasks
    from spotfw.tasks.t5.registry import SeqioRegistry
    from spotfw.tasks.tables.source import TaskFiles

    return [TaskFiles(), T5Tasks(), SeqioRegistry()]
