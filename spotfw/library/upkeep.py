"""A library kept in order: what is wrong with it, what a killed writer left, its index."""

from __future__ import annotations

import contextlib

from spotfw import files
from spotfw.errors import SpotError
from spotfw.files import locked
from spotfw.library.check import Problem, problems_among, unused
from spotfw.library.headers import INDEX, Summary, summarize
from spotfw.library.index import read_index, save_index
from spotfw.library.kept import KeptVectors
from spotfw.library.store import SUFFIX, Store


class Upkeep:
    """The part of a `Library` that looks after its folder.

    Attributes:
      folder: local or ``gs://``.
    """

    folder: str
    _store: Store
    _kept: KeptVectors
    _indexed: bool

    def verify(self) -> list[Problem]:
        """Reads every file and lists what is wrong; the list is empty for a sound library.

        If all files can be read, `index.json` is rebuilt, where the folder may be written.
        """
        summaries, damaged = self._read_all({})
        if self._indexed and (damaged or problems_among(summaries, SUFFIX)):
            # Others may have added and removed meanwhile: looked at again while nobody does.
            with contextlib.ExitStack() as stack:
                with contextlib.suppress(SpotError):
                    stack.enter_context(locked(self.folder, shared=False))
                summaries, damaged = self._read_all(summaries)
        if summaries and not damaged and self._indexed:
            with contextlib.suppress(SpotError):
                documents = {id: summary.document for id, summary in summaries.items()}
                save_index(self._index_path, documents)
                self._kept.forget()
        return sorted(damaged + problems_among(summaries, SUFFIX), key=lambda p: p.name)

    def _read_all(self, known: dict[str, Summary]) -> tuple[dict[str, Summary], list[Problem]]:
        """Summaries of the files that are there, read unless `known`, and the damaged ones."""
        summaries: dict[str, Summary] = {}
        damaged = []
        for id in self._store.ids():
            try:
                if id in known:
                    summaries[id] = known[id]
                elif (prompt := self._store.read_if_there(id)) is not None:
                    summaries[id] = summarize(prompt)
            except SpotError as error:
                damaged.append(Problem(id + SUFFIX, str(error)))
        return summaries, damaged

    def leftovers(self) -> list[str]:
        """Names of files that a killed writer left; they do no harm.

        Task embeddings whose entry was never written (or whose writer is about to), and
        files begun by a process of this machine that is dead.
        """
        summaries = self._readable()
        # A file that cannot be read may be an entry that uses them.
        keys = unused(summaries) if set(self._store.ids()) <= set(summaries) else []
        return [*(id + SUFFIX for id in keys), *files.list_leftovers(self.folder)]

    def sweep(self) -> list[str]:
        """Removes the leftovers once no writer of this machine is active; returns their names."""
        with locked(self.folder, shared=False):
            names = self.leftovers()
            for name in names:
                files.remove(files.join(self.folder, name))
            self._readable()  # brings the index up to date
        return names

    def _summaries(self) -> dict[str, Summary]:
        return read_index(
            self._index_path, self._store.ids(), self._store.read_if_there, self._indexed
        )

    def _readable(self) -> dict[str, Summary]:
        """Summaries of all files but the damaged ones."""
        return read_index(
            self._index_path, self._store.ids(), self._store.read_if_sound, self._indexed
        )

    @property
    def _index_path(self) -> str:
        return files.join(self.folder, INDEX)
