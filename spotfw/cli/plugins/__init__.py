"""The command ``spotfw plugins``."""
