"""The command ``spotfw study``."""
