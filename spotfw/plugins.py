"""Plugins asked for their parts by name.

Built-in parts come first, through the same hooks as anyone's. Hooks are called when a
part of their kind is first wanted, so that listing loads nothing heavy. A plugin that
raises is set aside and told once in `Plugins.failures`; everything else goes on working.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from spotfw.components import KINDS, Component, as_component, collect_parts, collect_tasks
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.loading import OWN, Failure, LoadedPlugin, Loader, one_line

if TYPE_CHECKING:
    import click

    from spotfw.contracts import (
        Backend,
        NamedModel,
        PromptInitializer,
        SelectionStrategy,
        SimilarityMetric,
    )
    from spotfw.tasks import Mixture, Task


class Plugins:
    """All plugins of a process.

    Args:
      environ: where `SPOTFW_PLUGINS` and `SPOTFW_DISABLE_PLUGINS` are read, lists of
        distribution or entry-point names parted by commas; by default the process's.
      entry_points: whether to load what is installed.
      built_in: whether to load spotfw's own parts.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        entry_points: bool = True,
        built_in: bool = True,
    ) -> None:
        self._loader = Loader()
        self._components: dict[str, tuple[Component, ...]] = {}
        if built_in:
            self._loader.load_built_ins()
        if entry_points:
            self._loader.load_entry_points(os.environ if environ is None else environ)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong so far; hooks not yet called may add to it."""
        return tuple(self._loader.failures)

    def register(
        self, plugin: Any, name: str, *, distribution: str | None = None, version: str = ""
    ) -> None:
        """Adds a module or object by hand; what cannot be registered lands in `failures`."""
        self._loader.load(LoadedPlugin(name, distribution or name, version), lambda: plugin)
        self._components.clear()

    def components(self, kind: str) -> tuple[Component, ...]:
        """All parts of a kind of `KINDS`, or ``task``, sorted by name and owner."""
        if kind not in self._components:
            if kind == "task":
                sources = self.components("task source")
                found = [c for source in sources for c in collect_tasks(self._loader, source)]
            else:
                found = list(collect_parts(self._loader, kind))
            self._components[kind] = tuple(sorted(found, key=lambda c: (c.name, c.owner)))
        return self._components[kind]

    def names(self, kind: str) -> list[str]:
        """Names of a kind, sorted."""
        return [c.name for c in self.components(kind)]

    def get(self, kind: str, name: str) -> Any:
        """The part called `name`, or ``distribution:name`` where several share a name.

        Raises:
          UnknownName: there is none; the message suggests close names.
          WrongUse: several plugins give one; the message names them.
        """
        found = self._find(kind, name)
        if found is None:
            raise self._unknown(kind, name)
        return found.value

    def task(self, name: str) -> Task | Mixture:
        """A task or mixture by name, or by the path of a ``.toml`` file that describes it."""
        found = self._find("task", name) or self._search(name)
        if found is None:
            raise self._unknown("task", name)
        task: Task | Mixture = found.value
        return task

    def tasks(self) -> list[Task | Mixture]:
        """All tasks and mixtures that can be listed cheaply, sorted by name."""
        return [c.value for c in self.components("task")]

    def initializer(self, name: str) -> PromptInitializer:
        """A way to start a prompt."""
        part: PromptInitializer = self.get("initializer", name)
        return part

    def parse_initializer(self, text: str) -> tuple[PromptInitializer, str | None]:
        """An initializer and its argument from ``NAME[:ARGUMENT]``, qualified or not."""
        head, colon, rest = text.partition(":")
        if colon and head not in self.names("initializer"):
            second, more, argument = rest.partition(":")
            found = self._find("initializer", f"{head}:{second}")
            if found is not None:
                return found.value, argument if more else None
        return self.initializer(head), rest if colon else None

    def metric(self, name: str) -> SimilarityMetric:
        """A way to compare task embeddings."""
        part: SimilarityMetric = self.get("metric", name)
        return part

    def strategy(self, name: str) -> SelectionStrategy:
        """A way to choose among ranked sources."""
        part: SelectionStrategy = self.get("strategy", name)
        return part

    def backend(self, name: str = "mesh") -> Backend:
        """An engine that opens frozen models."""
        part: Backend = self.get("backend", name)
        return part

    def model(self, name: str) -> NamedModel:
        """A frozen model known by name."""
        part: NamedModel = self.get("model", name)
        return part

    def models(self) -> list[NamedModel]:
        """All frozen models known by name."""
        return [c.value for c in self.components("model")]

    def commands(self, taken: Collection[str] = ()) -> list[click.Command]:
        """Commands that plugins add; one whose name is `taken` or doubled is left out, and told."""
        kept: dict[str, Component] = {}
        for part in self.components("command"):
            if part.name in taken or part.name in kept:
                first = kept[part.name].owner if part.name in kept else OWN
                self._loader.fail(
                    self._loader.plugin(part.plugin),
                    f"its command {part.name!r} is left out: {first} has one of that name",
                )
            else:
                kept[part.name] = part
        return [c.value for c in kept.values()]

    def call(self, hook: str, **values: Any) -> None:
        """Calls a hook of a run's life in every plugin; one that raises is set aside."""
        for one in reversed(getattr(self._loader.manager.hook, hook).get_hookimpls()):
            plugin = self._loader.plugin(one.plugin_name)
            if plugin.silenced:
                continue
            try:
                one.function(*(values[name] for name in one.argnames))
            except Exception as error:
                plugin.silenced = True
                message = f"{hook} raised {one_line(error)}; it follows no more runs"
                self._loader.fail(plugin, message)

    def describe(self) -> list[dict[str, Any]]:
        """One row a plugin: name, distribution, version, hooks, components, error, note.

        `components` maps each kind to names; `note` says why a plugin was left out.
        """
        parts = [part for kind in KINDS for part in self.components(kind)]
        rows = []
        for plugin in self._loader.plugins:
            errors = [f.error for f in self.failures if _made(f, plugin)]
            rows.append(
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "hooks": self._hooks(plugin),
                    "components": {
                        kind: [p.name for p in parts if p.plugin == plugin.key and p.kind == kind]
                        for kind in KINDS
                        if any(p.plugin == plugin.key and p.kind == kind for p in parts)
                    },
                    "error": "; ".join(errors) or None,
                    "note": plugin.note,
                }
            )
        return rows

    def _hooks(self, plugin: LoadedPlugin) -> list[str]:
        if plugin.object is None:
            return []
        return sorted(h.name for h in self._loader.manager.get_hookcallers(plugin.object) or ())

    def _search(self, name: str) -> Component | None:
        """Asks the sources that can find a task without listing it (seqio's registry)."""
        found: list[Component] = []
        for source in self.components("task source"):
            if found and ".toml" in name:
                break  # a file is nobody else's, and asking on would load seqio's registry
            find: Callable[[str], Any] | None = getattr(source.value, "find", None)
            if find is None:
                continue
            for prefix in (f"{source.owner}:", f"{source.name}:"):
                wanted = name.removeprefix(prefix)
                if wanted != name:
                    break
            try:
                task = find(wanted)
            except SpotError:
                raise
            except Exception as error:
                self._loader.fail(
                    self._loader.plugin(source.plugin),
                    f"task source {source.name!r} raised {one_line(error)}",
                )
                continue
            if task is not None:
                found.append(as_component(source, task))
        return _only(found, "task", name)

    def _find(self, kind: str, name: str) -> Component | None:
        parts = self.components(kind)
        found = [c for c in parts if c.name == name]
        if not found and ":" in name:
            owner, _, rest = name.partition(":")
            found = [c for c in parts if c.name == rest and c.owner == owner]
        return _only(found, kind, name)

    def _unknown(self, kind: str, name: str) -> UnknownName:
        error = UnknownName(kind, name, set(self.names(kind)))
        if self.failures:
            broken = ", ".join(sorted({f.plugin for f in self.failures}))
            error.args = (
                f"{error} Some plugins have faults ({broken}), which may be why: see "
                "`spotfw plugins`.",
            )
        return error


@functools.cache
def default_plugins() -> Plugins:
    """The plugins of this process, loaded once."""
    return Plugins()


def _made(failure: Failure, plugin: LoadedPlugin) -> bool:
    return (failure.plugin, failure.distribution) == (plugin.name, plugin.distribution)


def _only(found: list[Component], kind: str, name: str) -> Component | None:
    """The one part found; several are an error that names their owners."""
    if len(found) > 1:
        owners = sorted({c.owner for c in found})
        ways = " or ".join(repr(f"{owner}:{found[0].name}") for owner in owners)
        advice = f"Say {ways}" if len(owners) > 1 else "Rename one of them"
        raise WrongUse(
            f"The {kind} {name!r} is given {len(found)} times, by {' and by '.join(owners)}. "
            f"{advice}, or leave a plugin out with SPOTFW_DISABLE_PLUGINS."
        )
    return found[0] if found else None
