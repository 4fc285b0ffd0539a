"""How much of a study is done: cells asked for, finished, failed and missing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from spotfw.study.grid.declaration import Study
from spotfw.study.rows import KINDS, Row


@attrs.frozen(kw_only=True)
class Coverage:
    """Cells of one kind.

    Attributes:
      kind: as in a row.
      asked: how many the study asks for.
      done: finished with a score.
      failed: ended with an error, or with a score that is not a number.
    """

    kind: str
    asked: int
    done: int
    failed: int

    @property
    def missing(self) -> int:
        """Those not run yet."""
        return max(0, self.asked - self.done - self.failed)


def coverage(study: Study, rows: Sequence[Row]) -> list[Coverage]:
    """Every kind of cell that the study asks for or has rows of."""
    seeds = len(study.seeds)
    tunings = len(study.models) * seeds
    # A target that is a source too is not tuned from its own prompts.
    pairs = sum(source != target for source in study.sources for target in study.targets)
    ablations = sum(len(generic.also_steps) for generic in study.generics)
    picks = len(study.strategies) * len(study.metrics) * len(study.ks)
    asked = {
        "source": tunings * len(study.sources),
        "generic source": tunings * (len(study.generics) + ablations),
        "baseline": tunings * len(study.targets),
        "baseline ablation": tunings * len(study.targets) * len(study.also_steps),
        "transfer": tunings * seeds * pairs if study.oracle else 0,
        "strategy": tunings * len(study.targets) * picks,
        "generic": tunings * len(study.targets) * len(study.generics),
        "generic ablation": tunings * len(study.targets) * ablations,
        "model source": tunings * sum(bool(tuning.tasks) for tuning in study.model_tunings),
        "model tuning": tunings * len(study.targets) * len(study.model_tunings),
    }
    covered = []
    for kind in KINDS:
        own = [row for row in rows if row.kind == kind]
        failed = sum(is_failed(row) for row in own)
        if asked[kind] or own:
            done = len(own) - failed
            covered.append(Coverage(kind=kind, asked=asked[kind], done=done, failed=failed))
    return covered


def is_failed(row: Row) -> bool:
    """Whether a cell failed, or gave no number for a score."""
    return row.error is not None or row.score is None or not math.isfinite(row.score)
