"""The playground's tasks as spotfw sees them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from spotfw.tasks import Mixture, Task
from spotfw_playground.families import SPECS
from spotfw_playground.specs import SPLITS, TaskSpec, rows

if TYPE_CHECKING:
    import seqio


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
        build=partial(build, spec, noise),
        description=spec.description,
    )


def build(spec: TaskSpec, noise: float, vocabulary: seqio.Vocabulary) -> seqio.Task:
    """The seqio task over a vocabulary; imports TensorFlow."""
    from spotfw.tasks.seqio.compat import seqio, t5

    def dataset(split: str, shuffle_files: bool = False, seed: int | None = None) -> Any:
        import tensorflow as tf

        made = rows(spec, split, noise)
        return tf.data.Dataset.from_tensor_slices(
            {"inputs": [r.inputs for r in made], "targets": [r.targets for r in made]}
        )

    feature = seqio.Feature(vocabulary=vocabulary, add_eos=True)
    numeric = spec.type == "regression"
    return seqio.Task(
        spec.name,
        source=seqio.FunctionDataSource(
            dataset, splits=SPLITS, num_input_examples={s: spec.size(s) for s in SPLITS}
        ),
        preprocessors=[seqio.preprocessors.tokenize, seqio.preprocessors.append_eos],
        postprocess_fn=t5.data.postprocessors.string_to_float if numeric else None,
        metric_fns=[getattr(t5.evaluation.metrics, name) for name in spec.metrics],
        output_features={"inputs": feature, "targets": feature},
    )
