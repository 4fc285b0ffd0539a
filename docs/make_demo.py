"""Writes the README's table of the demo, or checks it, from what a run of the demo printed.

Usage: spotfw demo --out DIR --json > demo.json; python docs/make_demo.py demo.json [--check]

Processors round differently, and a tuning can end elsewhere because of it: a check lets each mean
differ by its deviation over seeds, and by two points at least. A column that is stale differs by
more, or has another name. Of the README's tables the one with the demo's own targets is meant.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spotfw.cli.tables import layout

README = Path(__file__).parents[1] / "README.md"

TITLE = "Validation score, mean and standard deviation over seeds"
_BLOCK = re.compile(rf"```\n{TITLE}\n(.*?)```", re.DOTALL)

#: Points that a mean may differ by at least.
LEAST = 2.0

#: A table as numbers: row -> column -> (mean, deviation).
Scores = dict[str, dict[str, tuple[float, float]]]


def scores_of(demo: Mapping[str, Any]) -> Scores:
    """The table of a demo's JSON document."""
    rows: Sequence[Mapping[str, Any]] = demo["rows"]
    columns = list(rows[0]["scores"])
    table: Scores = {}
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row["scores"] for row in rows if row["target"] == target]
        table[target] = {c: _spread([scores[c] for scores in own]) for c in columns}
    seeds = sorted({row["seed"] for row in rows})
    by_seed = {
        c: [np.mean([r["scores"][c] for r in rows if r["seed"] == seed]) for seed in seeds]
        for c in columns
    }
    table["mean"] = {c: _spread(by_seed[c]) for c in columns}
    return table


def text_of(scores: Scores) -> str:
    """The lines of the table."""
    columns = ["target", *next(iter(scores.values()))]
    rows = [
        [name, *(f"{mean:.1f} ± {std:.1f}" for mean, std in cells.values())]
        for name, cells in scores.items()
    ]
    return "".join(f"{line}\n" for _, line in layout(columns, rows, 10_000))


def block_of(page: str, target: str) -> re.Match[str]:
    """Where the README's table with this target stands."""
    for block in _BLOCK.finditer(page):
        if f"\n{target} " in block[1]:
            return block
    raise SystemExit(f"The README has no table under {TITLE!r} with the target {target}.")


def scores_in(page: str, target: str) -> Scores:
    """The table with this target that stands in the README."""
    block = block_of(page, target)
    head, *lines = (re.split(r"  +", line) for line in block[1].splitlines())
    return {
        name: {
            column: tuple(float(n) for n in cell.split(" ± "))  # type: ignore[misc]
            for column, cell in zip(head[1:], cells, strict=True)
        }
        for name, *cells in lines
    }


def differences(written: Scores, run: Scores) -> list[str]:
    """What of the README's table a run does not bear out, a line each."""
    if list(written) != list(run) or [*written["mean"]] != [*run["mean"]]:
        return [f"rows or columns are others: {[*run]}, {[*run['mean']]}"]
    return [
        f"{row}, {column}: {mean} ± {std}, the run has {other:.1f}"
        for row, cells in written.items()
        for column, (mean, std) in cells.items()
        if abs(mean - (other := run[row][column][0])) > max(LEAST, std, run[row][column][1])
    ]


def main(words: Sequence[str]) -> int:
    """Writes the table into the README, or with --check compares them."""
    paths = [word for word in words if word != "--check"]
    if len(paths) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    run = scores_of(json.loads(Path(paths[0]).read_text(encoding="utf-8")))
    page, target = README.read_text(encoding="utf-8"), next(iter(run))
    if "--check" not in words:
        old = block_of(page, target)[0]
        README.write_text(
            page.replace(old, f"```\n{TITLE}\n{text_of(run)}```", 1), encoding="utf-8"
        )
        return 0
    wrong = differences(scores_in(page, target), run)
    print("\n".join(wrong) or "The README's table is what the demo gives.")
    if wrong:
        print("Look at what changed, then write it anew: make demo-table")
    return 1 if wrong else 0


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
