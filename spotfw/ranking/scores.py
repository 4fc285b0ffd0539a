"""How well a ranking of sources predicts the result of transfer from them.

For one target, similarities [N] of the sources are compared with scores [N], what the target
reaches from each. Correlations measure the whole order, regret and hits only the top, NDCG
both. What is undefined, such as a correlation with constant values, is NaN;
`evaluate_ranking` says why. Sources of equal similarity keep the order given, as a ranking
breaks ties.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.errors import WrongUse
from spotfw.ranking import Ranking

__all__ = [
    "RankingScores",
    "evaluate_ranking",
    "hit_at_k",
    "kendall",
    "mean_figures",
    "ndcg",
    "regret_at_k",
    "spearman",
]

Floats = npt.NDArray[np.float64]

#: How many sources from the top are looked at by default (paper 3.2.1: 3, 6, 9).
KS = (1, 3, 5)


def spearman(similarities: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Spearman's rank correlation, equal values sharing their mean rank; NaN if undefined.

    Args:
      similarities, scores: [N], finite.

    Raises:
      WrongUse: they are not as many, or hold NaN or infinity.
    """
    from scipy.stats import spearmanr

    return _correlation(spearmanr, similarities, scores)


def kendall(similarities: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Kendall's tau-b, which corrects for ties; NaN if undefined. As `spearman` otherwise."""
    from scipy.stats import kendalltau

    return _correlation(kendalltau, similarities, scores)


def regret_at_k(similarities: npt.ArrayLike, scores: npt.ArrayLike, k: int) -> float:
    """Points lost by trying only the k most similar: best score of all, less best of those.

    0 where the best source is among them; in the scores' unit.

    Raises:
      WrongUse: as `spearman`, or k is not in 1..N.
    """
    ranked = _ranked(similarities, scores, k)
    return float(ranked.max() - ranked[:k].max())


def hit_at_k(similarities: npt.ArrayLike, scores: npt.ArrayLike, k: int) -> float:
    """1 where a best source is among the k most similar, else 0; its mean is the hit rate.

    Raises:
      WrongUse: as `regret_at_k`.
    """
    ranked = _ranked(similarities, scores, k)
    return float(ranked[:k].max() == ranked.max())


def ndcg(similarities: npt.ArrayLike, scores: npt.ArrayLike, k: int | None = None) -> float:
    """Normalized discounted cumulative gain of the first k; by default of all.

    sum_r score_r / log2(r + 1) over ranks r up to k, divided by the same sum for the best
    order. 1 is perfect; scores that lie close together leave little room below it. NaN where
    a score is negative or all are 0, for which no gain is defined.

    Raises:
      WrongUse: as `regret_at_k`.
    """
    ranked = _ranked(similarities, scores, k)
    if _no_gain(ranked):
        return math.nan
    count = len(ranked) if k is None else k
    discounts = 1 / np.log2(np.arange(2, count + 2))
    best = -np.sort(-ranked)
    return float((ranked[:count] @ discounts) / (best[:count] @ discounts))


@attrs.frozen(kw_only=True)
class RankingScores:
    """The figures of `evaluate_ranking`.

    Attributes:
      count: sources that were judged.
      spearman, kendall, ndcg: of the whole ranking.
      regret, hit, ndcg_at: by k. A hit is 1 or 0; a mean of several is the hit rate.
      undefined: name of a figure that is NaN -> why.
      missing: sources of the ranking without a known score, which were left out.
      unused: names in the scores that are not in the ranking.
    """

    count: int
    spearman: float
    kendall: float
    ndcg: float
    regret: Mapping[int, float]
    hit: Mapping[int, float]
    ndcg_at: Mapping[int, float]
    undefined: Mapping[str, str] = attrs.field(factory=dict)
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def figures(self) -> dict[str, float]:
        """Each figure by its name, such as ``regret@3``."""
        figures = {"spearman": self.spearman, "kendall": self.kendall, "ndcg": self.ndcg}
        for name, values in (("ndcg", self.ndcg_at), ("regret", self.regret), ("hit", self.hit)):
            figures |= {f"{name}@{k}": value for k, value in values.items()}
        return figures

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; what is undefined is None."""
        figures = {k: None if math.isnan(v) else v for k, v in self.figures().items()}
        return {
            "count": self.count,
            **figures,
            "undefined": dict(self.undefined),
            "missing": list(self.missing),
            "unused": list(self.unused),
        }


def evaluate_ranking(
    ranking: Ranking, scores: Mapping[str, float], ks: Sequence[int] | None = None
) -> RankingScores:
    """Compares a ranking with the known results of transfer from its sources.

    Args:
      ranking: over all prompts, or by task (`Ranking.by_task`).
      scores: of the target from each source, by the prompt's id or else its task; several
        prompts of a task then share its score.
      ks: how many from the top; by default those of 1, 3 and 5 that the ranking allows.

    Raises:
      WrongUse: a score is NaN or infinite, no source has a score, or a k is larger than
        their number.
    """
    _check_scores(scores)
    names = [item.id if item.id in scores else item.task or item.id for item in ranking]
    known = [place for place, name in enumerate(names) if name in scores]
    if not known:
        raise WrongUse(
            f"None of the scores ({_some(scores)}) is of a source of the ranking "
            f"({_some(names) or 'which is empty'}). Name the sources by their tasks or ids."
        )
    similarities = np.array([ranking[place].similarity for place in known])
    values = np.array([scores[names[place]] for place in known], np.float64)
    wanted = [k for k in KS if k <= len(known)] if ks is None else list(ks)
    correlations = spearman(similarities, values), kendall(similarities, values)
    whole = ndcg(similarities, values)
    undefined = {}
    if math.isnan(correlations[0]):
        undefined = dict.fromkeys(("spearman", "kendall"), _why(similarities, values))
    if math.isnan(whole):
        why = "a score is negative" if (values < 0).any() else "all scores are 0"
        undefined |= dict.fromkeys(("ndcg", *(f"ndcg@{k}" for k in wanted)), why)
    return RankingScores(
        count=len(known),
        spearman=correlations[0],
        kendall=correlations[1],
        ndcg=whole,
        regret={k: regret_at_k(similarities, values, k) for k in wanted},
        hit={k: hit_at_k(similarities, values, k) for k in wanted},
        ndcg_at={k: ndcg(similarities, values, k) for k in wanted},
        undefined=undefined,
        missing=tuple(dict.fromkeys(name for name in names if name not in scores)),
        unused=tuple(sorted(set(scores) - set(names))),
    )


def mean_figures(evaluations: Iterable[RankingScores]) -> dict[str, float]:
    """Each figure's mean over the targets for which it is defined.

    The mean of ``hit@k`` is the hit rate. NaN where no target defines a figure.
    """
    gathered: dict[str, list[float]] = {}
    for evaluation in evaluations:
        for name, value in evaluation.figures().items():
            gathered.setdefault(name, []).extend([] if math.isnan(value) else [value])
    return {k: float(np.mean(v)) if v else math.nan for k, v in gathered.items()}


def _correlation(
    function: Callable[..., Any], similarities: npt.ArrayLike, scores: npt.ArrayLike
) -> float:
    a, b = _pair(similarities, scores)
    return math.nan if _why(a, b) else float(function(a, b).statistic)


def _why(similarities: Floats, scores: Floats) -> str:
    """Why the correlation is undefined; empty where it is defined."""
    if len(scores) < 2:
        return "a correlation needs two sources or more"
    for name, values in (("similarities", similarities), ("scores", scores)):
        if (values == values[0]).all():
            return f"all {name} are equal, so that they order nothing"
    return ""


def _no_gain(scores: Floats) -> bool:
    return bool((scores < 0).any() or not scores.any())


def _ranked(similarities: npt.ArrayLike, scores: npt.ArrayLike, k: int | None) -> Floats:
    """The scores by falling similarity; ties, up to rounding, as given."""
    a, b = _pair(similarities, scores)
    if not len(b) or (k is not None and not 1 <= k <= len(b)):
        raise WrongUse(
            f"k counts sources from the top of a ranking of {len(b)} with known scores, but is "
            f"{k}. Use 1 to {len(b)}."
            if len(b)
            else "There is no source with a known score to judge a ranking by."
        )
    # Rounded as rankings are, so that rounding errors decide nothing.
    return b[np.argsort(-np.round(a, 12), kind="stable")]


def _pair(similarities: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(similarities, np.float64), np.asarray(scores, np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise WrongUse(
            f"One similarity and one score for each source are needed, but the shapes are "
            f"{list(a.shape)} and {list(b.shape)}."
        )
    for name, values in (("similarities", a), ("scores", b)):
        if not np.isfinite(values).all():
            raise WrongUse(
                f"The {name} hold {int((~np.isfinite(values)).sum())} values that are NaN or "
                "infinite, so that the ranking cannot be judged. Leave those sources out."
            )
    return a, b


def _check_scores(scores: Mapping[str, float]) -> None:
    bad = [name for name, score in scores.items() if not math.isfinite(score)]
    if bad:
        raise WrongUse(
            f"The scores of {_some(bad)} are NaN or infinite. Leave these sources out, or give "
            "their true scores."
        )


def _some(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - 5} more" if len(unique) > 5 else ""
    return ", ".join(unique[:5]) + more
