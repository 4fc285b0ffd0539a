"""Plugins as rows for listings: what each is, gives, and has wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spotfw.plugins.loading import LoadedPlugin, Loader
from spotfw.plugins.parts import SETTABLE, Component
from spotfw.plugins.settings import settings_of
from spotfw.plugins.strangers import is_an_interrupt


def rows(loader: Loader, parts: Mapping[str, Iterable[Component]]) -> list[dict[str, Any]]:
    """One row a plugin, in the order of loading.

    Args:
      loader: that loaded them.
      parts: each kind's components; asking for them may have added failures.

    Returns:
      Rows with `name`, `distribution`, `version`, `hooks`; `components`, names by kind;
      `settings`, each part's settings and their defaults by kind and name; `error`, what is
      wrong, and `note`, why it was left out or what else to know.
    """
    by_plugin: dict[str, list[Component]] = {}
    owners: dict[tuple[str, str], set[str]] = {}
    for of_kind in parts.values():
        for part in of_kind:
            by_plugin.setdefault(part.plugin, []).append(part)
            owners.setdefault((part.kind, part.name), set()).add(part.owner)
    return [
        _row(loader, plugin, by_plugin.get(plugin.key, []), owners) for plugin in loader.plugins
    ]


def _row(
    loader: Loader,
    plugin: LoadedPlugin,
    parts: list[Component],
    owners: Mapping[tuple[str, str], set[str]],
) -> dict[str, Any]:
    if plugin.object is None:
        parts = []
    names: dict[str, list[str]] = {}
    settings: dict[str, dict[str, dict[str, Any]]] = {}
    notes = [plugin.note] if plugin.note else []
    for part in parts:
        names.setdefault(part.kind, []).append(part.name)
        values = default_settings(part)
        if values:
            settings.setdefault(part.kind, {})[part.name] = values
        others = sorted(owners[part.kind, part.name] - {part.owner})
        if others:
            notes.append(
                f"{' and '.join(others)} has a {part.kind} {part.name} too: "
                f"say {part.owner}:{part.name}"
            )
    errors = [
        failure.error
        for failure in loader.failures
        if (failure.plugin, failure.distribution) == (plugin.name, plugin.distribution)
    ]
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "hooks": _hooks(loader, plugin),
        "components": names,
        "settings": settings,
        "error": "; ".join(errors) or None,
        "note": "; ".join(notes) or None,
    }


def default_settings(part: Component) -> dict[str, Any]:
    """A part's settings and their defaults; none where the part fails when it is asked."""
    if part.kind not in SETTABLE:
        return {}
    try:
        return {name: setting.value for name, setting in settings_of(part.value).items()}
    except BaseException as error:  # whoever asks for the part hears of it
        if is_an_interrupt(error):
            raise
        return {}


def _hooks(loader: Loader, plugin: LoadedPlugin) -> list[str]:
    if plugin.object is None:
        return []
    return sorted(h.name for h in loader.manager.get_hookcallers(plugin.object) or ())
