"""Numbers as a table's cells, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
#: A heading, then rows; the first column is a name.
Table = list[list[str]]

_DRAWN = 10_000


def mean_and_deviation(values: Sequence[float] | Numbers) -> str:
    """Over seeds, as the paper writes it."""
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def interval(values: Sequence[float], digits: int = 2) -> str:
    """A mean over targets with its 95 % interval, targets drawn again."""
    low, high = bootstrap(len(values), lambda drawn: np.asarray(values)[drawn].mean(1))
    return f"{np.mean(values):+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def bootstrap(count: int, statistic: Callable[[npt.NDArray[np.int64]], Numbers]) -> Numbers:
    """The 2.5 and 97.5 percent points of a statistic of targets [draws, count] drawn again."""
    drawn = np.random.default_rng(0).integers(0, count, (_DRAWN, count))
    return np.quantile(statistic(drawn), [0.025, 0.975])


def markdown(table: Table) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0]), *lines[1:]])


def percent(counts: Mapping[str, tuple[int, int]]) -> str:
    """Counts of all, a line each."""
    return "\n".join(
        f"- {name}: {some} of {total} ({100 * some / max(total, 1):.0f} %)"
        for name, (some, total) in counts.items()
    )
