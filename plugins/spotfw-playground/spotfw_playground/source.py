"""The playground's tasks as spotfw sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path

from spotfw.tasks import Example, Mixture, Task
from spotfw.tasks.rows.digests import digest_of_values, file_digest
from spotfw.tasks.scoring import Scorer, metric_functions, to_number
from spotfw_playground.families import SPECS
from spotfw_playground.specs import SPLITS, TaskSpec, rows


class PlaygroundSource:
    """A `spotfw.contracts.TaskSource` of all generated tasks and a mixture per family.

    Args:
      noise: share of training labels that are replaced by another label.
    """

    name = "playground"

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = noise

    def tasks(self) -> Iterable[Task | Mixture]:
        """All tasks, then ``playground_<family>`` mixtures of families with two or more."""
        tasks = [_task(spec, self.noise) for spec in SPECS]
        yield from tasks
        for family in dict.fromkeys(task.family for task in tasks):
            members = tuple(task for task in tasks if task.family == family)
            if len(members) > 1:
                yield Mixture(
                    name=f"playground_{family.lower().replace(' ', '_')}",
                    tasks=members,
                    description=f"All {family} tasks of the playground, in proportion",
                )


def _task(spec: TaskSpec, noise: float) -> Task:
    return Task(
        name=spec.name,
        family=spec.family,
        type=spec.type,
        labels=spec.labels,
        metrics=spec.metrics,
        splits={split: spec.size(split) for split in SPLITS},
        examples=partial(examples, spec, noise),
        score=scorer(spec),
        description=spec.description,
        content=partial(content, spec, noise),
    )


def content(spec: TaskSpec, noise: float) -> dict[str, str]:
    """What the examples depend on: the task, and all that generates rows."""
    facts = [spec.name, spec.template, spec.labels, spec.metrics, noise]
    sizes = [spec.size(split) for split in SPLITS]
    return {"definition": digest_of_values([*facts, *sizes]), "spotfw_playground": _generators()}


@cache
def _generators() -> str:
    """A digest of this package's modules, whatever version they call themselves."""
    modules = sorted(Path(__file__).parent.rglob("*.py"))
    return digest_of_values([[path.name, file_digest(path)] for path in modules])


def examples(spec: TaskSpec, noise: float, split: str) -> Iterator[Example]:
    """The examples of a split, always the same."""
    return (Example(inputs=r.inputs, targets=r.targets) for r in rows(spec, split, noise))


def scorer(spec: TaskSpec) -> Scorer:
    """The task's metrics."""
    numeric = spec.type == "regression"
    return Scorer(metric_functions(spec.metrics, len(spec.labels)), to_number if numeric else None)
