"""Finds and registers plugins, each kept apart from the others' faults.

A plugin that cannot be imported or registered is set aside with a `Failure`; the others
load. This reads entry points itself because pluggy skips a second one of the same name
without a word.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pluggy

from spotfw import __version__, hookspecs

#: The entry-point group, and the owner of the built-in parts.
GROUP = OWN = "spotfw"
#: Environment: names of the only plugins to load (empty: none); names to leave out.
ALLOWED, DISABLED = "SPOTFW_PLUGINS", "SPOTFW_DISABLE_PLUGINS"
#: Modules of `spotfw.builtin` that hold hook implementations.
BUILT_IN = ("initializers", "metrics", "strategies", "models", "backends", "sources")

_log = logging.getLogger("spotfw")


@attrs.frozen
class Failure:
    """What went wrong in a plugin: its name, who gives it, and the error in one line."""

    plugin: str
    distribution: str
    version: str
    error: str


@attrs.define
class LoadedPlugin:
    """A plugin that was found, loaded or not.

    Attributes:
      name: its entry point's name (built-ins: the module's).
      distribution, version: of the package that gives it.
      object: what was registered; None when it is set aside or left out.
      note: why it was left out, if it was.
      silenced: it raised in the hooks of a run and is not called there again.
    """

    name: str
    distribution: str
    version: str
    object: Any = None
    note: str | None = None
    silenced: bool = False

    @property
    def key(self) -> str:
        """Its unique name among registered plugins."""
        return f"{self.distribution}:{self.name}"


class Loader:
    """Registers plugins with pluggy and remembers what failed."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[LoadedPlugin] = []
        self.failures: list[Failure] = []

    def plugin(self, key: str) -> LoadedPlugin:
        """The registered plugin of a key."""
        return next(p for p in self.plugins if p.key == key and p.object is not None)

    def fail(self, plugin: LoadedPlugin, error: str) -> None:
        """Notes a failure, and logs it the first time."""
        failure = Failure(plugin.name, plugin.distribution, plugin.version, error)
        if failure not in self.failures:
            self.failures.append(failure)
            _log.warning(
                "Plugin %s (%s %s): %s",
                plugin.name,
                plugin.distribution,
                plugin.version or "of unknown version",
                error,
            )

    def load_built_ins(self) -> None:
        """Registers the modules of `BUILT_IN`."""
        for name in BUILT_IN:
            module = f"spotfw.builtin.{name}"
            self.load(
                LoadedPlugin(name, OWN, __version__),
                functools.partial(importlib.import_module, module),
            )

    def load_entry_points(self, environ: Mapping[str, str]) -> None:
        """Loads what installed distributions offer, but for what the environment forbids."""
        allowed = _names(environ[ALLOWED]) if ALLOWED in environ else None
        disabled = _names(environ.get(DISABLED, ""))
        seen: set[str] = set()
        found = importlib.metadata.entry_points(group=GROUP)
        for entry in sorted(found, key=lambda e: (e.dist.name if e.dist else "", e.name)):
            distribution, version = _origin(entry)
            plugin = LoadedPlugin(entry.name, distribution, version)
            labels = {_canonical(distribution), _canonical(entry.name)}
            seen |= labels
            if labels & disabled:
                plugin.note = f"left out: {DISABLED} names it"
            elif allowed is not None and not labels & allowed:
                plugin.note = f"left out: {ALLOWED} does not name it"
            if plugin.note:
                self.plugins.append(plugin)
            else:
                self.load(plugin, entry.load)
        for name in sorted((allowed or set()) - seen):
            self.fail(LoadedPlugin(name, name, ""), f"{ALLOWED} names it, but it is not installed")

    def load(self, plugin: LoadedPlugin, get: Callable[[], Any]) -> None:
        """Gets a plugin's module or object and registers it, or notes why not."""
        self.plugins.append(plugin)
        try:
            found = get()
        except (Exception, SystemExit) as error:
            self.fail(plugin, f"could not be imported: {one_line(error)}")
            return
        if self.manager.is_registered(found):
            self.fail(plugin, f"is the same object as {self.manager.get_name(found)}")
            return
        try:
            self.manager.register(found, plugin.key)
            self._refuse_wrappers(found)
        except Exception as error:
            if self.manager.is_registered(found):
                self.manager.unregister(found)
            self.fail(plugin, f"could not be registered: {one_line(error)}")
            return
        plugin.object = found
        self._tell_unknown_hooks(plugin)

    def _refuse_wrappers(self, found: Any) -> None:
        for hook in self.manager.get_hookcallers(found) or ():
            for implementation in hook.get_hookimpls():
                wraps = implementation.wrapper or implementation.hookwrapper
                if wraps and implementation.plugin is found:
                    raise TypeError(f"{hook.name} is a hook wrapper, which spotfw does not call")

    def _tell_unknown_hooks(self, plugin: LoadedPlugin) -> None:
        hooks = self.manager.get_hookcallers(plugin.object) or []
        known = [h for h in dir(hookspecs) if h.startswith("spotfw_")]
        if not hooks:
            self.fail(plugin, "implements no hook; mark its functions with @spotfw.hookimpl")
        for hook in hooks:
            optional = any(
                i.optionalhook for i in hook.get_hookimpls() if i.plugin is plugin.object
            )
            if hook.spec is None and not optional:
                close = difflib.get_close_matches(hook.name, known, n=1, cutoff=0.0)
                self.fail(
                    plugin,
                    f"{hook.name} is no hook of spotfw and is never called; "
                    f"did you mean {close[0]}?",
                )


def one_line(error: BaseException) -> str:
    """An error as one line: its class and message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _origin(entry: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution of an entry point; a broken one has none."""
    try:
        return (entry.dist.name, entry.dist.version or "") if entry.dist else ("unknown", "")
    except Exception:
        return "unknown", ""


def _names(text: str) -> set[str]:
    return {_canonical(part) for part in text.split(",") if part.strip()}


def _canonical(name: str) -> str:
    """A distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
