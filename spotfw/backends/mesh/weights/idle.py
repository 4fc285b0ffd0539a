"""The session of a tuning that has ended, kept for the next one: building it takes seconds."""

from __future__ import annotations

from collections.abc import Callable

from spotfw.backends.mesh.weights.runtime import WeightRuntime

#: Weights of the largest model whose session is kept: with what gradients add up in, half a GiB.
_MOST_WEIGHTS = 2**26


class IdleSession:
    """At most one session without a tuning, whose programs serve the next one.

    Args:
      make: makes a session, see `WeightRuntime`.
      parameters: of the model.
    """

    def __init__(self, make: Callable[..., WeightRuntime], parameters: int) -> None:
        self._make = make
        self._keeps = parameters <= _MOST_WEIGHTS
        self._kept: WeightRuntime | None = None

    def take(self, factored_from: int) -> WeightRuntime:
        """The session that is kept, or a new one where it factors otherwise or there is none."""
        kept, self._kept = self._kept, None
        if kept is not None and kept.factored_from == factored_from:
            return kept
        if kept is not None:
            kept.close()
        return self._make(factored_from=factored_from)

    def keep(self, runtime: WeightRuntime) -> None:
        """Keeps the session of a tuning that came to its end, or closes that of a large model."""
        self.close()
        if self._keeps:
            self._kept = runtime
        else:
            runtime.close()

    def close(self) -> None:
        """Closes what is kept and frees its memory."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
