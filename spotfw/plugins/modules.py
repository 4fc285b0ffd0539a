"""A user's own modules, imported because the user named them: seqio tasks, or hooks of spotfw.

Who names a module runs its code, so that only the command line, the environment and a program
can: ``--module-import``, ``SPOTFW_MODULES``, ``Session(modules=...)``. No file can.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Collection, Iterable
from types import ModuleType

from spotfw.errors import SpotError, WrongUse
from spotfw.plugins.loading import LoadedPlugin, Loader
from spotfw.plugins.strangers import is_an_interrupt, one_line, prints_aside

#: Environment: the modules to import, by name, with commas between them.
VARIABLE = "SPOTFW_MODULES"

#: What stands for the distribution of such a module.
OWNER = "module"


def listed(text: str) -> list[str]:
    """The names in the variable, in order."""
    return list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


def load_modules(loader: Loader, names: Iterable[str]) -> None:
    """Imports modules, and registers those that have hooks.

    Raises:
      WrongUse: a name is none that Python could import.
      SpotError: a module is not there, or fails: the user asked for it.
    """
    loaded = _loaded(loader)
    for name in dict.fromkeys(names):
        if name in loaded:
            continue
        if not all(part.isidentifier() for part in name.split(".")):
            raise WrongUse(
                f"{name!r:.80} is no module's name. Give it as Python imports it: my.tasks, not "
                "my/tasks.py."
            )
        module = _imported(name)
        plugin = LoadedPlugin(name, OWNER, "")
        if _has_hooks(module):
            loader.load(plugin, lambda module=module: module)  # type: ignore[misc]
        else:
            plugin.remark("imported; it has no hook of spotfw, its seqio tasks are known")
            loader.plugins.append(plugin)


def refuse_unnamed(wanted: Collection[str], loader: Loader, place: str) -> None:
    """Refuses modules that a file asks for and the user has not named.

    Raises:
      WrongUse: there is one.
    """
    loaded = _loaded(loader)
    missing = [name for name in wanted if name not in loaded]
    if missing:
        raise WrongUse(
            f"{place} needs the module {missing[0]}, and a file may not have code imported. If you "
            f"trust that module, name it yourself: --module-import {missing[0]}, or the variable "
            f"{VARIABLE}."
        )


def _loaded(loader: Loader) -> set[str]:
    return {plugin.name for plugin in loader.plugins if plugin.distribution == OWNER}


def _imported(name: str) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path:
        # Last: what is installed is not hidden by what lies in the working directory.
        sys.path.append(here)
    try:
        # What seqio and TensorFlow warn of when they are first imported, a user cannot mend.
        with prints_aside(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except BaseException as error:
        if is_an_interrupt(error):
            raise
        raise SpotError(
            f"The module {name}, named by --module-import, {VARIABLE} or Session(modules=...), "
            f"cannot be imported: {one_line(error)}. Its folder must be the working directory or "
            "on PYTHONPATH."
        ) from error


def _has_hooks(module: ModuleType) -> bool:
    return any(hasattr(value, "spotfw_impl") for value in vars(module).values())
