"""How well similarity rankings predict transfer, by the measures of `spotfw.ranking.scores`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spotfw.study.findings.arithmetic import finished, spread
from spotfw.study.findings.likeness import Floats, metrics_of, target_pairs
from spotfw.study.findings.tables import Table, mean_cell
from spotfw.study.rows import Row, Similarity

#: A measure of a ranking: (similarities [N], transfer scores [N]) -> a number, or None.
Measure = Callable[[Floats, Floats], float | None]


def retrieval_table(
    rows: Sequence[Row],
    similarities: Sequence[Similarity],
    measures: Mapping[str, Measure] | None = None,
) -> Table:
    """How well each metric's ranking predicts transfer, by measures of rankings.

    Each target and seed ranks all source prompts by their similarity to its embedding; the
    ranking is compared with the scores that the prompts gave with that seed. The table has the
    mean over targets, then mean and deviation over seeds.

    Args:
      rows: of one model, with transfers.
      similarities: of the same.
      measures: by heading, by default those of `spotfw.ranking.scores`. A measure that gives
        None or no number leaves that target out.
    """
    scores: dict[tuple[str, int], dict[tuple[str, int], float]] = {}
    for row in finished(rows, "transfer"):
        key = row.source or "", row.source_seed or 0
        scores.setdefault((row.task, row.seed), {})[key] = row.score or 0.0
    if measures is None:
        measures = _measures(max((len(prompts) for prompts in scores.values()), default=0))
    lines: list[list[Any]] = []
    notes = [
        "Each target's ranking of all source prompts against the scores that they gave. Mean "
        "over targets; mean and standard deviation over seeds."
    ]
    for metric in metrics_of(similarities):
        alike: dict[tuple[str, int], dict[tuple[str, int], float]] = {}
        for target, source, value in target_pairs(similarities, metric):
            queries = alike.setdefault((target.task, target.seed or 0), {})
            queries[source.task, source.seed or 0] = value
        values: dict[str, dict[int, list[float]]] = {name: {} for name in measures}
        left_out = 0
        for (task, seed), queries in alike.items():
            shared = sorted(queries.keys() & scores.get((task, seed), {}).keys())
            if not shared:
                continue
            x = np.array([queries[key] for key in shared])
            y = np.array([scores[task, seed][key] for key in shared])
            for name, measure in measures.items():
                measured = measure(x, y)
                if measured is None or not math.isfinite(measured):
                    left_out += 1
                else:
                    values[name].setdefault(seed, []).append(measured)
        cells = [
            attrs.evolve(mean_cell(spread(float(np.mean(v)) for v in seeds.values())), digits=2)
            for seeds in values.values()
        ]
        lines.append([metric, *cells])
        if left_out:
            notes.append(
                f"{metric}: {left_out} values left out, because scores or similarities do not "
                "vary, or are fewer than k."
            )
    return Table(
        name="retrieval",
        title="How well a ranking predicts transfer",
        columns=["metric", *measures],
        rows=lines,
        notes=notes,
    )


def _measures(count: int) -> dict[str, Measure]:
    """Those of `spotfw.ranking.scores`, with every usual k that `count` prompts allow."""
    from spotfw.ranking import scores

    def at(measure: Callable[..., float], k: int, x: Floats, y: Floats) -> float | None:
        return measure(x, y, k) if k <= len(x) else None  # a begun study has fewer in places

    ks = [k for k in scores.KS if k <= count]
    return {
        "Spearman": scores.spearman,
        "Kendall": scores.kendall,
        "NDCG": scores.ndcg,
        **{f"regret@{k}": functools.partial(at, scores.regret_at_k, k) for k in ks},
        **{f"hit rate@{k}": functools.partial(at, scores.hit_at_k, k) for k in ks},
    }
