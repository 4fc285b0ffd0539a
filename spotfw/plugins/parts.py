"""What each kind of part must have, and collecting parts from the hooks of plugins."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs

from spotfw.contracts import ShortNames, TaskFinder
from spotfw.errors import BrokenPart, SpotError, WrongUse
from spotfw.plugins.loading import OWN, LoadedPlugin, Loader, PluginFault
from spotfw.plugins.strangers import first_of, is_an_interrupt, one_line, shown
from spotfw.tasks import Mixture, Task
from spotfw.tasks.mixtures import AnyTask, MixtureDefinition

#: Kind of part -> its hook, and the attributes of a part that must be callable.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "task source": ("spotfw_task_sources", ("tasks",)),
    "initializer": ("spotfw_prompt_initializers", ("__call__",)),
    "metric": ("spotfw_similarity_metrics", ("features", "compare", "with_model", "__call__")),
    "strategy": ("spotfw_selection_strategies", ("__call__",)),
    "backend": ("spotfw_backends", ("open",)),
    "executor": ("spotfw_executors", ("open",)),
    "model": ("spotfw_models", ("folder",)),
    "command": ("spotfw_commands", ("main",)),
}
#: Parts of a kind that are taken of one plugin, and characters of a name.
MOST_PARTS, LONGEST_NAME = 10_000, 200
#: How many faults of one kind are reported of a plugin, one by one.
_MOST_FAULTS = 20
#: Kinds whose parts can be given settings behind their name.
SETTABLE = ("initializer", "metric", "strategy", "backend", "executor")


@attrs.frozen
class Component:
    """A part of some kind, the distribution that gives it and its plugin's key."""

    kind: str
    name: str
    owner: str
    plugin: str
    value: Any = attrs.field(repr=False, eq=False)


def collect_parts(loader: Loader, kind: str) -> Iterator[Component]:
    """Calls the hook of a kind in every plugin; reports and leaves out what breaks the contract."""
    hook, methods = KINDS[kind]
    for implementation in getattr(loader.manager.hook, hook).get_hookimpls():
        plugin = loader.plugin(implementation.plugin_name)
        parts: list[Component] = []
        with _reported(loader, plugin, hook), loader.timed(hook, plugin):
            given = implementation.function()
            if not isinstance(given, Iterable) or isinstance(given, (str, bytes, dict)):
                loader.fail(
                    plugin, f"{hook} gave {shown(given)}, which is not a list; return [...]"
                )
                continue
            faults = 0
            for part in first_of(given, MOST_PARTS):
                name, fault = _name_or_fault(part, methods)
                if fault is None:
                    parts.append(Component(kind, name, plugin.distribution, plugin.key, part))
                    continue
                loader.fail(plugin, f"{hook} gave {shown(part)}, which {fault}")
                faults += 1
                if faults == _MOST_FAULTS:
                    loader.fail(plugin, f"{hook}: what it gave behind these is left out")
                    break
        # Whatever was given before a fault is kept.
        yield from parts


def collect_tasks(loader: Loader, source: Component) -> Iterator[Component]:
    """Lists the tasks of a task source up to where it raises, which is reported."""
    plugin = loader.plugin(source.plugin)
    what = f"task source {source.name!r}"
    tasks: list[Component] = []
    with _reported(loader, plugin, what), loader.timed(what, plugin):
        faults = 0
        for task in first_of(source.value.tasks()):
            if isinstance(task, (Task, Mixture, MixtureDefinition)):
                tasks.append(as_component(source, task, plugin))
                continue
            loader.fail(plugin, f"{what} gave {shown(task)}, which is not a task")
            faults += 1
            if faults == _MOST_FAULTS:
                loader.fail(plugin, f"{what}: what it gave behind these is left out")
                break
    yield from tasks


def find_task(loader: Loader, source: Component, name: str) -> Component | None:
    """Asks a source that can find a task without listing it; what it raises is reported.

    Raises:
      SpotError: the source knows the task and says what is wrong with it.
    """
    if not isinstance(source.value, TaskFinder):
        return None
    for prefix in (f"{source.owner}:", f"{source.name}:"):
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            break
    plugin = loader.plugin(source.plugin)
    what = f"task source {source.name!r}"
    task: Any = None
    with _reported(loader, plugin, what, but=SpotError), loader.timed(what, plugin):
        task = source.value.find(name)
        if task is not None and not isinstance(task, (Task, Mixture, MixtureDefinition)):
            loader.fail(plugin, f"{what} gave {shown(task)}, which is not a task")
            task = None
    return None if task is None else as_component(source, task, plugin)


def short_names(loader: Loader, source: Component) -> list[str]:
    """Further names that a source's `find` knows; none where it has none or raises."""
    names: list[str] = []
    if isinstance(source.value, ShortNames):
        plugin = loader.plugin(source.plugin)
        with _reported(loader, plugin, f"task source {source.name!r}"):
            names.extend(n for n in first_of(source.value.short_names()) if type(n) is str)
    return names


def of_free_names(
    loader: Loader, parts: Iterable[Component], taken: Collection[str]
) -> list[Component]:
    """Parts without those whose name is `taken` or doubled, which are noted as failures."""
    kept: dict[str, Component] = {}
    for part in parts:
        if part.name in taken or part.name in kept:
            first = kept[part.name].owner if part.name in kept else OWN
            loader.fail(
                loader.plugin(part.plugin),
                f"its {part.kind} {part.name!r} is left out: {first} has one of that name",
            )
        else:
            kept[part.name] = part
    return list(kept.values())


def as_component(source: Component, task: AnyTask, plugin: LoadedPlugin) -> Component:
    """A task of a source; one that does not say its origin gets the distribution's name."""
    if not task.origin:
        task = attrs.evolve(task, origin=source.owner)
    if plugin.distribution != OWN:
        if isinstance(task, Task):
            task = _owned(task, plugin)
        elif isinstance(task, Mixture):
            task = attrs.evolve(task, tasks=tuple(_owned(t, plugin) for t in task.tasks))
    return Component("task", task.name, source.owner, source.plugin, task)


def with_own_members(part: Component, known: Iterable[Component]) -> AnyTask:
    """A task or mixture; members of the latter that several sources give are its own plugin's."""
    mixture: AnyTask = part.value
    if not isinstance(mixture, MixtureDefinition):
        return mixture
    owners: dict[str, list[str]] = {member: [] for member in mixture.members}
    for component in known:
        if component.name in owners:
            owners[component.name].append(component.owner)
    shared = {m for m, given in owners.items() if len(given) > 1 and part.owner in given}
    members = tuple(f"{part.owner}:{m}" if m in shared else m for m in mixture.members)
    return attrs.evolve(mixture, members=members)


def _is_of_file(task: Component) -> bool:
    return Path(task.value.origin).is_file()


def only(kind: str, name: str, parts: list[Component]) -> Component | None:
    """The part, where there is just one; several are an error that names their owners."""
    if len(parts) > 1:
        owners = sorted({c.owner for c in parts})
        ways = " or ".join(repr(f"{owner}:{parts[0].name}") for owner in owners)
        advice = f"Say {ways}" if len(owners) > 1 else "Rename one of them"
        files = sorted({c.value.origin for c in parts if kind == "task" and _is_of_file(c)})
        if files:
            owners = sorted({c.owner for c in parts if c.value.origin not in files}) + files
            advice = f"Rename the one in {files[-1]}"
        raise WrongUse(
            f"The {kind} {name!r} is given {len(parts)} times, by {' and by '.join(owners)}. "
            f"{advice}, or leave a plugin out: -p no:NAME, or SPOTFW_DISABLE_PLUGINS."
        )
    return parts[0] if parts else None


@contextlib.contextmanager
def blaming(plugin: LoadedPlugin | None, what: str) -> Iterator[None]:
    """Says which plugin an error comes from.

    What spotfw's own parts raise, and errors made for users, go on as they are.

    Raises:
      PluginFault: another plugin's part raised.
    """
    try:
        yield
    except BrokenPart as error:
        if plugin is None or plugin.distribution == OWN:
            raise
        raise PluginFault(f"{error} The plugin {plugin} gives it.") from error
    except SpotError:
        raise
    except BaseException as error:  # SystemExit too: a part does not end the program
        if plugin is None or plugin.distribution == OWN or is_an_interrupt(error):
            raise
        raise PluginFault(
            f"The {what}, which the plugin {plugin} gives, failed: {one_line(error)[:600]}. "
            "What was saved before stays. Use another one, or tell the plugin's author; --debug "
            "shows the traceback."
        ) from error


@attrs.frozen
class _Owned:
    """What a task gives, as a function that says whose it is when it fails."""

    function: Callable[..., Any]
    name: str
    plugin: LoadedPlugin

    def __call__(self, *args: Any) -> Any:
        with self._blaming():
            return self.function(*args)

    def _blaming(self) -> contextlib.AbstractContextManager[None]:
        return blaming(self.plugin, f"task {self.name!r}")


@attrs.frozen
class _OwnedExamples(_Owned):
    """A task's `examples`, which may fail when they are asked for or while they are read."""

    def __call__(self, *args: Any) -> Iterator[Any]:
        with self._blaming():
            examples = iter(self.function(*args))
        return self._read(examples)

    def _read(self, examples: Iterator[Any]) -> Iterator[Any]:
        while True:
            # Not around the yield: what ends this reader is not the plugin's.
            with self._blaming():
                try:
                    example = next(examples)
                except StopIteration:
                    return
            yield example


def _owned(task: Task, plugin: LoadedPlugin) -> Task:
    # A plain copy: the plugin's module does not always go to other processes.
    owner = LoadedPlugin(plugin.name, plugin.distribution, plugin.version)
    return attrs.evolve(
        task,
        examples=task.examples and _OwnedExamples(task.examples, task.name, owner),
        score=task.score and _Owned(task.score, task.name, owner),
        build=task._build and _Owned(task._build, task.name, owner),
    )


@contextlib.contextmanager
def _reported(
    loader: Loader, plugin: LoadedPlugin, what: str, but: type[Exception] = PluginFault
) -> Iterator[None]:
    """Notes what a plugin raises, and goes on."""
    try:
        yield
    except but:
        raise
    except BaseException as error:
        if is_an_interrupt(error):
            raise
        loader.fail(plugin, f"{what} raised {one_line(error)}")


def _name_or_fault(part: Any, methods: tuple[str, ...]) -> tuple[str, str | None]:
    """A part's name, and what keeps the part from its contract, or None."""
    try:
        return _checked_name(part, methods)
    except BaseException as error:
        if is_an_interrupt(error):
            raise
        return "", f"raised {one_line(error)} when it was looked at"


def _checked_name(part: Any, methods: tuple[str, ...]) -> tuple[str, str | None]:
    if isinstance(part, type):
        return "", "is a class; give an instance"
    name = getattr(part, "name", None)
    if type(name) is not str or not name:
        return "", "has no name"
    if len(name) > LONGEST_NAME or not name.isprintable():
        return "", f"has a name of more than {LONGEST_NAME} characters, or that cannot be printed"
    if ":" in name or name != name.strip():
        return "", (
            "has a name with a colon, or with a space around it, by which it cannot be asked for"
        )
    missing = [m for m in methods if not callable(getattr(part, m, None))]
    return name, f"has no {missing[0]}" if missing else None
