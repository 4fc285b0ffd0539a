"""Finds and registers plugins, each kept apart from the others' faults.

A plugin that cannot be imported or registered is set aside with a `Failure`; the others
load. This reads entry points itself because pluggy skips a second one of the same name
without a word.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import logging
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs
import pluggy

from spotfw import hookspecs
from spotfw.errors import SpotError, WrongUse, plain
from spotfw.plugins import fitness
from spotfw.plugins.installed import Broken, entry_points, origin
from spotfw.plugins.strangers import is_an_interrupt, one_line, prints_aside
from spotfw.version import __version__

#: The entry-point group, and the owner of the built-in parts.
GROUP = OWN = "spotfw"
#: Environment: names of the only plugins to load (empty: none); names to leave out.
ALLOWED, DISABLED = "SPOTFW_PLUGINS", "SPOTFW_DISABLE_PLUGINS"
#: Environment, on or off: a plugin's fault ends the program; hook calls are timed.
STRICT, TRACE = "SPOTFW_STRICT_PLUGINS", "SPOTFW_TRACE_PLUGINS"
#: Modules of `spotfw.plugins.builtin` that hold hook implementations.
BUILT_IN = ("initializers", "metrics", "strategies", "models", "backends", "sources", "executors")

_log = logging.getLogger("spotfw")


class PluginFault(SpotError):
    """What a plugin did wrong, and which plugin it is."""


@attrs.frozen
class Failure:
    """What went wrong in a plugin: its name, who gives it, and the error in one line."""

    plugin: str
    distribution: str
    version: str
    error: str


@attrs.define
class LoadedPlugin:
    """A plugin that is installed or registered, loaded or not.

    Attributes:
      name: its entry point's name (built-ins: the module's).
      distribution, version: of the package that gives it.
      object: what was registered; None when it is set aside or left out.
      note: why it was left out, or what else is good to know.
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

    def __str__(self) -> str:
        return plain(f"{self.name} ({self.distribution} {self.version or 'of unknown version'})")

    def remark(self, text: str) -> None:
        """Adds to the note."""
        self.note = f"{self.note}; {text}" if self.note else text


class Loader:
    """Registers plugins with pluggy and remembers what failed.

    Args:
      environ: where the variables named above are read.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.plugins: list[LoadedPlugin] = []
        self.failures: list[Failure] = []
        self.environ = environ
        self._strict = _on(environ, STRICT)
        self._traced = _on(environ, TRACE)
        self._registered: dict[str, LoadedPlugin] = {}

    def plugin(self, key: str) -> LoadedPlugin:
        """The registered plugin of a key."""
        return self._registered[key]

    def fail(self, plugin: LoadedPlugin, error: str) -> None:
        """Notes a failure, and logs it the first time.

        Raises:
          PluginFault: plugins are taken strictly.
        """
        if self._strict:
            raise PluginFault(
                f"The plugin {plugin}: {error.rstrip('.')}. Fix it, leave it out with "
                f"-p no:{plugin.name}, or go on without it: do not ask for --strict-plugins."
            )
        failure = Failure(plugin.name, plugin.distribution, plugin.version, plain(error))
        if failure not in self.failures:
            self.failures.append(failure)
            _log.warning("Plugin %s: %s", plugin, failure.error)

    @contextlib.contextmanager
    def timed(self, what: str, plugin: LoadedPlugin, *, aside: bool = True) -> Iterator[None]:
        """Prints to stderr how long something took, where that was asked for.

        With `aside`, what the plugin prints within goes there too.
        """
        began = time.perf_counter()
        try:
            own = plugin.distribution == OWN
            with prints_aside() if aside and not own else contextlib.nullcontext():
                yield
        finally:
            if self._traced:
                spent = 1000 * (time.perf_counter() - began)
                print(f"spotfw: {what} of {plugin.key}: {spent:.2f} ms", file=sys.stderr)

    def load_built_ins(self) -> None:
        """Registers the modules of `BUILT_IN`."""
        for name in BUILT_IN:
            module = f"spotfw.plugins.builtin.{name}"
            self.load(
                LoadedPlugin(name, OWN, __version__),
                functools.partial(importlib.import_module, module),
            )

    def load_entry_points(self) -> None:
        """Loads what installed distributions offer, but for what the environment forbids."""
        environ = self.environ
        allowed = _names(environ[ALLOWED]) if ALLOWED in environ else None
        disabled = _names(environ.get(DISABLED, ""))
        seen: set[str] = set()
        offered = []
        for entry in _entry_points():
            if isinstance(entry, Broken):
                plugin = LoadedPlugin(entry.name, entry.name, "")
                self.plugins.append(plugin)
                self.fail(plugin, entry.error)
            else:
                offered.append((LoadedPlugin(entry.name, *origin(entry)), entry))
        offered.sort(key=lambda pair: pair[0].key)
        owners: dict[str, set[str]] = {}
        for plugin, entry in offered:
            labels = {_canonical(n) for n in (plugin.distribution, plugin.name, plugin.key)}
            seen |= labels
            if labels & disabled:
                plugin.note = f"left out: {DISABLED} names it"
            elif allowed is not None and not labels & allowed:
                plugin.note = f"left out: {ALLOWED} does not name it"
            if plugin.note:
                self.plugins.append(plugin)
            else:
                owners.setdefault(plugin.name, set()).add(plugin.distribution)
                self.load(plugin, entry.load)
        for plugin, _ in offered:
            others = sorted(owners.get(plugin.name, set()) - {plugin.distribution})
            if plugin.object is not None and others:
                plugin.remark(f"{' and '.join(others)} has a plugin named {plugin.name} too")
        for name in sorted((allowed or set()) - seen):
            self.fail(LoadedPlugin(name, name, ""), f"{ALLOWED} names it, but it is not installed")

    def load(self, plugin: LoadedPlugin, get: Callable[[], Any]) -> None:
        """Gets a plugin's module or object and registers it, or notes why not."""
        self.plugins.append(plugin)
        try:
            with self.timed("import", plugin):
                loaded = get()
        except BaseException as error:
            if is_an_interrupt(error):
                raise
            self.fail(plugin, f"could not be imported: {one_line(error)}")
            return
        refused, idle, deprecations = self._register(plugin, loaded)
        if refused is not None:
            self.fail(plugin, refused)
            return
        plugin.object = loaded
        self._registered[plugin.key] = plugin
        for fault in idle:
            self.fail(plugin, fault)
        for warning in deprecations:
            plugin.remark(f"deprecated: {warning.message}")
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )

    def _register(
        self, plugin: LoadedPlugin, loaded: Any
    ) -> tuple[str | None, list[str], list[warnings.WarningMessage]]:
        """Why it was not registered, if so; what is never called; what is deprecated."""
        try:
            refused = fitness.refusal(loaded)
            same = [p.key for p in self._registered.values() if p.object is loaded]
            if refused is None and same:
                refused = f"is the same object as {same[0]}"
            if refused is not None:
                return refused, [], []
            with warnings.catch_warnings(record=True) as deprecations:
                warnings.simplefilter("always")
                self.manager.register(loaded, plugin.key)
            fitness.refuse_wrappers(self.manager, loaded)
            return None, list(fitness.idle_hooks(self.manager, loaded)), deprecations
        except BaseException as error:
            if is_an_interrupt(error):
                raise
            if self.manager.has_plugin(plugin.key):
                self.manager.unregister(name=plugin.key)
            return f"could not be registered: {one_line(error)}", [], []


def _entry_points() -> Iterable[importlib.metadata.EntryPoint | Broken]:
    return entry_points(GROUP)


_ON, _OFF = ("1", "yes", "on", "true"), ("", "0", "no", "off", "false")


def _on(environ: Mapping[str, str], name: str) -> bool:
    word = environ.get(name, "").strip().lower()
    if word not in (*_ON, *_OFF):
        raise WrongUse(
            f"The environment variable {name} must be 1 or 0, but is {word!r:.80}. Set it to one "
            "of these, or unset it."
        )
    return word in _ON


def _names(text: str) -> set[str]:
    return {_canonical(part) for part in text.split(",") if part.strip()}


def _canonical(name: str) -> str:
    """A distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
