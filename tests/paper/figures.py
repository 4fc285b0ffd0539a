"""Single figures of the paper (Vu et al. 2022) that tests of its arithmetic are held to.

`table3.csv` has two averages of its Table 3, `table4.csv` the means of its Table 4 and
`table5.csv` its Table 5: numbers and names of tasks, no text.
"""

from __future__ import annotations

import csv
from pathlib import Path


def rows(table: int) -> list[dict[str, str]]:
    """The figures of one table, a line each, as they are printed."""
    path = Path(__file__).with_name(f"table{table}.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def scores() -> dict[tuple[str, str], float]:
    """Table 4: (source, target) -> mean score; the source ``Baseline`` is no source."""
    return {
        (row["source"], target): float(text)
        for row in rows(4)
        for target, text in row.items()
        if target != "source"
    }


def error_reductions() -> dict[tuple[str, str], float]:
    """Table 5: (source, target) -> relative error reduction in percent."""
    return {(row["source"], row["target"]): float(row["percent"]) for row in rows(5)}
