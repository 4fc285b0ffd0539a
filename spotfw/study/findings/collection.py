"""What a prompt library holds: kinds of prompts, who is near whom, and what does not fit together.

Prompts can be compared where frozen model, length and width are the same: a kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.contracts import SimilarityMetric
from spotfw.errors import WrongUse
from spotfw.library import Entry, Library
from spotfw.library.comparing import compare
from spotfw.study.findings.likeness import Embedded, Matrix

#: Prompts of a library that is looked at as a whole: each is compared with each.
MOST = 1000


@attrs.frozen(eq=False)
class Kind:
    """Prompts that can be compared.

    Attributes:
      entries: N of them, by task and seed.
      similarities: float64 [N, N]; row i is prompt i as the query.
    """

    entries: tuple[Entry, ...]
    similarities: npt.NDArray[np.float64]

    @property
    def title(self) -> str:
        """The model, and the prompts' shape."""
        models = sorted(
            {entry.provenance.model or "a model without a name" for entry in self.entries}
        )
        first = self.entries[0]
        names = ", ".join(models[:3]) + (" ..." if len(models) > 3 else "")
        return f"{names}, {first.length} tokens of {first.width}"


@attrs.frozen
class Misfit:
    """Something of a library that does not fit together: what, and why that matters."""

    what: str
    why: str


def kinds_of(library: Library, entries: Iterable[Entry], metric: SimilarityMetric) -> list[Kind]:
    """The kinds of a library's prompts, the most numerous first.

    Args:
      library: where the embeddings are read.
      entries: of it.
      metric: what compares.

    Raises:
      WrongUse: there are too many prompts to compare each with each.
      SpotError: a file is damaged, or the metric gives no numbers.
    """
    groups: dict[tuple[str | None, int, int], list[Entry]] = {}
    for entry in entries:
        key = entry.provenance.fingerprint, entry.length, entry.width
        groups.setdefault(key, []).append(entry)
    largest = max(map(len, groups.values()), default=0)
    if largest > MOST:
        raise WrongUse(
            f"{largest:,} prompts are to be compared with each other, and {MOST:,} can be. Choose "
            "some by --family or --task."
        )
    kinds = []
    for group in sorted(groups.values(), key=len, reverse=True):
        features = np.stack([metric.features(library.embedding(e.id).array) for e in group])
        rows = [np.asarray(compare(metric, query, features), np.float64) for query in features]
        kinds.append(Kind(tuple(group), np.stack(rows)))
    return kinds


def task_matrix(kind: Kind) -> Matrix:
    """Each task against each other, the mean over all pairs of their prompts."""
    names = list(dict.fromkeys(map(task_name, kind.entries)))
    places = np.array([names.index(task_name(entry)) for entry in kind.entries])
    both = (kind.similarities + kind.similarities.T) / 2
    np.fill_diagonal(both, np.nan)
    values = np.full((len(names), len(names)), np.nan)
    for a in range(len(names)):
        for b in range(len(names)):
            block = both[np.ix_(places == a, places == b)]
            if np.isfinite(block).any():
                values[a, b] = np.nanmean(block)
    families = {task_name(entry): entry.provenance.family or "" for entry in kind.entries}
    labels = tuple(Embedded("", name, None, families[name]) for name in names)
    return Matrix(labels=labels, values=values, left_out=())


def neighbours(kind: Kind, count: int = 3) -> list[list[tuple[Entry, float]]]:
    """Of each prompt the most similar ones of other tasks, each task once."""
    places = []
    for query, row in zip(kind.entries, kind.similarities, strict=True):
        nearest: dict[str, tuple[Entry, float]] = {}
        for index in np.argsort(-row, kind="stable"):
            entry = kind.entries[index]
            name = task_name(entry)
            if name != task_name(query) and name not in nearest and len(nearest) < count:
                nearest[name] = (entry, float(row[index]))
        places.append(list(nearest.values()))
    return places


def misfits(kinds: Sequence[Kind], problems: Iterable[tuple[str, str]] = ()) -> list[Misfit]:
    """What does not fit together.

    Args:
      kinds: of the library.
      problems: files that are damaged: (name, what is wrong).
    """
    listed = [Misfit(name, what) for name, what in problems]
    if len(kinds) > 1:
        listed += [
            Misfit(
                f"{len(kind.entries):,} prompts of {kind.title}",
                "of another frozen model, length or width than the others: never compared with "
                "them, averaged with them or offered for their targets",
            )
            for kind in kinds[1:]
        ]
    for kind in kinds:
        listed += _unsaid(kind.entries)
        listed += _doubled(kind.entries)
        listed += _strange(kind)
    return listed


def task_name(entry: Entry) -> str:
    """The task of a prompt; one that names none is its own."""
    return entry.provenance.task or f"(no task) {entry.id}"


def prompt_name(entry: Entry) -> str:
    """``glue_mnli (seed 0)``."""
    seed = entry.provenance.seed
    return f"{task_name(entry)}{'' if seed is None else f' (seed {seed})'}"


def _unsaid(entries: Sequence[Entry]) -> list[Misfit]:
    facts = {
        "task": "it is left out of mixtures, and a target's own prompts cannot be told by it",
        "family": "the map cannot colour it",
        "fingerprint": "it is compared with queries that name no model only",
        "score": "nothing says how good it is on its own task",
    }
    listed = []
    for fact, why in facts.items():
        silent = [prompt_name(e) for e in entries if getattr(e.provenance, fact) in (None, "")]
        if silent:
            listed.append(Misfit(f"no {fact}: {_some(silent)}", why))
    return listed


def _doubled(entries: Sequence[Entry]) -> list[Misfit]:
    counts = Counter((e.provenance.task, e.provenance.seed) for e in entries if e.provenance.task)
    return [
        Misfit(
            f"{count} prompts of {task}, seed {'-' if seed is None else seed}",
            "of one task and seed: settings or steps differ, or one was learned anew; each counts "
            "as a source of its own",
        )
        for (task, seed), count in counts.items()
        if count > 1
    ]


def _strange(kind: Kind) -> list[Misfit]:
    """Prompts that are nearer to others than to their own: of the task, and of the family."""
    listed = []
    tasks = np.array([task_name(entry) for entry in kind.entries])
    tasks_of: dict[str, set[str]] = {}
    for entry in kind.entries:
        if entry.provenance.family:
            tasks_of.setdefault(entry.provenance.family, set()).add(task_name(entry))
    nearest = neighbours(kind, 1)
    for place, (entry, near) in enumerate(zip(kind.entries, nearest, strict=True)):
        if not near:
            continue
        other, similarity = near[0]
        own = kind.similarities[place][(tasks == tasks[place])]
        if len(own) > 1:
            mean = float((own.sum() - kind.similarities[place, place]) / (len(own) - 1))
            if mean < similarity:
                listed.append(
                    Misfit(
                        prompt_name(entry),
                        f"nearer to {prompt_name(other)} ({similarity:+.3f}) than to the other "
                        f"runs of its own task ({mean:+.3f} on average): it may not have learned "
                        "its task, or stand for another",
                    )
                )
        family = entry.provenance.family
        if family and len(tasks_of[family]) > 1 and other.provenance.family != family:
            listed.append(
                Misfit(
                    prompt_name(entry),
                    f"of the family {family}, but nearest is {prompt_name(other)} of "
                    f"{other.provenance.family or 'no family'} ({similarity:+.3f})",
                )
            )
    return listed


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
