"""Libraries that are read together, and libraries that are only read.

A model may come with a library of prompts, which belongs to its distribution: it is read where
it is installed and never written. A user's own library may extend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from spotfw.contracts import SimilarityMetric
from spotfw.errors import SpotError
from spotfw.library.index import Entry
from spotfw.library.library import Library, in_listing_order
from spotfw.prompts import SoftPrompt


class ReleasedLibrary(Library):
    """A library that comes with a model: it is read, and nothing is ever written to its folder.

    Args:
      folder: local, where it is installed.
      name: the model's, by which the library is named.
    """

    def __init__(self, folder: str, name: str) -> None:
        super().__init__(folder, indexed=False)
        self.name = name

    def add(self, best: SoftPrompt, embedding: SoftPrompt | None = None) -> str:
        """Refused.

        Raises:
          SpotError: always.
        """
        self.refuse()

    def remove(self, *ids: str, dry_run: bool = False) -> list[str]:
        """Refused, as `add`."""
        self.refuse()

    def sweep(self) -> list[str]:
        """Refused, as `add`."""
        self.refuse()

    def refuse(self) -> NoReturn:
        """Raises the `SpotError` of an attempt to write."""
        raise SpotError(
            f"The library {self.name} comes with the model {self.name} and is only read. Name a "
            f"library of your own: --library DIR. To have its prompts there too: `spotfw library "
            f"import {self.folder} --library DIR`."
        )


class ExtendedLibrary(Library):
    """A library with others behind it: it is written, and all are read as one.

    Args:
      first: the one that is added to; its folder is this one's.
      others: whose entries count too.
      plugins: as of `Library`.
    """

    def __init__(self, first: Library, others: Sequence[Library], *, plugins: Any = None) -> None:
        super().__init__(first.folder, plugins=plugins)
        self._first = first
        self._others = tuple(others)

    def add(self, best: SoftPrompt, embedding: SoftPrompt | None = None) -> str:
        """As `Library.add`, to the first."""
        return self._first.add(best, embedding)

    def entries(self, **filters: Any) -> list[Entry]:
        """The entries of all, each once; see `Library.entries`."""
        entries: dict[str, Entry] = {}
        for library in (self._first, *self._others):
            for entry in library.entries(**filters):
                entries.setdefault(entry.id, entry)
        return sorted(entries.values(), key=in_listing_order)

    def path(self, id: str) -> str:
        """Where the file of an id stands, in whichever library has it."""
        return self._holder(id).path(id)

    def read_file(self, id: str) -> bytes:
        """As `Library.read_file`, of whichever library has it."""
        return self._holder(id).read_file(id)

    def _read(self, id: str) -> SoftPrompt:
        return self._holder(id)._read(id)

    def _vectors(self, metric: SimilarityMetric) -> None:
        return None  # an index is of one folder

    def _holder(self, id: str) -> Library:
        return next((lib for lib in (self._first, *self._others) if lib.has_file(id)), self._first)
