"""An epoch of real text of ragged lengths, against PEFT with batches padded to their longest row.

``python -m benchmarks.epoch [--json FILE] [--examples 128] [--rounds 1]`` needs ``../shared``.

The first rows of SST-2, MRPC and BoolQ, batch 16, T5 1.1 Small's dimensions with random weights,
100 prompt tokens, one thread, processor seconds; engines take turns. A first epoch (in which
graphs are built) does not count.
"""

from __future__ import annotations

import sys

from benchmarks import real_rows
from benchmarks.real_duel import BATCH, RealWork

WORK = RealWork(
    benchmark="epoch",
    about="An epoch of real text, against PEFT.",
    data_sets=real_rows.NAMES,
    split="train",
    call=lambda examples: ("steps", examples // BATCH),
    goal=0.5,
    rounds=1,
)

if __name__ == "__main__":
    sys.exit(WORK.main())
