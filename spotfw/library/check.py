"""How the files of a library must fit together, when each is sound by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import starmap

import attrs

from spotfw.errors import SpotError, WrongUse
from spotfw.library.headers import Summary
from spotfw.library.index import Entry, as_entry
from spotfw.prompts import SoftPrompt, check_fits, same_model


@attrs.frozen
class Problem:
    """A fault that `Library.verify` reports: a file's name and what is wrong with it."""

    name: str
    what: str


@attrs.frozen
class Pair:
    """The prompts of an entry: the best one, and the task embedding if that is another."""

    best: SoftPrompt
    embedding: SoftPrompt | None = None


def check_pair(best: SoftPrompt, embedding: SoftPrompt) -> None:
    """Refuses a task embedding that is not of its prompt's model, length and width.

    Raises:
      SpotError: it is not.
    """
    fingerprint = best.provenance.fingerprint
    check_fits(
        embedding,
        width=best.width,
        length=best.length,
        fingerprint=fingerprint,
        name="The task embedding",
    )
    if not same_model(embedding.provenance.fingerprint, fingerprint):
        raise SpotError(
            "The task embedding and the best prompt do not name the same frozen model. "
            "Give two checkpoints of one tuning."
        )


def problems_among(summaries: Mapping[str, Summary], suffix: str) -> list[Problem]:
    """Entries whose task embedding is not there or does not fit.

    Args:
      summaries: summaries of the sound files, by id.
      suffix: of the files' names.
    """
    problems = []
    for entry in _entries(summaries):
        key = summaries.get(entry.embedding_id)
        if key is None:
            what = f"its task embedding {entry.embedding_id} is missing or damaged"
        elif (key.length, key.width) != (entry.length, entry.width):
            what = "its task embedding has another shape"
        else:
            continue
        problems.append(Problem(entry.id + suffix, what))
    return problems


def unused(summaries: Mapping[str, Summary]) -> list[str]:
    """Ids that belong to no entry: a writer was stopped, or they were put there by hand."""
    entries = _entries(summaries)
    return sorted(set(summaries) - {e.embedding_id for e in entries} - {e.id for e in entries})


def to_remove(
    chosen: Collection[str], summaries: Mapping[str, Summary], names: Collection[str]
) -> list[str]:
    """The chosen ids, then those of the task embeddings that nothing else uses.

    Args:
      chosen: ids of files to remove.
      summaries: summaries of the files that can be read.
      names: ids of all files.

    Raises:
      WrongUse: a chosen file is the task embedding of an entry that stays.
    """
    going, staying = set(chosen), set(names) - set(chosen)
    entries = _entries(summaries)
    used = {e.embedding_id: e.id for e in entries if e.id in staying}
    for id in sorted(going & set(used)):
        raise WrongUse(
            f"{id} is the task embedding of the entry {used[id]}, which needs it. Remove the "
            "entry; its embedding goes with it."
        )
    keys = {e.embedding_id for e in entries if e.id in going} & staying - set(used)
    if staying - set(summaries):
        keys = set()  # a file that cannot be read may be an entry that uses them
    # Values first: a value without its key would be a broken entry.
    return [*sorted(going), *sorted(keys)]


def _entries(summaries: Mapping[str, Summary]) -> list[Entry]:
    return [entry for entry in starmap(as_entry, summaries.items()) if entry is not None]
