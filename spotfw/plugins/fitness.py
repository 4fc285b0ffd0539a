"""Is what a plugin registers fit: the API it is made for, its hooks' names, its marks."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pluggy

from spotfw import hookspecs
from spotfw.errors import did_you_mean
from spotfw.plugins.strangers import shown
from spotfw.version import API_VERSION, __version__

#: The attribute by which a plugin says which versions of the plugin API it is made for.
SUPPORTS = "spotfw_api"
#: Every hook's name, in the order of `spotfw.hookspecs`.
HOOKS = tuple(name for name, value in vars(hookspecs).items() if hasattr(value, "spotfw_spec"))


def refusal(plugin: Any) -> str | None:
    """Why an object is not registered, or None."""
    if isinstance(plugin, type):
        return f"is the class {plugin.__name__}; give an instance of it, or a module"
    # Plugins are compared when further ones are registered: one that cannot be harms those.
    bool(plugin == object())
    wanted = getattr(plugin, SUPPORTS, None)
    if wanted is None:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        fits = SpecifierSet(wanted).contains(API_VERSION) if isinstance(wanted, str) else None
    except InvalidSpecifier:
        fits = None
    if fits is None:
        return (
            f"says {SUPPORTS} = {shown(wanted)}, which is not a range of versions such as '>=1,<2'"
        )
    if not fits:
        return (
            f"is made for version {wanted} of the plugin API, but spotfw {__version__} has "
            f"{API_VERSION}; install a release of it made for that, or another spotfw"
        )
    return None


def refuse_wrappers(manager: pluggy.PluginManager, plugin: Any) -> None:
    """Raises TypeError for hook wrappers: they could hold up what is not theirs."""
    for hook in manager.get_hookcallers(plugin) or ():
        for implementation in hook.get_hookimpls():
            if (
                implementation.wrapper or implementation.hookwrapper
            ) and implementation.plugin is plugin:
                raise TypeError(f"{hook.name} is a hook wrapper, which spotfw does not call")


def idle_hooks(manager: pluggy.PluginManager, plugin: Any) -> Iterator[str]:
    """What is never called, and why: misspelled, unmarked or no hooks at all.

    This is pluggy's `check_pending` for a single plugin, with the nearest real hook.
    """
    hooks = manager.get_hookcallers(plugin) or []
    marked = {hook.name for hook in hooks}
    unmarked = [n for n in HOOKS if n not in marked and _has_own(plugin, n)]
    for name in unmarked:
        yield f"{name} is not marked with @spotfw.hookimpl and is never called"
    if not hooks and not unmarked:
        yield "implements no hook; mark its functions with @spotfw.hookimpl"
    for hook in hooks:
        optional = any(i.optionalhook for i in hook.get_hookimpls() if i.plugin is plugin)
        if hook.spec is None and not optional:
            hint = did_you_mean(hook.name, HOOKS, most=1)
            yield f"{hook.name} is not a hook of spotfw and is never called.{hint}"


def _has_own(plugin: Any, name: str) -> bool:
    """Whether an object has a function of a hook's name that is not the specification."""
    value = getattr(plugin, name, None)
    return inspect.isroutine(value) and not hasattr(value, "spotfw_spec")
