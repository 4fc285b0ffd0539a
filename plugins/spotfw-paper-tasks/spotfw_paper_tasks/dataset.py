"""A data set of the paper as a value: its schema, its examples, its scoring, its facts.

Nothing here knows seqio or TensorFlow. `examples` is a pure function of one row, so that
each data set can be read, and tested, on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from spotfw.tasks import Example as Example
from spotfw.tasks.rows.kinds import Kind as Kind

#: One row in TFDS's schema as plain Python: str, int, float, bool, list, dict. A TFDS
#: Sequence of dictionaries is a dictionary of lists, as TFDS itself gives it.
Row = Mapping[str, Any]

#: (targets, predictions) after post-processing -> values by name, as in t5.evaluation.metrics.
Metric = Callable[[Sequence[Any], Sequence[Any]], Mapping[str, float]]


class Unusable(Exception):
    """Raised by `Dataset.examples` for a row that is not as it should be; says why."""


@attrs.frozen(kw_only=True)
class Split:
    """A split of the data.

    Attributes:
      source: its name in the data (TFDS's), e.g. ``validation_matched``.
      rows: rows as published, None where that is not known.
    """

    source: str
    rows: int | None = None


@attrs.frozen(kw_only=True)
class Published:
    """Files of data that TFDS does not have.

    Attributes:
      address: where to get them.
      files: our split -> name of a file in the bound folder; of several names, the first
        that is there.
      read: one such file -> rows in our schema. May raise `Unusable` only through a row:
        a line that cannot be read is given as ``{}`` and named later.
      note: how to get it, in one sentence; which checksum or row count to expect.
      split_of: where one file holds several of our splits: which one a row is in.
    """

    address: str
    files: Mapping[str, str | tuple[str, ...]]
    read: Callable[[Path], Iterator[Row]]
    note: str = ""
    split_of: Callable[[Row], str] | None = None

    def file(self, folder: Path, split: str) -> Path | None:
        """The split's file in a folder, None where it is not there."""
        names = self.file_names(split)
        return next((path for name in names if (path := folder / name).is_file()), None)

    def file_names(self, split: str) -> tuple[str, ...]:
        """Names that the split's file may have."""
        names = self.files.get(split, ())
        return (names,) if isinstance(names, str) else names

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files, of each the first choice, sorted."""
        return tuple(sorted({self.file_names(split)[0] for split in self.files}))

    def rows(self, path: Path, split: str) -> Iterator[tuple[int, Row]]:
        """The rows of a split out of its file, with their numbers in the file, from 1."""
        for number, row in enumerate(self.read(path), 1):
            if self.split_of is None or self.split_of(row) == split:
                yield number, row


@attrs.frozen(kw_only=True, eq=False)
class Dataset:
    """A data set as a text-to-text task.

    Attributes:
      name: unique, as TFDS writes names, e.g. ``anli``.
      family: as in `spotfw.tasks.Task`, e.g. ``NLI``.
      type: ``classification``, ``regression``, ``qa`` or ``generation``.
      groups: e.g. ``appendix B``, ``NLI``, ``study source``.
      labels: class labels as the model writes them; empty for free text.
      tfds: TFDS names with version, ``anli/r1:0.1.0``; several are read one after another.
      published: the files, where TFDS has none.
      splits: by our name: train, validation and perhaps test.
      train_examples: training examples as published, where they are not as many as rows.
      columns: what a row must hold: the column's name and its kind, a type (str, int, float,
        bool, list, dict) or one of the words of `spotfw.tasks.rows.kinds.KINDS`:
        ``label`` (a place among `labels`; -1, TFDS's unlabelled, leaves the row out),
        ``list[str]``, and so on. A trailing ``?`` allows a column to be absent or null.
        ``answers.text`` reaches into a dictionary.
      examples: a row's examples, in T5's way: none, one or several. Raises `Unusable`.
      postprocess: seqio's convention, (text, example=None, is_target=False) -> what the
        metrics take, with an `Example`; by default a label's place among `labels`, or else
        the text. A label that is none of them is -1.
      metrics: name -> function; a string names one of t5.evaluation.metrics, which
        `spotfw.tasks.scoring` has.
      licence: of the data, as known.
      citation: whom to cite, e.g. ``Nie et al. 2020``.
      description: one line for listings.
    """

    name: str
    family: str
    type: str
    groups: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    tfds: str | tuple[str, ...] | None = None
    published: Published | None = None
    splits: Mapping[str, Split]
    train_examples: int | None = None
    columns: Mapping[str, Kind]
    examples: Callable[[Row], Iterable[Example]]
    postprocess: Callable[..., Any] | None = None
    metrics: Mapping[str, Metric | str]
    licence: str
    citation: str
    description: str = ""

    @property
    def tfds_names(self) -> tuple[str, ...]:
        """Names of the TFDS data sets, perhaps none."""
        if self.tfds is None:
            return ()
        return (self.tfds,) if isinstance(self.tfds, str) else self.tfds
