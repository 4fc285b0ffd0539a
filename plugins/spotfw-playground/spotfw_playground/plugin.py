"""What this distribution gives to spotfw."""

from __future__ import annotations

import os
from collections.abc import Iterable

from spotfw.contracts import NamedModel, TaskSource
from spotfw.errors import WrongUse
from spotfw.hookspecs import hookimpl

#: Environment variable with the share of training labels to replace, 0 by default.
NOISE_VARIABLE = "SPOTFW_PLAYGROUND_NOISE"


@hookimpl
def spotfw_task_sources() -> Iterable[TaskSource]:
    from spotfw_playground.source import PlaygroundSource

    return [PlaygroundSource(noise=_noise())]


@hookimpl
def spotfw_models() -> Iterable[NamedModel]:
    from spotfw_playground.bundled import playground_model

    return [playground_model()]


def _noise() -> float:
    value = os.environ.get(NOISE_VARIABLE, "0")
    try:
        noise = float(value)
    except ValueError:
        noise = -1.0
    if not 0 <= noise <= 1:
        raise WrongUse(
            f"The environment variable {NOISE_VARIABLE} is {value!r}; give the share of "
            "training labels to replace, from 0 to 1."
        )
    return noise
