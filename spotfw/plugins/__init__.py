"""Plugins: what is installed, asked for its parts by name."""

from spotfw.plugins.plugins import Plugins, default_plugins

__all__ = ["Plugins", "default_plugins"]
