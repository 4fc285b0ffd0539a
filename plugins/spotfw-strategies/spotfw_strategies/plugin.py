"""What this distribution gives to spotfw."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw.contracts import SelectionStrategy
from spotfw.hookspecs import hookimpl
from spotfw_strategies import RacingTopK, SoftmaxWeightedAverage, TaskDiverseTopK


@hookimpl
def spotfw_selection_strategies() -> Iterable[SelectionStrategy]:
    return [SoftmaxWeightedAverage(), TaskDiverseTopK(), RacingTopK()]
