"""How well each metric predicts transfer, on published prompts.

``python -m benchmarks.metrics [--json FILE]``

17 prompts of T5 Base, one a task, and the score of each on each of the 17 tasks when used
there unchanged (Su et al. 2022). For a target, a metric ranks the other 16 prompts by how
alike they are to the target's own; the target's own column and the untrained prompt's
(``random``) are left out. Told is the mean over the 17 targets of

* Spearman's correlation of similarity and score, equal scores sharing their mean rank;
* regret@k in points: the best score among the 16, less the best among the k ranked first;
  the table's scores are shares of 1, here times 100.

Metrics that look into the frozen model are not here: T5 Base is not. Needs
``../shared/prompts/published_transfer`` beside the repository.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from benchmarks.rows import Row, parser, report
from spotfw.cli.display import note, print_table
from spotfw.contracts import SimilarityMetric
from spotfw.errors import SpotError
from spotfw.plugins import default_plugins
from spotfw.ranking.scores import regret_at_k, spearman

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "prompts" / "published_transfer"
REGRETS = (1, 3, 5)

#: What the paper's two metrics are known to give (issue B).
KNOWN = {"average_token_cosine": 0.5075, "per_token_cosine": 0.4294}
BASELINE = "average_token_cosine"

Floats = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True)
class Published:
    """The published prompts and what they give.

    Attributes:
      tasks: names, T of them.
      prompts: float32 [T, L, E], one a task.
      scores: float64 [T, T], of target (row) with source (column), 0-100.
    """

    tasks: tuple[str, ...]
    prompts: npt.NDArray[np.float32]
    scores: Floats


@attrs.frozen(kw_only=True)
class Agreement:
    """Means over the targets.

    Attributes:
      spearman: correlation of similarity and score.
      regret: by k, points.
    """

    spearman: float
    regret: dict[int, float]


def read_published(folder: Path) -> Published:
    """Reads the prompts and the table; the untrained prompt's column is left out."""
    with (folder / "transfer.csv").open(newline="") as file:
        header, *lines = list(csv.reader(file))
    tasks = tuple(line[0] for line in lines)
    columns = [header.index(task) for task in tasks]
    prompts = [np.load(folder / f"{task}.npy", allow_pickle=False) for task in tasks]
    scores = [[100 * float(line[c]) for c in columns] for line in lines]
    return Published(tasks=tasks, prompts=np.stack(prompts), scores=np.array(scores))


def similarities(metric: SimilarityMetric, prompts: Sequence[Any]) -> Floats:
    """Similarity of each prompt (row) with each other one (column); the diagonal is NaN.

    A row is one ranking, as a library of the others would give it.
    """
    features = [metric.features(prompt) for prompt in prompts]
    table = np.full((len(prompts),) * 2, np.nan)
    for row, query in enumerate(features):
        others = [i for i in range(len(prompts)) if i != row]
        table[row, others] = metric.compare(query, np.stack([features[i] for i in others]))
    return table


def agreement(similarity: Floats, scores: Floats) -> Agreement:
    """How well rankings [T, T] agree with scores [T, T], diagonals left out."""
    correlations, regrets = [], []
    for row in range(len(scores)):
        others = np.arange(len(scores)) != row
        alike, score = similarity[row, others], scores[row, others]
        correlations.append(spearman(alike, score))
        regrets.append([regret_at_k(alike, score, k) for k in REGRETS if k <= len(score)])
    means = np.mean(regrets, axis=0)
    return Agreement(
        spearman=float(np.mean(correlations)),
        regret={k: float(mean) for k, mean in zip(REGRETS, means, strict=False)},
    )


def main() -> int:
    """Measures every metric installed and prints the table."""
    given = parser("metrics", "Metrics against a published transfer table.").parse_args()
    if not PUBLISHED.is_dir():
        note(f"This needs the folder {PUBLISHED}, which is not here.")
        return 1
    published = read_published(PUBLISHED)
    agreements: dict[str, Agreement] = {}
    for part in default_plugins().components("metric"):
        try:
            table = similarities(part.value, published.prompts)
        except SpotError as error:
            note(f"{part.name} is left out: {error}")
            continue
        agreements[part.name] = agreement(table, published.scores)
    ordered = dict(sorted(agreements.items(), key=lambda item: -item[1].spearman))
    print_table(
        ["metric", "Spearman", *(f"regret@{k}" for k in REGRETS)],
        [
            [name, f"{a.spearman:.4f}", *(f"{a.regret[k]:.1f}" for k in REGRETS)]
            for name, a in ordered.items()
        ],
        title=f"Mean over {len(published.tasks)} targets; regret in points, "
        f"{_by_chance(published.scores):.1f} at 1 by chance",
    )
    return report(
        "metrics",
        [row for name, a in ordered.items() for row in _rows(name, a, ordered)],
        given.json,
        ("spotfw", "spotfw-metrics", "numpy", "scipy"),
    )


def _by_chance(scores: Floats) -> float:
    """Regret at 1 of a ranking drawn at random: best score less the mean."""
    size = len(scores)
    rows = [scores[i, np.arange(size) != i] for i in range(size)]
    return float(np.mean([row.max() - row.mean() for row in rows]))


def _rows(name: str, measured: Agreement, among: dict[str, Agreement]) -> list[Row]:
    """A metric's figures, held against what is known of it or the paper's first metric's."""
    known, base = KNOWN.get(name), among.get(BASELINE, measured)
    if known is not None:
        goal, holds = "as known, to 4 digits", round(measured.spearman, 4) == known
    else:
        known, goal = base.spearman, f"above {BASELINE}"
        holds = measured.spearman > base.spearman
    ratio = measured.spearman / known
    rows = [Row(f"{name}: Spearman", measured.spearman, known, "correlation", ratio, goal, holds)]
    for k, regret in measured.regret.items():
        theirs = base.regret[k]
        share = regret / theirs if theirs else None
        rows.append(Row(f"{name}: regret@{k}", regret, theirs, "points", share, "", None))
    return rows


if __name__ == "__main__":
    sys.exit(main())
