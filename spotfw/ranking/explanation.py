"""Why sources stand where they stand in a ranking, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import attrs

from spotfw.ranking.text_table import text_table

if TYPE_CHECKING:
    import pandas


@attrs.frozen(kw_only=True)
class Explained:
    """One source.

    Attributes:
      rank: from 1.
      id, task, family, seed, score: as `spotfw.ranking.Ranked`.
      signals: what each metric gave, by its name.
      places: its place by each metric alone, from 1; None where that did not compare it.
      reason: in a few words.
      passes: forward passes of one example that ranking it took.
      tuning_passes: those that tuning from it takes, a step's backward pass as two; None where
        that is not known.
    """

    rank: int
    id: str
    task: str | None
    family: str | None = None
    seed: int | None = None
    score: float | None = None
    signals: Mapping[str, float]
    places: Mapping[str, int]
    reason: str
    passes: float = 0.0
    tuning_passes: float | None = None

    def row(self) -> dict[str, Any]:
        """As plain values; a signal and its place are columns of their own."""
        values = attrs.asdict(self, recurse=False)
        signals, places = values.pop("signals"), values.pop("places")
        for name, value in signals.items():
            values[name] = value
            values[f"{name}:place"] = places.get(name)
        return values


def _as_tuple(items: Iterable[Explained]) -> tuple[Explained, ...]:
    return tuple(items)


@attrs.frozen(kw_only=True, repr=False)
class Explanation(Sequence[Explained]):
    """The sources of a ranking, explained.

    Attributes:
      items: in the ranking's order.
      title: its first line when it is printed.
      notes: of the ranking; the last lines.
      measures: what each metric's values are, by its name, where it is no similarity.
    """

    items: tuple[Explained, ...] = attrs.field(converter=_as_tuple)
    title: str = ""
    notes: tuple[str, ...] = ()
    measures: Mapping[str, str] = attrs.field(factory=dict)

    @overload
    def __getitem__(self, index: int) -> Explained: ...
    @overload
    def __getitem__(self, index: slice) -> Explanation: ...
    def __getitem__(self, index: int | slice) -> Explained | Explanation:
        if isinstance(index, slice):
            return attrs.evolve(self, items=self.items[index])
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Explained]:
        return iter(self.items)

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each source, for JSON."""
        return [item.row() for item in self.items]

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each source: place, signals, reason, cost."""
        import pandas

        return pandas.DataFrame(self.rows())

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Headings and rows, as it is printed."""
        names = list(self.items[0].signals) if self.items else []
        rows = [
            [
                *(item.rank, item.task or item.id, item.seed),
                *(f"{item.signals[name]:+.4f}" if name in item.signals else None for name in names),
                f"{item.passes:,.0f}",
                # The rank says it already where one metric alone decides.
                *([item.reason] if len(names) > 1 else []),
            ]
            for item in self.items
        ]
        headings = [
            f"{name} ({self.measures[name]})" if name in self.measures else name for name in names
        ]
        last = ["why"] if len(names) > 1 else []
        return ["rank", "task", "seed", *headings, "passes", *last], rows

    def __str__(self) -> str:
        columns, rows = self.table()
        table = text_table(
            self.title, columns, rows, right={0, *range(2, columns.index("passes") + 1)}
        )
        return "\n".join([table, *self.notes])

    def __repr__(self) -> str:
        return str(self)


def reason(places: Mapping[str, int], counts: Mapping[str, int]) -> str:
    """Where a source stands by each metric, the best first: ``1st of 21 by zero_step_loss``."""
    by_place: dict[tuple[int, int], list[str]] = {}
    for name in sorted(places, key=lambda name: places[name]):
        by_place.setdefault((places[name], counts[name]), []).append(name)
    words = [
        f"{_ordinal(place)} of {count} by {', '.join(names)}"
        for (place, count), names in by_place.items()
    ]
    return "; ".join(words)


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
