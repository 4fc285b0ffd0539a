"""What metrics that look at a target's examples share."""

from __future__ import annotations

from typing import Any

import attrs

from spotfw.config import checked
from spotfw.contracts import TargetContext, TargetSignal


def positive(_: Any, field: attrs.Attribute[Any], value: int) -> None:
    """Refuses a setting that is no whole number of 1 or more."""
    checked(field.name, value, (int,), "of 1 or more", lambda count: count >= 1)


@attrs.define(eq=False)
class BoundSignal(TargetSignal):
    """A signal that holds its target.

    Attributes:
      examples: how many of the target's training examples it looks at.
    """

    examples: int = attrs.field(default=256, validator=positive)
    _context: TargetContext | None = attrs.field(default=None, init=False, repr=False)

    def with_target(self, context: TargetContext) -> BoundSignal:
        """A copy that looks at this target."""
        bound = attrs.evolve(self)
        bound._context = context
        return bound

    @property
    def target(self) -> TargetContext:
        """The target.

        Raises:
          SpotError: there is none.
        """
        return self.context_of(self._context)
