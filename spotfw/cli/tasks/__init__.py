"""The command ``spotfw tasks``."""
