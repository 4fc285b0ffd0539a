"""What past transfers foretell of new ones: a table of them, a prediction, and its own test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import attrs
import numpy as np

from spotfw.ranking.scores import regret_at_k, spearman
from spotfw_metrics.tokens import Floats

#: Past targets with as many known sources or more say something of the others'.
_FEWEST = 2


@attrs.frozen(kw_only=True, eq=False)
class Past:
    """Transfers that were tried.

    Attributes:
      targets, sources: names of tasks, T and S of them.
      scores: float64 [T, S], what a target reached from a source; NaN where that was not tried.
      alike: float64 [T, S], of a target's embedding and a source's; NaN where not compared.
    """

    targets: tuple[str, ...]
    sources: tuple[str, ...]
    scores: Floats
    alike: Floats

    def digest(self) -> str:
        """Of all that is known, hexadecimal; the same wherever it lies, whenever it was run."""
        hashed = hashlib.sha256(json.dumps([self.targets, self.sources]).encode())
        hashed.update(self.scores.tobytes() + self.alike.tobytes())
        return hashed.hexdigest()

    def without(self, target: str | None) -> Past:
        """The same without a target."""
        kept = [n for n, name in enumerate(self.targets) if name != target]
        return attrs.evolve(
            self,
            targets=tuple(self.targets[n] for n in kept),
            scores=self.scores[kept],
            alike=self.alike[kept],
        )


def standardized(values: Floats) -> Floats:
    """Each row of [..., S] less its mean, in its standard deviations; NaN stays.

    A row with fewer than two values, or with equal ones, becomes zeros.
    """
    known = np.isfinite(values)
    count = np.maximum(known.sum(-1, keepdims=True), 1)
    filled = np.where(known, values, 0.0)
    centred = np.where(known, filled - filled.sum(-1, keepdims=True) / count, 0.0)
    spread = np.sqrt((centred**2).sum(-1, keepdims=True) / count)
    # A spread that is rounding alone is none.
    least = 1e-12 * np.abs(filled).max(-1, keepdims=True, initial=0.0)
    scaled = centred / np.where(spread > least, spread, np.inf)
    result: Floats = np.where(known, scaled, np.nan)
    return result


def foretold(
    past: Past, sources: Sequence[str | None], alike: Floats, strength: float, width: float
) -> Floats:
    """How well prompts may do on a new target, in standard deviations of a target's sources.

    Of a source, the mean of its standardized scores z_ts on past targets t, weighted by how like
    the new target these are, and shrunk towards what the prompt metric says:

        (sum_t w_t z_ts + strength b a_s) / (sum_t w_t + strength),  w_t = exp((r_t - 1) / width)

    a_s is the prompt's standardized similarity to the new target. b is what similarities have been
    worth: the mean correlation over past targets of a_ts with z_ts, an exact one counted in
    `strength` times, and 0 at least. r_t is the correlation of how alike the two targets are to the
    sources, less the mean over past targets: a kernel regression (Nadaraya 1964; Watson 1964).
    Without past transfers this is the prompt metric's order.

    Args:
      past: transfers to other targets.
      sources: of which task each prompt is, [N]; None or an unknown one has no past.
      alike: similarities of the new target to the prompts, [N].
      strength: past targets that the prompt metric counts as much as.
      width: of the kernel; the larger, the more do unlike targets count.
    """
    prior = np.nan_to_num(standardized(alike[None])[0])
    if not past.targets:
        return prior
    gained, worth = standardized(past.scores), _worth(past)
    slope = max(float(worth.sum() + strength) / (len(worth) + strength), 0.0)
    weights = np.exp((_likeness(past, sources, alike) - 1.0) / width)
    places = {name: n for n, name in enumerate(past.sources)}
    result = np.empty(len(alike))
    for n, name in enumerate(sources):
        place = places.get(name or "")
        tried = gained[:, place] if place is not None else np.full(len(weights), np.nan)
        known = np.isfinite(tried)
        total = float(weights[known] @ tried[known]) + strength * slope * prior[n]
        result[n] = total / (float(weights[known].sum()) + strength)
    return result


@attrs.frozen(kw_only=True, eq=False)
class LeftOut:
    """Each past target foretold from the others alone, [T] each.

    Attributes:
      targets: those with enough known.
      spearman, base_spearman: correlation with what was reached; of the prompt metric.
      regret, base_regret: points lost by the source that is placed first; of the prompt metric.
    """

    targets: tuple[str, ...]
    spearman: tuple[float, ...]
    base_spearman: tuple[float, ...]
    regret: tuple[float, ...]
    base_regret: tuple[float, ...]

    def __str__(self) -> str:
        if not self.targets:
            return "too few to be tested on themselves"

        def mean(values: Sequence[float]) -> float:
            known = [value for value in values if np.isfinite(value)]
            return float(np.mean(known)) if known else float("nan")

        return (
            f"each of {len(self.targets)} past targets foretold from the others: Spearman "
            f"{mean(self.spearman):+.2f}, by the prompt metric alone "
            f"{mean(self.base_spearman):+.2f}; the first source loses {mean(self.regret):.1f} "
            f"points, the prompt metric's {mean(self.base_regret):.1f}"
        )


def cross_validated(
    past: Past, foretell: Callable[[Past, Sequence[str], Floats], Floats]
) -> LeftOut:
    """Leaves one target out at a time: nothing is judged on what it learned from."""
    names, rows = list[str](), list[tuple[float, float, float, float]]()
    for n, target in enumerate(past.targets):
        known = np.isfinite(past.scores[n]) & np.isfinite(past.alike[n])
        if int(known.sum()) <= _FEWEST:
            continue
        alike, scores = past.alike[n, known], past.scores[n, known]
        sources = [name for name, is_known in zip(past.sources, known, strict=True) if is_known]
        given = foretell(past.without(target), sources, alike)
        names.append(target)
        rows.append(
            (
                spearman(given, scores),
                spearman(alike, scores),
                regret_at_k(given, scores, 1),
                regret_at_k(alike, scores, 1),
            )
        )
    columns = [tuple(row[n] for row in rows) for n in range(4)]
    return LeftOut(
        targets=tuple(names),
        spearman=columns[0],
        base_spearman=columns[1],
        regret=columns[2],
        base_regret=columns[3],
    )


def _worth(past: Past) -> Floats:
    """Correlation of similarities with scores, of each target that has two or more of both."""
    common = np.isfinite(past.scores) & np.isfinite(past.alike)
    pairs = [
        standardized(np.stack([scores[known], alike[known]]))
        for scores, alike, known in zip(past.scores, past.alike, common, strict=True)
        if known.sum() >= _FEWEST
    ]
    return np.array([float((pair[0] * pair[1]).mean()) for pair in pairs], np.float64)


def _likeness(past: Past, sources: Sequence[str | None], alike: Floats) -> Floats:
    """Correlation of the new target's similarities to sources with each past target's, [T].

    0 where fewer than three sources are common, or nothing varies.
    """
    own = np.array([_mean_of(name, sources, alike) for name in past.sources])
    centre = _mean_of_known(past.alike)
    profiles = standardized(past.alike - centre)
    query = own - centre
    correlations = np.zeros(len(past.targets))
    for n in range(len(past.targets)):
        common = np.isfinite(profiles[n]) & np.isfinite(query)
        if int(common.sum()) > _FEWEST:
            pair = standardized(np.stack([past.alike[n] - centre, query])[:, common])
            correlations[n] = float((pair[0] * pair[1]).mean())
    return correlations


def _mean_of(name: str, sources: Sequence[str | None], alike: Floats) -> float:
    own = [value for source, value in zip(sources, alike, strict=True) if source == name]
    return float(np.mean(own)) if own else float("nan")


def _mean_of_known(values: Floats) -> Floats:
    known = np.isfinite(values)
    sums = np.where(known, values, 0.0).sum(0)
    means: Floats = np.where(known.any(0), sums / np.maximum(known.sum(0), 1), np.nan)
    return means
