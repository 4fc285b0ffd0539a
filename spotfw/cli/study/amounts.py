"""What an executor sets aside for a worker, as it stands on the command line."""

from __future__ import annotations

import math

from spotfw.errors import WrongUse


def amounts(texts: tuple[str, ...]) -> dict[str, float] | None:
    """``LABEL=AMOUNT`` each, as amounts by label; None without any.

    Raises:
      WrongUse: there is no label, or the amount is no finite number above 0.
    """
    read: dict[str, float] = {}
    for text in texts:
        label, _, number = text.partition("=")
        try:
            amount = float(number)
        except ValueError:
            amount = math.nan
        if not label or not 0 < amount < math.inf:
            raise WrongUse(
                f"--resource {text!r} names no amount. Write a label and a number above 0, as in "
                "--resource gpus=1 or --resource memory=8e9."
            )
        read[label] = amount
    return read or None
