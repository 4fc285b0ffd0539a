"""What the paper's tables take: prompts, their steps, and what a TPU costs by the hour."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Tunings:
    """Prompts of one kind in the paper.

    Attributes:
      what: they are.
      prompts: in all, seeds counted.
      steps: of each.
      study: the file that describes them to `spotfw study`.
    """

    what: str
    prompts: int
    steps: int
    study: str


TABLES = (
    Tunings(
        what="section 3: 16 source tasks, 3 seeds",
        prompts=16 * 3,
        steps=262_144,
        study="benchmarks/miniature/full.toml",
    ),
    Tunings(
        what="section 3: 10 targets from scratch, 3 seeds",
        prompts=10 * 3,
        steps=100_000,
        study="benchmarks/miniature/full.toml",
    ),
    Tunings(
        what="section 3: the oracle, 160 pairs, 3 seeds",
        prompts=160 * 3,
        steps=100_000,
        study="benchmarks/miniature/full.toml",
    ),
)

#: US dollars an hour, on demand, as listed for us-central1 (v3) and us-central2 (v4) in 2023; your
#: region's own are on https://cloud.google.com/tpu/pricing.
PRICES = {"v2-8": 4.50, "v3-8": 8.00, "v3-32": 32.00, "v4-8": 12.88}


def hours(tunings: Tunings, seconds: float) -> float:
    """Of a TPU, at so many seconds a step, one prompt after another."""
    return tunings.prompts * tunings.steps * seconds / 3600
