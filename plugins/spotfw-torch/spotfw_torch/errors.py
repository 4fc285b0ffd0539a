"""What this engine raises when someone else can mend it."""

from __future__ import annotations

from spotfw.errors import SpotError


class ModelFolderError(SpotError):
    """A model folder that is missing, damaged or no T5; the message says what to do."""
