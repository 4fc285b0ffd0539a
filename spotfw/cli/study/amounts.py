"""What an executor sets aside for a worker, as it stands on the command line."""

from __future__ import annotations

import math

from spotfw.errors import WrongUse

#: Behind an amount that each of the tunings needs which a worker does together.
_PER_TUNING = "/tuning"


def amounts(texts: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """``LABEL=AMOUNT[/tuning]`` each, as amounts by label: a worker's, and a tuning's.

    Raises:
      WrongUse: there is no label, or the amount is no finite number above 0.
    """
    worker: dict[str, float] = {}
    tuning: dict[str, float] = {}
    for text in texts:
        label, _, number = text.partition("=")
        try:
            amount = float(number.removesuffix(_PER_TUNING))
        except ValueError:
            amount = math.nan
        if not label or not 0 < amount < math.inf:
            raise WrongUse(
                f"--resource {text!r} names no amount. Write a label and a number above 0, as in "
                "--resource gpus=1 or --resource memory=8e9, or --resource memory=1e9/tuning for "
                "each of the tunings that run together."
            )
        (tuning if number.endswith(_PER_TUNING) else worker)[label] = amount
    return worker, tuning
