"""The prompt library: prompts kept, indexed, ranked and exchanged."""

from spotfw.library.library import Entry, Library, Problem, Ranked, Ranking, open_library

__all__ = ["Entry", "Library", "Problem", "Ranked", "Ranking", "open_library"]
