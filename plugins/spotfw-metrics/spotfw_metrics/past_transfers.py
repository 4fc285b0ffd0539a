"""Sources by how well they did on targets like this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import attrs
import numpy as np

from spotfw import files, metrics
from spotfw.config import checked
from spotfw.contracts import Array, SimilarityMetric
from spotfw.errors import SpotError, WrongUse
from spotfw.study import Row, Similarity, read_rows, read_similarities
from spotfw_metrics.past import Past, cross_validated, foretold
from spotfw_metrics.tokens import Floats

#: Bytes of a study's table.
MOST = 256 * 2**20
#: Targets and sources that are learned from; each target is foretold from all others.
MOST_TARGETS, MOST_SOURCES = 500, 2000

_FEATURES = {
    "average_token_cosine": metrics.mean_token_direction,
    "per_token_cosine": metrics.mean_unit_token,
}


def _above_0(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    checked(field.name, value, (float,), "above 0 and finite", lambda number: number > 0)


@attrs.define(eq=False)
class PastTransfers(SimilarityMetric):
    """How well each source did on past targets like this one, shrunk to a prompt metric.

    Learns from the rows of a study: what each of its targets reached from each source (``oracle =
    true`` tries them all). See `spotfw_metrics.past.foretold` for the formula. Rows of the target
    itself are left out. What it says of itself has how well it foretells each past target from the
    others, beside the prompt metric alone: look at that before relying on it.

    Compared with prompts of which nobody says what tasks they are of, it is the prompt metric.

    Attributes:
      rows: a study's folder, with ``rows.csv`` and ``similarities.csv``. Without it nothing is
        ranked: past transfers are looked at only where they are asked for.
      base: the prompt metric.
      strength: past targets that the prompt metric counts as much as.
      width: of the kernel over targets; the larger, the more do unlike ones count.
      model: of the study, where it has several.
    """

    name = "past_transfers"
    pointwise = False

    rows: str = ""
    base: Literal["average_token_cosine", "per_token_cosine"] = "average_token_cosine"
    strength: float = attrs.field(default=1.0, validator=_above_0)
    width: float = attrs.field(default=0.5, validator=_above_0)
    model: str = ""
    note: str = attrs.field(default="", init=False)
    _past: Past | None = attrs.field(default=None, init=False, repr=False)
    _sources: tuple[str | None, ...] | None = attrs.field(default=None, init=False, repr=False)

    def features(self, prompt: Array) -> Floats:
        """As the prompt metric's, float64 [E]."""
        return _FEATURES[self.base](prompt)

    def content(self) -> dict[str, str]:
        """A digest of the past transfers; none where they cannot be read."""
        try:
            past = read_past(self.rows, self.base, self.model) if self.rows else None
        except SpotError:
            return {}  # said when prompts are ranked
        return {} if past is None else {"transfers": past.digest()}

    def with_sources(self, sources: Sequence[str | None], target: str | None) -> PastTransfers:
        """A copy that compares with prompts of these tasks, in this order, for this target.

        Raises:
          SpotError: no past transfers are named, or they cannot be read.
        """
        if not self.rows:
            raise SpotError(
                "The metric 'past_transfers' learns from a study in which sources were tuned from. "
                "Name its folder: past_transfers:rows=DIR."
            )
        if self._past is None:
            # Kept: a session ranks for many targets.
            self._past = read_past(self.rows, self.base, self.model)
        bound = attrs.evolve(self)
        bound._past = self._past.without(target)
        bound._sources = tuple(sources)
        left_out = cross_validated(bound._past, bound._foretold)
        known = {name for name in sources if name in bound._past.sources}
        bound.note = (
            f"past_transfers: {len(bound._past.targets)} past targets in {self.rows}, which know "
            f"{len(known)} of the {len({*sources})} source tasks; {left_out}."
        )
        return bound

    def compare(self, query: Floats, stack: Floats) -> Floats:  # type: ignore[override]
        """What is foretold [N] of prompts whose features are [N, E]; see `features`."""
        alike: Floats = stack @ query
        if self._past is None or self._sources is None:
            return alike
        return self._foretold(self._past, self._sources, alike)

    def _foretold(self, past: Past, sources: Sequence[str | None], alike: Floats) -> Floats:
        return foretold(past, sources, alike, self.strength, self.width)


def read_past(place: str, base: str, model: str = "") -> Past:
    """The transfers of a study's folder.

    Args:
      place: the folder.
      base: the metric of the similarities; those of a study that lacks it are unknown.
      model: of the rows; needed where there are several.

    Raises:
      SpotError: a table is absent, damaged or too large, or holds no transfer or too many.
      WrongUse: the rows are of several models, and none is named.
    """
    rows = [
        row
        for row in read_rows(place, MOST)
        if row.kind == "transfer" and row.source and row.score is not None
    ]
    models = sorted({row.model for row in rows})
    if model:
        rows = [row for row in rows if row.model == model]
    elif len(models) > 1:
        raise WrongUse(
            f"The study {place} has transfers of the models {', '.join(models)}. Name one: "
            "past_transfers:rows=DIR,model=NAME."
        )
    if not rows:
        raise SpotError(
            f"The study {place} has no finished transfer{f' of {model}' if model else ''} to learn "
            "from. Run one with oracle = true, which tunes every target from every source."
        )
    of_model = (model or models[0], "")
    similarities = list[Similarity]()
    if files.exists(files.join(place, "similarities.csv")):
        pairs = read_similarities(place, MOST)
        similarities = [p for p in pairs if p.metric == base and p.model in of_model]
    targets, sources = ({getattr(row, of) for row in rows} for of in ("task", "source"))
    if len(targets) > MOST_TARGETS or len(sources) > MOST_SOURCES:
        raise SpotError(
            f"The study {place} has transfers of {len(sources):,} sources to {len(targets):,} "
            f"targets. At most {MOST_SOURCES:,} and {MOST_TARGETS:,} are learned from: name a "
            "study of fewer."
        )
    return past_of(rows, similarities)


def past_of(rows: Iterable[Row], similarities: Iterable[Similarity]) -> Past:
    """A table of transfers, the mean over seeds.

    Args:
      rows: of one model, with a source and a score; those of the kind ``transfer``.
      similarities: of one metric; pairs of a target and a source.
    """
    scores: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        scores.setdefault((row.task, row.source or ""), []).append(float(row.score or 0.0))
    alike: dict[tuple[str, str], list[float]] = {}
    for pair in similarities:
        a, b = (pair.task_a, pair.role_a), (pair.task_b, pair.role_b)
        target, source = (a, b) if a[1] == "target" else (b, a)
        if (target[1], source[1]) == ("target", "source"):
            alike.setdefault((target[0], source[0]), []).append(pair.similarity)
    targets = tuple(sorted({target for target, _ in scores}))
    sources = tuple(sorted({source for _, source in scores}))

    def table(values: dict[tuple[str, str], list[float]]) -> Floats:
        cells = [[np.mean(values.get((t, s), [np.nan])) for s in sources] for t in targets]
        return np.array(cells, np.float64)

    return Past(targets=targets, sources=sources, scores=table(scores), alike=table(alike))
