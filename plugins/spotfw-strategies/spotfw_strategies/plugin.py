"""What this distribution gives to spotfw."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw.contracts import SelectionStrategy
from spotfw.hookspecs import hookimpl
from spotfw_strategies import (
    NoiseRacingTopK,
    RacingTopK,
    SoftmaxWeightedAverage,
    TaskDiverseTopK,
)

#: Versions of the plugin API that this is made for.
spotfw_api = ">=1,<2"


@hookimpl
def spotfw_selection_strategies() -> Iterable[SelectionStrategy]:
    return [SoftmaxWeightedAverage(), TaskDiverseTopK(), RacingTopK(), NoiseRacingTopK()]
