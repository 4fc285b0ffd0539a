"""The prompt library: prompts kept, indexed, ranked and exchanged."""

from spotfw.library.library import Entry, Library, open_library

__all__ = ["Entry", "Library", "open_library"]
