"""How long PyTorch's threads on a CPU spin while they wait for each other.

GNU's OpenMP, which PyTorch brings along on Linux, reads this once, when PyTorch is imported. By its
own rule a thread spins for some milliseconds at the end of every operation. On a machine with
other work to do the thread it waits for may not even run: 100 steps of a small model on two cores
took 49 to 61 s beside other work, and 3.2 s with short spinning; on a quiet machine, 1.5 and 1.6 s.
"""

from __future__ import annotations

import os

#: Turns of the loop that waits, some microseconds.
_SHORT = "1000"


def spin_briefly() -> None:
    """Sets it for this process and those that it starts, unless the user has said otherwise."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SHORT)
