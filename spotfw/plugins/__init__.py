"""Plugins: what is installed, asked for its parts by name."""

from spotfw.plugins.default import default_plugins, use_plugins
from spotfw.plugins.plugins import Plugins

__all__ = ["Plugins", "default_plugins", "use_plugins"]
