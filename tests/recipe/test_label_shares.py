"""A label's share is its likelihood among the labels, whatever the numbers' size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.errors import SpotError
from spotfw.recipe.label_shares import label_shares
from spotfw.tasks import Example

NATS = {("x", "yes"): 1_000.0, ("x", "no"): 1_000.0 + np.log(3.0), ("y", "yes"): 5.0}


class Model:
    """Gives the losses above, and of ("y", "no") far more."""

    def losses(self, prompts: Sequence[Any], examples: Sequence[Example], settings: Any) -> Any:
        assert prompts == [None]
        return np.array([[NATS.get((e.inputs, e.targets), 900.0) for e in examples]])


def shares(model: Any, lines: Sequence[str]) -> Any:
    return label_shares(model, None, lines, ["yes", "no"], TuningSettings())


def test_shares_add_up_to_one() -> None:
    np.testing.assert_allclose(shares(Model(), ["x", "y"]), [[0.75, 0.25], [1.0, 0.0]])


def test_no_lines() -> None:
    assert shares(Model(), []).shape == (0, 2)


def test_an_engine_without_losses() -> None:
    class Without(Model):
        def losses(self, *given: Any) -> Any:
            raise SpotError("The backend of the model gives no losses of examples.")

    with pytest.raises(SpotError, match="gives no losses"):
        shares(Without(), ["x"])
