"""A ranking of source prompts for a target: a sequence that prints, slices and tabulates."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import attrs
import numpy as np

from spotfw.errors import WrongUse
from spotfw.ranking.explanation import Explained, Explanation, reason
from spotfw.ranking.markup import html_table
from spotfw.ranking.text_table import text_table

if TYPE_CHECKING:
    import pandas


#: What most metrics give.
SIMILARITY = "similarity"


@attrs.frozen(kw_only=True)
class Ranked:
    """A source prompt with its place.

    Attributes:
      rank: from 1.
      id: of the library's entry.
      task, family, seed: where the prompt comes from.
      similarity: of its task embedding to the target's, or what else the metric gives; higher is
        more alike, or more promising.
      score: of the prompt on its own task's validation data, 0-100.
    """

    rank: int
    id: str
    task: str | None
    family: str | None = None
    seed: int | None = None
    similarity: float
    score: float | None = None


def _as_tuple(items: Iterable[Ranked]) -> tuple[Ranked, ...]:
    return tuple(items)


@attrs.frozen(kw_only=True, repr=False)
class Ranking(Sequence[Ranked]):
    """Source prompts from most to least alike; slices are rankings that keep their ranks.

    Attributes:
      items: the prompts in order.
      metric: what compared them.
      measure: what their similarities are, in a word or two, as tables head them.
      query: what they were compared with, e.g. the target's name.
      left_out: prompts of the library that were not compared, by reason.
      signals: the rankings that this one was made of, by one metric each; none if it was not.
      passes: forward passes of one example that it took to rank a source; 0 where prompts alone
        were compared.
      tuning_passes: those that tuning the target from one source takes, a backward pass as two;
        None where no tuning is planned.
      notes: what the metrics say of themselves, a sentence each, such as how far they can be
        relied on.
    """

    items: tuple[Ranked, ...] = attrs.field(converter=_as_tuple)
    metric: str = ""
    measure: str = SIMILARITY
    query: str = ""
    left_out: dict[str, int] = attrs.field(factory=dict)
    signals: tuple[Ranking, ...] = ()
    passes: float = 0.0
    tuning_passes: float | None = None
    notes: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Ranked: ...
    @overload
    def __getitem__(self, index: slice) -> Ranking: ...
    def __getitem__(self, index: int | slice) -> Ranked | Ranking:
        if isinstance(index, slice):
            return attrs.evolve(self, items=self.items[index])
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Ranked]:
        return iter(self.items)

    def by_task(self) -> Ranking:
        """Each task once, by the mean similarity of its prompts (paper footnote 11).

        The row of a task is that of its most similar prompt, with the mean similarity.
        """
        groups: dict[str | None, list[Ranked]] = {}
        for item in self.items:
            groups.setdefault(item.task, []).append(item)
        merged = [
            attrs.evolve(group[0], similarity=float(np.mean([i.similarity for i in group])))
            for group in groups.values()
        ]
        return attrs.evolve(self, items=in_order(merged))

    def names(self) -> dict[str, str]:
        """A name for people of each prompt, by id: ``film_reviews (seed 0)``, or the id.

        Prompts of one task and seed carry the beginning of their id too.
        """
        words = {
            item.id: f"{item.task} (seed {'-' if item.seed is None else item.seed})"
            if item.task
            else item.id
            for item in self.items
        }
        counts = Counter(words.values())
        return {
            id: word if counts[word] == 1 else f"{word[:-1]}, {id[:8]})"
            for id, word in words.items()
        }

    def explain(self, *others: Ranking) -> Explanation:
        """Each source with every signal, a short reason, and what it costs.

        Args:
          *others: rankings of the same sources by further metrics, which did not decide.
        """
        deciding = self.signals or (self,)
        known = {r.metric: {item.id: item for item in r} for r in (*deciding, *others)}
        counts = {metric: len(items) for metric, items in known.items()}
        names = [ranking.metric for ranking in deciding]
        explained = []
        for item in self.items:
            entries = {
                metric: items[item.id] for metric, items in known.items() if item.id in items
            }
            places = {metric: at.rank for metric, at in entries.items()}
            why = reason({m: place for m, place in places.items() if m in names}, counts)
            explained.append(
                Explained(
                    rank=item.rank,
                    id=item.id,
                    task=item.task,
                    family=item.family,
                    seed=item.seed,
                    score=item.score,
                    signals={metric: at.similarity for metric, at in entries.items()},
                    places=places,
                    reason=why,
                    passes=self.passes + sum(other.passes for other in others),
                    tuning_passes=self.tuning_passes,
                )
            )
        measures = {r.metric: r.measure for r in (*deciding, *others) if r.measure != SIMILARITY}
        notes = [note for ranking in (self, *others) for note in ranking.notes]
        return Explanation(
            items=explained,
            title=self.title,
            notes=tuple(dict.fromkeys(notes)),
            measures=measures,
        )

    @property
    def title(self) -> str:
        """``Ranking for super_glue_cb (per_token_cosine)``."""
        return " ".join(
            ["Ranking", *(["for", self.query] if self.query else []), f"({self.metric})"]
        )

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each prompt, for JSON."""
        return [attrs.asdict(item) for item in self.items]

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each prompt, with the columns of `Ranked`."""
        import pandas

        names = [field.name for field in attrs.fields(Ranked)]
        return pandas.DataFrame(self.rows(), columns=names)

    def _repr_html_(self) -> str:
        """As a notebook shows it: prompts by name."""
        names = self.names()
        if not self.items:
            return html_table(str(self), (), ())
        return html_table(
            self.title,
            ("rank", "prompt", "family", self.measure, "its own score"),
            [(i.rank, names[i.id], i.family, f"{i.similarity:+.4f}", i.score) for i in self.items],
        )

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Headings and rows, as it is printed."""
        rows = [
            [i.rank, f"{i.similarity:+.4f}", i.task, i.family, i.seed, i.id] for i in self.items
        ]
        return ["rank", self.measure, "task", "family", "seed", "id"], rows

    def __str__(self) -> str:
        if not self.items:
            return f"{self.title}: no prompt to compare with{_reasons(self.left_out)}"
        return text_table(self.title, *self.table(), right=(0, 1))

    def __repr__(self) -> str:
        return str(self)


def in_order(items: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """The items by falling similarity, ranked from 1.

    Ties, up to rounding in the last digits, are broken by task, seed and id, so that the
    order never depends on how the library was filled.

    Raises:
      WrongUse: a similarity is NaN, which has no place in an order.
    """
    items = tuple(items)
    for item in items:
        if math.isnan(item.similarity):
            raise WrongUse(
                f"The similarity of the prompt {item.id} ({item.task or 'no task'}) is NaN, so it "
                "has no place in a ranking. Leave it out, or use a metric that gives a number."
            )

    def key(item: Ranked) -> tuple[float, str, int, str]:
        seed = -1 if item.seed is None else item.seed
        return (-round(item.similarity, 12), item.task or "", seed, item.id)

    names = [field.name for field in attrs.fields(Ranked) if field.name != "rank"]
    values = operator.attrgetter(*names)
    return tuple(
        Ranked(rank=place, **dict(zip(names, values(item), strict=True)))
        for place, item in enumerate(sorted(items, key=key), 1)
    )


def _reasons(left_out: dict[str, int]) -> str:
    if not left_out:
        return ""
    return " (" + ", ".join(f"{count} {why}" for why, count in left_out.items()) + ")"
