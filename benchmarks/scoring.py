"""Scoring a validation set by greedy decoding, against PEFT's ``generate``.

``python -m benchmarks.scoring [--json FILE] [--examples 128] [--rounds 3]`` needs ``../shared``.

Validation rows of SST-2 and MRPC, T5 1.1 Small's dimensions with random weights, 100 prompt tokens,
at most 4 decoded tokens (labels of 1 to 3 tokens and their end), 64 at once, one thread. Random
weights rarely decode an end id, so that nobody gains by stopping early. Processor seconds, engines
taking turns.
"""

from __future__ import annotations

import sys

from benchmarks.real_duel import RealWork

WORK = RealWork(
    benchmark="scoring",
    about="Scoring by decoding, against PEFT's generate.",
    data_sets=("glue_sst2", "glue_mrpc"),
    split="validation",
    call=lambda examples: ("score",),
    goal=0.4,
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(WORK.main())
