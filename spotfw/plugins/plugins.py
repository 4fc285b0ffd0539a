"""Plugins asked for their parts by name.

Built-in parts come first, through the same hooks as anyone's. Hooks are called when a
part of their kind is first wanted, so that listing loads nothing heavy. A plugin that
raises is set aside and reported once in `Plugins.failures`; everything else goes on working.
"""

from __future__ import annotations

import contextlib
import copy
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spotfw.contracts import UnlistedTasks
from spotfw.errors import UnknownName
from spotfw.plugins import settings as part_settings
from spotfw.plugins.loading import OWN, Failure, LoadedPlugin, Loader
from spotfw.plugins.modules import VARIABLE, listed, load_modules, refuse_unnamed
from spotfw.plugins.parts import (
    KINDS,
    SETTABLE,
    Component,
    blaming,
    collect_parts,
    collect_tasks,
    find_task,
    of_free_names,
    only,
    short_names,
    with_own_members,
)
from spotfw.plugins.rows import rows
from spotfw.plugins.strangers import is_an_interrupt, one_line, prints_aside
from spotfw.tasks.mixtures import AnyTask, MixtureDefinition, listing, resolve

if TYPE_CHECKING:
    import click

    from spotfw.contracts import (
        Backend,
        Executor,
        NamedModel,
        PromptInitializer,
        SelectionStrategy,
        SimilarityMetric,
    )
    from spotfw.tasks import Mixture, Task


class Plugins:
    """Plugins and their parts; threads may share them.

    Args:
      environ: where these are read, by default the process's. `SPOTFW_PLUGINS` (the only
        ones to load) and `SPOTFW_DISABLE_PLUGINS` are lists of distributions, entry points
        or ``distribution:entry point`` separated by commas. With `SPOTFW_STRICT_PLUGINS=1` a
        plugin's fault is raised as a `PluginFault`; with `SPOTFW_TRACE_PLUGINS=1` each call
        of a plugin and the time it took is printed to stderr. `SPOTFW_MODULES` names modules to
        import, see `spotfw.plugins.modules`.
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
        self._loader = Loader(os.environ if environ is None else environ)
        self._lock = threading.RLock()
        self._components: dict[str, tuple[Component, ...]] = {}
        self._configured: dict[tuple[str, str], Any] = {}
        if built_in:
            self._loader.load_built_ins()
        if entry_points:
            self._loader.load_entry_points()
            load_modules(self._loader, listed(self._loader.environ.get(VARIABLE, "")))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong so far; hooks not yet called may add to it."""
        return tuple(self._loader.failures)

    def register(
        self, plugin: Any, name: str, *, distribution: str | None = None, version: str = ""
    ) -> None:
        """Adds a module or object by hand; what cannot be registered lands in `failures`."""
        with self._lock:
            self._loader.load(LoadedPlugin(name, distribution or name, version), lambda: plugin)
            self._components.clear()

    def import_modules(self, names: Iterable[str]) -> None:
        """Imports a user's own modules of seqio tasks or of hooks, each once.

        Raises:
          SpotError: one cannot be imported.
        """
        with self._lock:
            load_modules(self._loader, names)
            self._components.clear()

    def refuse_unnamed(self, modules: Collection[str], place: str) -> None:
        """Refuses modules that a file, `place`, asks for and the user has not named.

        Raises:
          WrongUse: there is one.
        """
        refuse_unnamed(modules, self._loader, place)

    def components(self, kind: str) -> tuple[Component, ...]:
        """All parts of a kind of `KINDS`, or ``task``, sorted by name and owner."""
        with self._lock:
            if kind not in self._components:
                if kind == "task":
                    sources = self.components("task source")
                    parts = [c for source in sources for c in collect_tasks(self._loader, source)]
                else:
                    parts = list(collect_parts(self._loader, kind))
                self._components[kind] = tuple(sorted(parts, key=lambda c: (c.name, c.owner)))
            return self._components[kind]

    def relist_tasks(self) -> None:
        """Has the task sources list their tasks anew when next wanted; calls no hook again."""
        with self._lock:
            self._components.pop("task", None)

    def names(self, kind: str) -> list[str]:
        """Names of a kind, sorted."""
        return [c.name for c in self.components(kind)]

    def component(self, kind: str, name: str) -> Component:
        """The part called `name`, as `get` finds it, with whose it is; settings are passed over.

        Raises:
          UnknownName: there is none.
          WrongUse: several plugins give one.
        """
        part, _ = self._split(kind, name)
        if part is None:
            raise self._unknown(kind, name)
        return part

    def get(self, kind: str, name: str, settings: Mapping[str, Any] | None = None) -> Any:
        """The part called `name`, or ``distribution:name`` where several share a name.

        Args:
          kind: of `KINDS`.
          name: of the part. Settings may stand behind it: ``name:key=value,key=value``.
          settings: further settings of the part, as values.

        Raises:
          UnknownName: there is none; the message suggests close names.
          WrongUse: several plugins give one, and the message names them; or it does not
            have such settings.
        """
        part, rest = self._split(kind, name)
        if part is None or (rest is not None and kind not in SETTABLE):
            raise self._unknown(kind, name)
        return self._configure(part, rest, settings)

    def task(self, name: str) -> Task | Mixture:
        """A task or mixture by name, or by the path of a ``.toml`` file that describes it."""
        task = self._task(name)
        return resolve(task, self._task) if isinstance(task, MixtureDefinition) else task

    def tasks(self) -> list[Task | Mixture]:
        """All tasks and mixtures that can be listed cheaply, sorted by name.

        A member of a mixture that cannot be looked up cheaply is a placeholder, which has a
        name only; `task` looks it up.
        """
        listed = (c.value for c in self.components("task"))
        return [listing(v, self._cheap) if isinstance(v, MixtureDefinition) else v for v in listed]

    def _task(self, name: str) -> AnyTask:
        """A task or mixture by name, the latter perhaps without its members yet."""
        part = only("task", name, self._named("task", name)) or self._search(name)
        if part is None:
            raise self._unknown("task", name)
        return with_own_members(part, self.components("task"))

    def _cheap(self, name: str) -> AnyTask | None:
        """As `_task`, but without the sources that are costly to ask; None where there is none."""
        part = only("task", name, self._named("task", name)) or self._search(name, costly=False)
        return None if part is None else with_own_members(part, self.components("task"))

    def initializer(self, name: str) -> PromptInitializer:
        """A way to start a prompt."""
        part: PromptInitializer = self.get("initializer", name)
        return part

    def parse_initializer(self, text: str) -> tuple[PromptInitializer, str | None]:
        """An initializer and its argument from ``NAME[:ARGUMENT]``, qualified or not.

        For an initializer with settings, a text that begins with ``key=`` is read as its
        settings and not as its argument.
        """
        part, rest = self._split("initializer", text)
        if part is None:
            raise self._unknown("initializer", text.partition(":")[0])
        key, sign, _ = (rest or "").partition("=")
        if sign and key.strip().isidentifier() and part_settings.settings_of(part.value):
            return self._configure(part, rest), None
        return part.value, rest

    def metric(self, name: str, **settings: Any) -> SimilarityMetric:
        """A way to compare task embeddings: ``NAME[:key=value,...]``."""
        part: SimilarityMetric = self.get("metric", name, settings)
        return part

    def strategy(self, name: str, **settings: Any) -> SelectionStrategy:
        """A way to choose among ranked sources: ``NAME[:key=value,...]``."""
        part: SelectionStrategy = self.get("strategy", name, settings)
        return part

    def backend(self, name: str = "mesh") -> Backend:
        """An engine that opens frozen models: ``NAME[:key=value,...]``."""
        part: Backend = self.get("backend", name)
        return part

    def backends(self) -> list[Backend]:
        """All engines, installed or not."""
        return [c.value for c in self.components("backend")]

    def executor(self, name: str = "processes", **settings: Any) -> Executor:
        """What does a study's jobs: ``NAME[:key=value,...]``."""
        part: Executor = self.get("executor", name, settings)
        return part

    def executors(self) -> list[Executor]:
        """All executors."""
        return [c.value for c in self.components("executor")]

    def model(self, name: str) -> NamedModel:
        """A frozen model known by name."""
        part: NamedModel = self.get("model", name)
        return part

    def models(self) -> list[NamedModel]:
        """All frozen models known by name."""
        return [c.value for c in self.components("model")]

    def commands(self, taken: Collection[str] = ()) -> list[click.Command]:
        """Commands that plugins add; one whose name is `taken` or given twice is left out."""
        kept = of_free_names(self._loader, self.components("command"), taken)
        return [c.value for c in kept]

    @contextlib.contextmanager
    def blaming(self, kind: str, name: str) -> Iterator[None]:
        """A context in which an error of the part `name` says whose it is: `blaming`.

        What a plugin's part prints within goes to stderr.
        """
        part, _ = self._split(kind, name)
        plugin = None if part is None else self._loader.plugin(part.plugin)
        own = plugin is None or plugin.distribution == OWN
        aside = contextlib.nullcontext() if own else prints_aside()
        with aside, blaming(plugin, f"{kind} {name!r}"):
            yield

    def call(self, hook: str, **values: Any) -> None:
        """Calls a hook of a run's life in every plugin; a plugin that raises is set aside.

        Each gets copies of its own of the dictionaries: what it does to them harms nobody.
        """
        for implementation in reversed(getattr(self._loader.manager.hook, hook).get_hookimpls()):
            plugin = self._loader.plugin(implementation.plugin_name)
            if plugin.silenced:
                continue
            try:
                with self._loader.timed(hook, plugin, aside=False):
                    own = {
                        name: copy.deepcopy(value) if isinstance(value, dict) else value
                        for name, value in values.items()
                    }
                    implementation.function(*(own[name] for name in implementation.argnames))
            except BaseException as error:
                if is_an_interrupt(error):
                    raise
                plugin.silenced = True
                message = f"{hook} raised {one_line(error)}; it follows no more runs"
                self._loader.fail(plugin, message)

    def describe(self) -> list[dict[str, Any]]:
        """One row a plugin: see `plugin_rows.rows`."""
        return rows(self._loader, {kind: self.components(kind) for kind in KINDS})

    def _search(self, name: str, *, costly: bool = True) -> Component | None:
        """Asks the sources that can find a task without listing it (seqio's registry)."""
        parts: list[Component] = []
        for source in self.components("task source"):
            if not costly and isinstance(source.value, UnlistedTasks):
                continue
            if parts and ".toml" in name:
                break  # a file's task has one source, and asking on would load seqio's registry
            part = find_task(self._loader, source, name)
            parts += [part] if part is not None else []
        return only("task", name, parts)

    def _split(self, kind: str, text: str) -> tuple[Component | None, str | None]:
        """The part that a text begins with, and what stands behind it after a colon."""
        words = text.split(":")
        for count in range(min(len(words), 2), 0, -1):
            head = ":".join(words[:count])
            part = only(kind, head, self._named(kind, head))
            if part is not None:
                return part, text[len(head) + 1 :] if len(words) > count else None
        return None, None

    def _named(self, kind: str, name: str) -> list[Component]:
        parts = self.components(kind)
        named = [c for c in parts if c.name == name]
        if not named and ":" in name:
            owner, _, rest = name.partition(":")
            named = [c for c in parts if c.name == rest and c.owner == owner]
        return named

    def _configure(
        self, part: Component, text: str | None, settings: Mapping[str, Any] | None = None
    ) -> Any:
        """A part with its settings: the same object for equal settings, as caches by part need."""
        if text is None and not settings:
            return part.value
        what = f"the {part.kind} {part.name!r}"
        given = {
            **(part_settings.parse(text, what) if text is not None else {}),
            **(settings or {}),
        }
        key = (f"{part.kind} {part.plugin} {part.name}", repr(sorted(given.items())))
        if key not in self._configured:
            self._configured[key] = part_settings.configured(part.value, given, what)
        return self._configured[key]

    def _unknown(self, kind: str, name: str) -> UnknownName:
        known = set(self.names(kind))
        if kind == "task":
            for source in self.components("task source"):
                known.update(short_names(self._loader, source))
        from spotfw.tasks.tables.labelled_file import SUFFIXES

        error = UnknownName(kind, name, known)
        if kind == "task" and name.lower().endswith(SUFFIXES) and os.path.isfile(name):
            error.args = (
                f"{name} is a file of rows, and a task is named here. `spotfw transfer {name}` "
                "splits it, and writes its task file, runs/NAME-.../task.toml: name that here.",
            )
        elif self.failures:
            broken = ", ".join(sorted({f.plugin for f in self.failures}))
            error.args = (
                f"{error} Some plugins have faults ({broken}), which may be why: see "
                "`spotfw plugins`.",
            )
        return error
