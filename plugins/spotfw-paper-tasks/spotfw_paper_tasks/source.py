"""The data sets of this distribution as a source of tasks."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw.tasks.mixtures import AnyTask
from spotfw_paper_tasks.build import to_task
from spotfw_paper_tasks.families import all_datasets
from spotfw_paper_tasks.mixtures import mixtures


class PaperTasks:
    """The paper's data sets that t5 does not bring, and its source mixtures."""

    name = "paper-tasks"

    def tasks(self) -> Iterable[AnyTask]:
        """All tasks, without touching their data, and the mixtures of Table 1."""
        return [*(to_task(dataset) for dataset in all_datasets()), *mixtures()]
