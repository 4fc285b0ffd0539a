"""Names for the shell to complete: tasks, metrics, strategies, models, ids of a library.

Whatever goes wrong gives no names: a shell that completes is no place for an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def parts(kind: str) -> Complete:
    """Completes the names of a kind of part: ``metric``, ``strategy``, ``model`` ..."""

    def names() -> Iterable[tuple[str, str]]:
        from spotfw.plugins import default_plugins
        from spotfw.plugins.descriptions import description

        return [(p.name, description(p.value)) for p in default_plugins().components(kind)]

    return _completing(lambda _: names(), files=kind == "model")


def _tasks(_: click.Context) -> Iterable[tuple[str, str]]:
    from spotfw.plugins import default_plugins

    return [(task.name, task.description) for task in default_plugins().tasks()]


def _ids(context: click.Context) -> Iterable[tuple[str, str]]:
    from spotfw.plugins import default_plugins
    from spotfw.plugins.libraries import library_named

    named = context.params.get("folder") or context.params.get("named") or "library"
    return [
        (entry.id, f"{entry.provenance.task or '?'}, seed {entry.provenance.seed}")
        for entry in library_named(str(named), default_plugins(), there=True).entries()
    ]


def _completing(
    names: Callable[[click.Context], Iterable[tuple[str, str]]], *, files: bool
) -> Complete:
    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        logger = logging.getLogger("spotfw")
        before, logger.disabled = logger.disabled, True
        try:
            known = list(names(context))
        except Exception:
            known = []
        finally:
            logger.disabled = before
        items = [CompletionItem(n, help=text) for n, text in known if n.startswith(incomplete)]
        # Where a file may stand too, the shell looks for files once no name fits.
        return items or ([CompletionItem(incomplete, type="file")] if files else [])

    return complete


#: Tasks' names, or files.
tasks: Complete = _completing(_tasks, files=True)
#: Ids of the library that the command line names, or files.
ids: Complete = _completing(_ids, files=True)
