"""The command ``spotfw library``."""
