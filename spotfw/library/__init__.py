"""The prompt library: prompts kept, indexed, ranked and exchanged."""

from spotfw.library.combined import ExtendedLibrary, ReleasedLibrary
from spotfw.library.library import Entry, Library, Problem, Ranked, Ranking, open_library

__all__ = [
    "Entry",
    "ExtendedLibrary",
    "Library",
    "Problem",
    "Ranked",
    "Ranking",
    "ReleasedLibrary",
    "open_library",
]
