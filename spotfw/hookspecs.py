"""Every hook a plugin can implement, on one page.

A plugin is a module or an object whose functions carry ``@spotfw.hookimpl``; a
distribution names it under the entry-point group ``spotfw``. An implementation may take
fewer arguments than the specification. Built-in parts come through the same hooks.

Each docstring says what to return, when and in which process the hook is called, and
shows an example; ``docs/plugins/hooks.md`` is made from them by ``make docs``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from spotfw.contracts import (
        Backend,
        Executor,
        NamedModel,
        PromptInitializer,
        SelectionStrategy,
        SimilarityMetric,
        TaskSource,
    )

__all__ = [
    "hookimpl",
    "spotfw_backends",
    "spotfw_checkpoint_saved",
    "spotfw_commands",
    "spotfw_executors",
    "spotfw_models",
    "spotfw_prompt_added",
    "spotfw_prompt_initializers",
    "spotfw_run_failed",
    "spotfw_run_finished",
    "spotfw_run_started",
    "spotfw_selection_strategies",
    "spotfw_similarity_metrics",
    "spotfw_task_sources",
]

hookspec = pluggy.HookspecMarker("spotfw")
hookimpl = pluggy.HookimplMarker("spotfw")


@hookspec
def spotfw_task_sources() -> Iterable[TaskSource]:  # type: ignore[empty-body]
    """Gives task sources: objects that list tasks and mixtures by name.

    Returns: an iterable of instances with a `name` and a method `tasks()`, which gives
      `spotfw.Task` and `spotfw.Mixture` values without loading data or TensorFlow. Optional
      are `find(name)`, for tasks it does not list; `names()`, for ``spotfw tasks list --all``;
      and `short_names()`, for suggestions: see `TaskFinder`, `UnlistedTasks` and `ShortNames`
      of `spotfw.contracts`.
    Called: once a process, when a task is first looked up or listed; `tasks()` is called then,
      and again for each new session.
    Process: every one that names a task: the command's, and each worker of a study.

    Example::

        class Mine:
            name = "mine"
            def tasks(self):
                return [
                    spotfw.Task(name="my_nli", family="NLI", type="qa", examples=..., score=...)
                ]

        @spotfw.hookimpl
        def spotfw_task_sources():
            return [Mine()]
    """


@hookspec
def spotfw_prompt_initializers() -> Iterable[PromptInitializer]:  # type: ignore[empty-body]
    """Gives initializers: ways to start a prompt.

    Returns: an iterable of instances with a `name` that can be called with
      `(context: InitContext, rng: numpy.random.Generator)` and then give float32 [L, E]. One
      that needs an argument may state `example_argument`, with which the suites test it.
    Called: once a process, when an initializer is first looked up or listed.
    Process: the one that tunes.

    Example::

        @attrs.frozen
        class Noise:
            name = "noise"
            scale: float = 0.5  # set it as noise:scale=0.1
            def __call__(self, context, rng):
                shape = context.length, context.embeddings.shape[1]
                return rng.normal(0, self.scale, shape).astype("float32")

        @spotfw.hookimpl
        def spotfw_prompt_initializers():
            return [Noise()]
    """


@hookspec
def spotfw_similarity_metrics() -> Iterable[SimilarityMetric]:  # type: ignore[empty-body]
    """Gives similarity metrics: ways to compare two task embeddings.

    Returns: an iterable of instances of `spotfw.contracts.SimilarityMetric`; higher means
      more alike.
    Called: once a process, when a metric is first looked up or listed.
    Process: the one that ranks; no model need be open there.

    Example::

        class Dot(spotfw.contracts.SimilarityMetric):
            name = "mean_dot"
            def features(self, prompt):  # [L, E] -> [E]; features are compared by dot product
                return prompt.mean(axis=0)

        @spotfw.hookimpl
        def spotfw_similarity_metrics():
            return [Dot()]
    """


@hookspec
def spotfw_selection_strategies() -> Iterable[SelectionStrategy]:  # type: ignore[empty-body]
    """Gives selection strategies: ways to choose among ranked sources.

    Returns: an iterable of instances with a `name` that can be called with
      `(ranking: Ranking, k: int)` and then give candidates: `StartFromPrompt`,
      `StartFromAverage`, `StartFromMixture` or `StartFromScratch` of `spotfw.contracts`.
    Called: once a process, when a strategy is first looked up or listed.
    Process: the one that transfers; the strategy sees no model and no files.

    Example::

        class Last:
            name = "last"
            def __call__(self, ranking, k):
                return [spotfw.contracts.StartFromPrompt(entry.id) for entry in ranking[-k:]]

        @spotfw.hookimpl
        def spotfw_selection_strategies():
            return [Last()]
    """


@hookspec
def spotfw_backends() -> Iterable[Backend]:  # type: ignore[empty-body]
    """Gives backends: engines that open, tune and run a frozen model.

    Returns: an iterable of instances with a `name` and a method `open(model, **options)`
      that gives a `spotfw.contracts.FrozenModel`. Import what is heavy inside `open`. A tuple
      `options` of the names that `open` takes is optional: a study checks its file by it.
    Called: once a process, when a backend is first looked up or listed.
    Process: the one that tunes, evaluates or predicts.

    Example::

        class Torch:
            name = "torch"
            def open(self, model, **options):
                from my_engine import TorchModel
                return TorchModel(model, **options)

        @spotfw.hookimpl
        def spotfw_backends():
            return [Torch()]
    """


@hookspec
def spotfw_executors() -> Iterable[Executor]:  # type: ignore[empty-body]
    """Gives executors: they do a study's tunings as jobs, on this machine or on others.

    Returns: an iterable of instances with a `name`, a flag `isolated` (are workers processes of
      their own?) and a method `open(start, jobs=..., resources=...)` that gives a
      `spotfw.contracts.JobPool`. Jobs are plain values: JSON and arrays. Import what is heavy
      inside `open`.
    Called: once a process, when an executor is first looked up or listed.
    Process: the one that runs the study; `open` starts the workers from there.

    Example::

        class Cluster:
            name = "cluster"
            isolated = True
            def open(self, start, *, jobs, resources=None):
                from my_cluster import ClusterPool
                return ClusterPool(start, min(jobs, 100), resources or {})

        @spotfw.hookimpl
        def spotfw_executors():
            return [Cluster()]
    """


@hookspec
def spotfw_models() -> Iterable[NamedModel]:  # type: ignore[empty-body]
    """Gives frozen models known by name.

    Returns: an iterable of `spotfw.contracts.NamedModel`; its `folder` is a function that
      is called when the model is wanted and may make or fetch the folder then. Its `library`
      may name the folder of a prompt library that comes with it, which is only read.
    Called: once a process, when a model is first looked up or listed.
    Process: the one that names the model.

    Example::

        @spotfw.hookimpl
        def spotfw_models():
            from spotfw.contracts import NamedModel
            return [NamedModel(name="house-t5", folder=lambda: "gs://house/t5")]
    """


@hookspec
def spotfw_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Gives click commands to add to ``spotfw``.

    Returns: an iterable of `click.Command` with names that no other command has.
    Called: for ``spotfw --help``, and for a command that is not built in. Keep the
      module's imports light.
    Process: the command line's.

    Example::

        @click.command("greet", short_help="Say hello.")
        def greet():
            click.echo("hello")

        @spotfw.hookimpl
        def spotfw_commands():
            return [greet]
    """


@hookspec
def spotfw_run_started(run: dict[str, Any]) -> None:
    """Tells that a tuning begins or goes on.

    Returns: nothing. `run` has `task`, `task_digest` and `task_content` (what the task was made
      of, see `spotfw.tasks.content`), `model`, `fingerprint`, `initializer`, `settings`,
      `versions` and `folder`, the run's place and its identity. Treat it as read-only.
    Called: before the first step; again when the run is resumed. Several runs may go on side
      by side: their folders tell them apart. What raises here is reported once and hears of
      no more runs; the tuning goes on.
    Process: the one that tunes.

    Example::

        @spotfw.hookimpl
        def spotfw_run_started(run):
            print("tuning on", run["task"], "in", run["folder"])
    """


@hookspec
def spotfw_checkpoint_saved(run: dict[str, Any], step: int, scores: dict[str, float]) -> None:
    """Tells that a checkpoint was scored and written.

    Returns: nothing. `run` is as in `spotfw_run_started`; `step` counts updates; `scores`
      maps metrics to validation scores, 0-100.
    Called: after the checkpoint lies on the disk; a resumed run tells a step it had not
      finished again.
    Process: the one that tunes.

    Example::

        @spotfw.hookimpl
        def spotfw_checkpoint_saved(step, scores):
            print(step, scores)
    """


@hookspec
def spotfw_run_finished(run: dict[str, Any], scores: dict[str, float]) -> None:
    """Tells that the best prompt of a run is written.

    Returns: nothing. `run` is as in `spotfw_run_started`; `scores` has `score`, the best
      checkpoint's on validation.
    Called: at the end of every tuning that did not fail; not for a run that had ended before.
    Process: the one that tunes.

    Example::

        @spotfw.hookimpl
        def spotfw_run_finished(run, scores):
            print(run["task"], "reached", scores["score"])
    """


@hookspec
def spotfw_run_failed(run: dict[str, Any], error: BaseException) -> None:
    """Tells that a run ended by an error; what was saved stays.

    Returns: nothing. `run` is as in `spotfw_run_started`; `error` is a `SpotError`, a
      `KeyboardInterrupt`, or whatever else was raised, and goes on to the caller.
    Called: once, for errors after `spotfw_run_started`.
    Process: the one that tunes.

    Example::

        @spotfw.hookimpl
        def spotfw_run_failed(run, error):
            print(run["task"], "failed:", error)
    """


@hookspec
def spotfw_prompt_added(path: str, provenance: dict[str, Any]) -> None:
    """Tells that a new prompt was added to a library.

    Returns: nothing. `path` is the prompt's file, local or ``gs://``; `provenance` has
      `task`, `model`, `fingerprint`, `seed`, `step`, `score`, `settings` and more.
    Called: once for each entry that was not there before, after its files are written: by a
      session, a study, ``spotfw library add`` and ``import``, and by `spotfw.library.Library.add`
      of a library that was given plugins, ``Library(folder, plugins=default_plugins())``.
    Process: the one that adds; of a study, the worker.

    Example::

        @spotfw.hookimpl
        def spotfw_prompt_added(path, provenance):
            print("kept", provenance["task"], "as", path)
    """
