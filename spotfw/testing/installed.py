"""Runs the conformance suites on all parts of an installed distribution."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spotfw.contracts import ExampleArgument
from spotfw.errors import SpotError, UnknownName
from spotfw.plugins import Plugins
from spotfw.plugins.parts import KINDS, Component
from spotfw.testing.suites import Outcome
from spotfw.testing.tiny_model import opened_tiny_model

#: The argument for an initializer that needs one and has no example of its own.
_ARGUMENT = "good film"


@attrs.frozen
class Checked:
    """The outcomes of the checks of a component.

    Attributes:
      kind: of component; ``plugin`` where a plugin itself has faults.
      name: the component's, or the plugin's.
      outcomes: one for each check.
    """

    kind: str
    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def status(self) -> str:
        """``failed`` when any check failed, ``skipped`` when none ran, else ``passed``."""
        statuses = {o.status for o in self.outcomes}
        if "failed" in statuses:
            return "failed"
        return "passed" if "passed" in statuses else "skipped"


def check_distribution(plugins: Plugins, name: str, *, quick: bool = False) -> Iterator[Checked]:
    """Checks the components of a distribution, one by one.

    Lifecycle hooks are not called: a tracker would write into its owner's real records. Its author
    tests them with `spotfw.testing.check_tracker`.

    Args:
      plugins: what is installed.
      name: the distribution's.
      quick: leaves out what takes long: building tasks, opening models, starting workers.

    Raises:
      UnknownName: it is not installed, or has no plugin.
      SpotError: it is disabled, or gives nothing to check.
    """
    rows = [r for r in plugins.describe() if _same(r["distribution"], name)]
    if not rows:
        raise UnknownName(
            "distribution with a plugin", name, {r["distribution"] for r in plugins.describe()}
        )
    if all((row["note"] or "").startswith("left out") for row in rows):
        raise SpotError(f"The distribution {name} is {rows[0]['note']}. Enable it and try again.")
    for row in rows:
        if row["error"]:
            said = f"expected the plugin to load without a fault, but it {row['error']}"
            yield Checked("plugin", row["name"], (Outcome("loading", "failed", said),))
    for kind in KINDS:
        for part in plugins.components(kind):
            if _same(part.owner, name):
                yield Checked(kind, part.name, tuple(_outcomes(part, quick)))


def _outcomes(part: Component, quick: bool) -> list[Outcome]:
    # Each suite is imported when a component of its kind is there.
    if part.kind == "metric":
        return _metric(part.value, quick)
    if part.kind == "strategy":
        from spotfw.testing import strategies

        return strategies.outcomes(part.value)
    if part.kind == "initializer":
        return _initializer(part.value)
    if part.kind == "task source":
        from spotfw.testing import task_sources

        return task_sources.outcomes(part.value, build=0 if quick else 2)
    if part.kind == "backend":
        from spotfw.testing import backends

        if quick:
            return [Outcome("opening", "skipped", "no model was to be opened.")]
        return backends.outcomes(part.value)
    if part.kind == "executor":
        from spotfw.testing import executors

        if quick:
            return [Outcome("opening", "skipped", "no worker was to be started.")]
        return executors.outcomes(part.value)
    from spotfw.testing import small_parts

    suite = small_parts.MODEL if part.kind == "model" else small_parts.COMMAND
    return suite.outcomes(part.value)


def _metric(part: Any, quick: bool) -> list[Outcome]:
    """Outcomes of a metric; one that needs a frozen model gets the tiny one."""
    from spotfw.testing import metrics
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    try:
        part.features(np.ones((2, 8), np.float32))
    except SpotError as error:
        if quick:
            return [Outcome("features", "skipped", f"no model was to be opened. {error}")]
        with opened_tiny_model() as model, tempfile.TemporaryDirectory() as folder:
            task, *_ = write_tiny_tasks(Path(folder))
            return metrics.outcomes(part, model=model, task=task)
    except Exception:
        pass  # the suite says it better
    return metrics.outcomes(part)


def _initializer(part: Any) -> list[Outcome]:
    """Outcomes of an initializer; one that needs an argument gets its example, or two words."""
    from spotfw.testing import initializers

    argument = part.example_argument if isinstance(part, ExampleArgument) else None
    if argument is None and _refusal(part, None):
        argument = _ARGUMENT
        said = _refusal(part, argument)
        if said:
            what = f"it needs an argument of its own; state one as example_argument. {said}"
            return [Outcome("shape", "skipped", what)]
    return initializers.outcomes(part, argument=argument)


def _refusal(part: Any, argument: str | None) -> str | None:
    """What an initializer says to the user about an argument; None if it says nothing or fails."""
    from spotfw.testing.initializers import InitializerSubject

    subject = InitializerSubject(initializer=part, argument=argument, width=8, seed=0)
    try:
        subject.start(2, ("good", "bad"))
    except SpotError as error:
        return str(error)
    except Exception:
        return None
    return None


def _same(first: str, second: str) -> bool:
    from packaging.utils import canonicalize_name

    return canonicalize_name(first) == canonicalize_name(second)
