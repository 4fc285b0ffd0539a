"""Weights under way in a session of their own, with which they are scored too."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.backends.mesh.folders.checkpoint import SLOT
from spotfw.backends.mesh.programs import Feed, Plan, Shapes, Tensors
from spotfw.backends.mesh.runtime import Runtime
from spotfw.backends.mesh.weights.plans import (
    ADDED_UP,
    GRADIENT,
    UPDATE,
    gradient_feeds,
    gradient_plan,
    slot_shapes,
    update_feeds,
    update_plan,
)

#: Numbers of weights that are moved into the session or out of it at once, a quarter of a GiB.
_AT_ONCE = 2**26
_waiting = logging.getLogger("spotfw.waiting")
#: An update has no batch; its program is named after this.
NO_BATCH = Shapes(batch=1, inputs=1, targets=1, prompt_length=0)


class WeightRuntime(Runtime):
    """A `Runtime` whose weights move, with the optimizer's state.

    Args:
      factored_from: see `plans.update_plan`.
      **about: as of `Runtime`.
    """

    frozen = False

    def __init__(self, name: str, config: str, *, factored_from: int, **about: Any) -> None:
        super().__init__(name, config, **about)
        self.factored_from = factored_from
        self._weights: dict[str, Any] = {}

    def frozen_variables(self) -> dict[str, Any]:
        """The TensorFlow variables of the weights, by name."""
        return {
            name: variable
            for name, variable in super().frozen_variables().items()
            if SLOT not in name and not name.startswith(ADDED_UP)
        }

    def begin(
        self,
        shapes: Shapes,
        weight: Callable[[str], npt.NDArray[np.float32]],
        slot: Callable[[str], npt.NDArray[np.float32]] | None,
    ) -> None:
        """Builds the programs that have variables, and fills these.

        Args:
          shapes: that the first gradient's is built for.
          weight: gives a weight by name.
          slot: gives a second moment by Mesh TF's name; None where all are zeros.
        """
        if (GRADIENT, shapes) not in self._programs:
            _waiting.info("Building the graph that tunes all weights ...")
        # The update's needs the weights' shapes in Mesh TF, which the other learns.
        self.program(GRADIENT, shapes)
        self.program(UPDATE, NO_BATCH)
        sizes = {n: tuple(v.shape.as_list()) for n, v in self.frozen_variables().items()}
        slots = slot_shapes(sizes, self.factored_from)
        zeros = [f"{ADDED_UP}{name}" for name in sizes] + ([] if slot else list(slots))
        variables = self._variables()
        self._session.run([variables[name].initializer for name in zeros])
        self._session.run([self._copies[name].out for name in zeros if name in self._copies])
        self.fill((name, weight(name)) for name in sizes)
        if slot is not None:
            self.fill((name, slot(name)) for name in slots)
        _waiting.debug("The graph is built.")

    def newest(self, *, slots: bool) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
        """Each weight as it is now, by name, and each second moment where `slots`."""
        sizes = {n: tuple(v.shape.as_list()) for n, v in self.frozen_variables().items()}
        if slots:
            sizes |= slot_shapes(sizes, self.factored_from)
        self._session.run([self._copies[name].back for name in sizes if name in self._copies])
        for names in _groups(sizes):
            yield from zip(names, self.read(names), strict=True)

    def _planned(
        self, kind: str, shapes: Shapes
    ) -> tuple[Mapping[str, Feed], Callable[[Tensors], Plan]]:
        if kind == GRADIENT:
            return gradient_feeds(shapes), functools.partial(self._gradient, shapes)
        if kind == UPDATE:
            return update_feeds(), functools.partial(update_plan, self._weights, self.factored_from)
        return super()._planned(kind, shapes)

    def _gradient(self, shapes: Shapes, feeds: Tensors) -> Plan:
        plan = gradient_plan(self._rows, shapes, self._dtype, feeds)
        for variable in plan.mesh.graph.trainable_variables:
            self._weights[variable.name] = variable.shape
        return plan


def _groups(sizes: Mapping[str, Sequence[int]]) -> Iterator[list[str]]:
    """Names of tensors to be moved together: each way of running a graph is prepared anew."""
    group: list[str] = []
    numbers = 0
    for name, size in sizes.items():
        group.append(name)
        numbers += math.prod(size)
        if numbers >= _AT_ONCE:
            yield group
            group, numbers = [], 0
    if group:
        yield group
