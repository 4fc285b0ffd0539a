"""Which vectors a library keeps on disk, and when they are looked over again."""

from __future__ import annotations

import contextlib
import os
import time

from spotfw import files
from spotfw.contracts import SimilarityMetric
from spotfw.library.headers import FOLDER
from spotfw.library.segment import SUFFIX
from spotfw.library.store import Store
from spotfw.library.vectors import VectorIndex

#: Files from which on vectors are kept on disk; fewer are read each time.
LARGE = 1000
#: Nanoseconds: no file system's times are coarser.
_GRAIN = 3 * 10**9


class KeptVectors:
    """The vector indices of a library, one for each metric that allows it.

    Args:
      store: the library's files.
      precision: that vectors are kept in, ``float32`` or ``bfloat16``.
    """

    def __init__(self, store: Store, precision: str) -> None:
        self._store = store
        self._precision = precision
        # By the name of the features, with the time of the folder's change they are in line with.
        self._indices: dict[str, tuple[VectorIndex, int | None]] = {}

    def of(self, metric: SimilarityMetric) -> VectorIndex | None:
        """A metric's vectors in line with the files; None where there are few, or none are kept.

        Raises:
          SpotError: a file is damaged.
        """
        name = getattr(metric, "kept_as", None)  # a part need not derive from the class
        if name is None or type(metric).compare is not SimilarityMetric.compare:
            return None
        looked, changed = time.time_ns(), self._time_of_change()
        index, seen = self._indices.get(name, (None, None))
        if index is not None and changed is not None and changed == seen:
            return index
        ids = self._store.ids()
        if len(ids) < LARGE:
            return None
        if index is None:
            folder = files.join(self._store.folder, FOLDER)
            index = VectorIndex(folder, name, metric.features, self._precision)
        index.refresh(ids, self._store.read_if_there)
        # A folder that changed just now may change again within the clock's grain.
        sure = changed is not None and looked - changed > _GRAIN
        self._indices[name] = index, changed if sure else None
        return index

    def forget(self) -> None:
        """Removes all segments: they are made again from the files."""
        folder = files.join(self._store.folder, FOLDER)
        self._indices.clear()
        for name in files.list_names(folder):
            if name.endswith(SUFFIX):
                files.remove(files.join(folder, name))

    def _time_of_change(self) -> int | None:
        """When a file came to the folder or left it; None where that is not known."""
        if not files.is_remote(self._store.folder):
            with contextlib.suppress(OSError):
                return os.stat(self._store.folder).st_mtime_ns
        return None
