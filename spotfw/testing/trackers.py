"""The conformance suite of trackers: plugins that follow runs by the lifecycle hooks."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

from spotfw.config import TuningSettings
from spotfw.testing.suites import Outcome, Skip, Suite, expect
from spotfw.version import __version__

#: The hooks of a run's life.
HOOKS = (
    "spotfw_run_started",
    "spotfw_checkpoint_saved",
    "spotfw_run_finished",
    "spotfw_run_failed",
    "spotfw_prompt_added",
)

#: A run as the hooks receive it.
RUN: dict[str, Any] = {
    "task": "tiny_reviews",
    "model": "tiny",
    "fingerprint": "0123456789abcdef",
    "initializer": "sampled_vocab",
    "settings": TuningSettings(steps=6).to_dict(),
    "versions": {"spotfw": __version__},
    "folder": "runs/tiny",
}


def check_tracker(plugin: Any) -> None:
    """Calls a plugin's lifecycle hooks as several runs would.

    Args:
      plugin: the module or object that an entry point names. Its records must be set up to go
        where a test may write.

    Raises:
      AssertionError: a promise is not kept; a sentence for each.
    """
    __tracebackhide__ = True
    SUITE.demand(str(getattr(plugin, "__name__", type(plugin).__name__)), outcomes(plugin))


def outcomes(plugin: Any, *, only: tuple[str, ...] = ()) -> list[Outcome]:
    """As `check_tracker`, but returns the outcomes instead of raising."""
    return SUITE.outcomes(plugin, only)


SUITE: Suite[Any] = Suite("tracker")


@SUITE.check
def hooks(plugin: Any) -> None:
    """Implements at least one hook of a run's life, with arguments the hook has."""
    from spotfw import hookspecs

    implemented = _hooks(plugin)
    expect(
        implemented,
        "expected a function marked @spotfw.hookimpl with the name of a hook of a run's life "
        f"({', '.join(HOOKS)}), got none.",
    )
    for hook, function in implemented.items():
        known = set(inspect.signature(getattr(hookspecs, hook)).parameters)
        odd = sorted(set(_needed(function)) - known)
        expect(
            not odd,
            f"expected {hook} to take some of {', '.join(sorted(known))}, got {', '.join(odd)}.",
        )


@SUITE.check
def finished_run(plugin: Any) -> None:
    """Follows a run from its start over checkpoints to its end."""
    run = _run(0)
    _call(plugin, "spotfw_run_started", run=run)
    for step in (2, 4):
        scores = {"score": 50.0 + step, "accuracy": 50.0 + step}
        _call(plugin, "spotfw_checkpoint_saved", run=run, step=step, scores=scores)
    _call(plugin, "spotfw_run_finished", run=run, scores={"score": 54.0})


@SUITE.check
def failed_run(plugin: Any) -> None:
    """Follows a run that ends by an error, before or after a checkpoint."""
    for steps in ((), (2,)):
        run = _run(1 + len(steps))
        _call(plugin, "spotfw_run_started", run=run)
        for step in steps:
            _call(plugin, "spotfw_checkpoint_saved", run=run, step=step, scores={"score": 1.0})
        _call(plugin, "spotfw_run_failed", run=run, error=RuntimeError("the loss is no number"))


@SUITE.check
def resumed_run(plugin: Any) -> None:
    """Accepts a run that is resumed: it starts again and goes on at a later step."""
    run = _run(3)
    for steps in ((2,), (4, 6)):
        _call(plugin, "spotfw_run_started", run=run)
        for step in steps:
            _call(plugin, "spotfw_checkpoint_saved", run=run, step=step, scores={"score": 2.0})
    _call(plugin, "spotfw_run_finished", run=run, scores={"score": 2.0})


@SUITE.check
def runs_side_by_side(plugin: Any) -> None:
    """Follows runs that take turns, each in a folder of its own; one fails, one ends well."""
    first, second = (_run(seed) | {"folder": f"runs/tiny-{seed}"} for seed in (5, 6))
    for run in (first, second):
        _call(plugin, "spotfw_run_started", run=run)
    for run in (first, second):
        _call(plugin, "spotfw_checkpoint_saved", run=run, step=2, scores={"score": 3.0})
    _call(plugin, "spotfw_run_failed", run=first, error=RuntimeError("the loss is no number"))
    _call(plugin, "spotfw_checkpoint_saved", run=second, step=4, scores={"score": 4.0})
    _call(plugin, "spotfw_run_finished", run=second, scores={"score": 4.0})


@SUITE.check
def no_numbers(plugin: Any) -> None:
    """Accepts scores that are empty, infinite or NaN."""
    run = _run(4)
    _call(plugin, "spotfw_run_started", run=run)
    for step, scores in enumerate(({}, {"score": float("nan")}, {"score": float("inf")}), 1):
        _call(plugin, "spotfw_checkpoint_saved", run=run, step=step, scores=scores)
    _call(plugin, "spotfw_run_finished", run=run, scores={})


@SUITE.check
def added_prompt(plugin: Any) -> None:
    """Follows a prompt that is added to a library."""
    if "spotfw_prompt_added" not in _hooks(plugin):
        raise Skip("the plugin does not implement spotfw_prompt_added.")
    for provenance in ({"task": "tiny_reviews", "seed": 0, "score": 54.0}, {}):
        _call(plugin, "spotfw_prompt_added", path="library/0f.safetensors", provenance=provenance)


def _run(seed: int) -> dict[str, Any]:
    run = copy.deepcopy(RUN)
    run["settings"]["seed"] = seed
    return run


def _hooks(plugin: Any) -> dict[str, Callable[..., Any]]:
    """The plugin's marked lifecycle hooks by name."""
    return {
        hook: getattr(plugin, hook)
        for hook in HOOKS
        if hasattr(getattr(plugin, hook, None), "spotfw_impl")
    }


def _needed(function: Callable[..., Any]) -> list[str]:
    """Arguments a hook implementation is called with: those without a default."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty]


def _call(plugin: Any, hook: str, **values: Any) -> None:
    """Calls the plugin's hook with what it takes, and checks that it changed nothing."""
    function = _hooks(plugin).get(hook)
    if function is None:
        return
    given = {name: values[name] for name in _needed(function)}
    before = {name: repr(value) for name, value in given.items()}
    answer = function(**given)
    expect(answer is None, f"expected {hook} to return nothing, got {type(answer).__name__}.")
    changed = [name for name, value in given.items() if repr(value) != before[name]]
    expect(not changed, f"expected {hook} to leave {', '.join(changed)} as it was.")
