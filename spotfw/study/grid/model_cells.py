"""The kinds of a study's cells in which all weights are tuned: the paper's ModelTuning (2.1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import attrs

from spotfw.plugins import Plugins
from spotfw.study.grid.cell import Job, Results, Tuning, TuningCell


@attrs.frozen(kw_only=True)
class WeightsCell(TuningCell):
    """All weights tuned.

    Attributes:
      source: the method's name in the study.
      weights: the model whose weights they are, where that is not the study's frozen model.
    """

    source: str
    weights: str | None = None

    @property
    def shape(self) -> None:
        """None: two models' weights do not run together."""
        return None

    def tunings(self, plugins: Plugins) -> Iterable[Tuning]:
        return [self.tuning(self.kind, self.source, self.weights)]

    def weights_job(self, **more: Any) -> Job:
        """A job that tunes all weights; see `spotfw.study.work.weights.tune_weights`."""
        return {
            "action": "tune weights",
            "model": self.weights or self.model,
            "tasks": [self.reference],
            "rates": None,
            "start": None,
            "settings": dict(self.settings),
        } | more


@attrs.frozen(kw_only=True)
class ModelSourceCell(WeightsCell):
    """All weights tuned on a mixture of sources, from which targets are tuned.

    Attributes:
      members: its tasks, as the study names them.
      rates: of each, None for examples-proportional mixing.
    """

    kind: ClassVar[str] = "model source"

    members: tuple[str, ...]
    rates: tuple[float, ...] | None = None

    def job(self, results: Results) -> Job:
        rates = None if self.rates is None else list(self.rates)
        return self.weights_job(tasks=list(self.members), rates=rates)


@attrs.frozen(kw_only=True)
class ModelTuningCell(WeightsCell):
    """All weights tuned on a target; where `needs` names a `ModelSourceCell`, from its weights."""

    kind: ClassVar[str] = "model tuning"

    def job(self, results: Results) -> Job:
        start = None
        for needed in self.needs:
            result = results(needed)
            assert result is not None, needed
            start = result["final"]
        return self.weights_job(start=start)
