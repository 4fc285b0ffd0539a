"""What must hold of a frozen model's weights, in whatever kind of folder they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.errors import SpotError


def check_finite(value: npt.NDArray[Any], name: str, where: str) -> None:
    """Refuses weights that are no numbers: everything such a model says is noise.

    Args:
      value: one variable, floating point.
      name: of the variable.
      where: the folder or file it was read from.

    Raises:
      SpotError: a value is NaN or infinite.
    """
    bad = int(value.size - np.count_nonzero(np.isfinite(value)))
    if bad:
        raise SpotError(
            f"The variable {name} of {where} holds {bad:,} values that are NaN or infinite, as "
            "after training that diverged or a float16 copy whose values overflowed. Take a "
            "float32 or bfloat16 copy of the model."
        )
