"""How well each metric predicts transfer, on published prompts.

``python -m benchmarks.metrics [--folder DIR] [--json FILE]``

The folder holds one prompt a task, ``TASK.npy`` [L, E], and ``transfer.csv``: a row for each
target, whose first cell names it, and a column for each source, with the score that the source's
prompt reaches there (the largest of the table is 1 or less: shares, shown times 100). Columns of
other names, such as the untrained prompt's ``random``, are left out.

For a target, a metric ranks the other prompts by how alike they are to the target's own. Told is
the mean over the targets, with 95 % intervals that draw the targets again, of

* Spearman's correlation of similarity and score, equal scores sharing their mean rank, and how
  much that is above the first metric of the paper, target by target;
* regret@k in points: the best score among the others, less the best among the k ranked first.

By default the folder is ``../shared/prompts/published_transfer`` beside the repository: 17 prompts
of T5 Base and the score of each on each of the 17 tasks when used there unchanged (Su et al. 2022).
Metrics that look into the frozen model, at a target's examples or at past transfers are not here.
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
from spotfw.cli.display import note, note_wait, print_table
from spotfw.contracts import SimilarityMetric, SourceTasks
from spotfw.errors import SpotError
from spotfw.plugins import default_plugins
from spotfw.prompts import load_prompt
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
      by_target: the correlation of each target.
    """

    spearman: float
    regret: dict[int, float]
    by_target: tuple[float, ...] = ()

    def interval(self, base: Agreement | None = None) -> tuple[float, float]:
        """The 95 % interval of the mean correlation, or of how much it is above another's."""
        values = np.array(self.by_target) - (np.array(base.by_target) if base else 0.0)
        drawn = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
        low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
        return float(low), float(high)


def read_published(folder: Path) -> Published:
    """Reads the prompts and the table; columns of no target are left out.

    Raises:
      SpotError: a file is absent, or the table is not as the module says.
    """
    if not (folder / "transfer.csv").is_file():
        raise SpotError(f"The folder {folder} holds no transfer.csv. Name one with --folder DIR.")
    with (folder / "transfer.csv").open(newline="") as file:
        header, *lines = list(csv.reader(file))
    tasks = tuple(line[0] for line in lines)
    unknown = sorted(set(tasks) - set(header[1:]))
    if unknown or len(tasks) < 3:
        what = f"the target {unknown[0]!r} has no column" if unknown else "it has under 3 targets"
        raise SpotError(f"The table {folder / 'transfer.csv'} cannot be used: {what}.")
    columns = [header.index(task) for task in tasks]
    prompts = [load_prompt(folder / f"{task}.npy").array for task in tasks]
    try:
        table = np.array([[float(line[c]) for c in columns] for line in lines])
    except (ValueError, IndexError) as error:
        raise SpotError(f"A score of {folder / 'transfer.csv'} is no number: {error}.") from error
    scale = 100.0 if table.max() <= 1 else 1.0
    return Published(tasks=tasks, prompts=np.stack(prompts), scores=scale * table)


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
        by_target=tuple(map(float, correlations)),
    )


def main() -> int:
    """Measures every metric installed and prints the table."""
    made = parser("metrics", "Metrics against a published transfer table.")
    made.add_argument("--folder", metavar="DIR", help="prompts and transfer.csv")
    given = made.parse_args()
    folder = PUBLISHED if given.folder is None else Path(given.folder)
    if not folder.is_dir():
        note(f"This needs the folder {folder}, which is not here.")
        return 1
    try:
        published = read_published(folder)
    except SpotError as error:
        note(str(error))
        return 1
    agreements: dict[str, Agreement] = {}
    for part in default_plugins().components("metric"):
        if isinstance(part.value, SourceTasks):
            continue
        try:
            note_wait(f"{part.name} ...")
            table = similarities(part.value, published.prompts)
        except SpotError as error:
            note(f"{part.name} is left out: {error}")
            continue
        agreements[part.name] = agreement(table, published.scores)
    ordered = dict(sorted(agreements.items(), key=lambda item: -item[1].spearman))
    print_table(
        ["metric", "Spearman", "95 %", f"above {BASELINE}", *(f"regret@{k}" for k in REGRETS)],
        [_line(name, a, ordered.get(BASELINE)) for name, a in ordered.items()],
        title=f"Mean over {len(published.tasks)} targets; regret in points, "
        f"{_by_chance(published.scores):.1f} at 1 by chance",
    )
    return report(
        "metrics",
        [
            row
            for name, a in ordered.items()
            for row in _rows(name, a, ordered, KNOWN if given.folder is None else {})
        ],
        given.json,
        ("spotfw", "spotfw-metrics", "numpy", "scipy"),
    )


def _by_chance(scores: Floats) -> float:
    """Regret at 1 of a ranking drawn at random: best score less the mean."""
    size = len(scores)
    rows = [scores[i, np.arange(size) != i] for i in range(size)]
    return float(np.mean([row.max() - row.mean() for row in rows]))


def _line(name: str, measured: Agreement, base: Agreement | None) -> list[str]:
    low, high = measured.interval()
    above = ""
    if base is not None and name != BASELINE:
        least, most = measured.interval(base)
        above = f"{measured.spearman - base.spearman:+.3f} [{least:+.3f}, {most:+.3f}]"
    regrets = [f"{measured.regret[k]:.1f}" if k in measured.regret else "" for k in REGRETS]
    return [name, f"{measured.spearman:.4f}", f"[{low:.3f}, {high:.3f}]", above, *regrets]


def _rows(
    name: str, measured: Agreement, among: dict[str, Agreement], figures: dict[str, float]
) -> list[Row]:
    """A metric's figures, held against what is known of it or the paper's first metric's."""
    known, base = figures.get(name), among.get(BASELINE, measured)
    if known is not None:
        goal, holds = "as known, to 4 digits", round(measured.spearman, 4) == known
    else:
        known, goal = base.spearman, f"above {BASELINE} beyond noise"
        holds = measured.interval(base)[0] > 0
    ratio = measured.spearman / known
    rows = [Row(f"{name}: Spearman", measured.spearman, known, "correlation", ratio, goal, holds)]
    for k, regret in measured.regret.items():
        theirs = base.regret[k]
        share = regret / theirs if theirs else None
        rows.append(Row(f"{name}: regret@{k}", regret, theirs, "points", share, "", None))
    return rows


if __name__ == "__main__":
    sys.exit(main())
