"""Is what a plugin registers fit: the API it is made for, its hooks' names, its marks."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pluggy

from spotfw import hookspecs
from spotfw.errors import did_you_mean
from spotfw.version import API_VERSION, __version__

#: The attribute by which a plugin says which versions of the plugin API it is made for.
SUPPORTS = "spotfw_api"
#: Every hook's name, in the order of `spotfw.hookspecs`.
HOOKS = tuple(name for name, value in vars(hookspecs).items() if hasattr(value, "spotfw_spec"))


def refusal(found: Any) -> str | None:
    """Why an object is not registered, or None."""
    if isinstance(found, type):
        return f"is the class {found.__name__}; give an instance of it, or a module"
    wanted = getattr(found, SUPPORTS, None)
    if wanted is None:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        fits = SpecifierSet(wanted).contains(API_VERSION) if isinstance(wanted, str) else None
    except InvalidSpecifier:
        fits = None
    if fits is None:
        return f"says {SUPPORTS} = {wanted!r}, which is no range of versions such as '>=1,<2'"
    if not fits:
        return (
            f"is made for version {wanted} of the plugin API, but spotfw {__version__} has "
            f"{API_VERSION}; install a release of it made for that, or another spotfw"
        )
    return None


def refuse_wrappers(manager: pluggy.PluginManager, found: Any) -> None:
    """Raises TypeError for hook wrappers: they could hold up what is not theirs."""
    for hook in manager.get_hookcallers(found) or ():
        for one in hook.get_hookimpls():
            if (one.wrapper or one.hookwrapper) and one.plugin is found:
                raise TypeError(f"{hook.name} is a hook wrapper, which spotfw does not call")


def idle_hooks(manager: pluggy.PluginManager, found: Any) -> Iterator[str]:
    """What is never called, and why: misspelled, unmarked or no hooks at all.

    This is pluggy's `check_pending` for one plugin, with the nearest real hook.
    """
    hooks = manager.get_hookcallers(found) or []
    marked = {hook.name for hook in hooks}
    unmarked = [n for n in HOOKS if n not in marked and _has_own(found, n)]
    for name in unmarked:
        yield f"{name} is not marked with @spotfw.hookimpl and is never called"
    if not hooks and not unmarked:
        yield "implements no hook; mark its functions with @spotfw.hookimpl"
    for hook in hooks:
        optional = any(i.optionalhook for i in hook.get_hookimpls() if i.plugin is found)
        if hook.spec is None and not optional:
            hint = did_you_mean(hook.name, HOOKS, most=1)
            yield f"{hook.name} is no hook of spotfw and is never called.{hint}"


def _has_own(found: Any, name: str) -> bool:
    """Whether an object has a function of a hook's name that is not the specification."""
    value = getattr(found, name, None)
    return inspect.isroutine(value) and not hasattr(value, "spotfw_spec")
