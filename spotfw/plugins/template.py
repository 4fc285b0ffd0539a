"""Writes a complete distribution for a new plugin, from the texts in ``plugins/templates``."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import re
import string
from pathlib import Path

from spotfw.errors import SpotError, WrongUse
from spotfw.files import new_folder, write_atomically
from spotfw.version import API_VERSION, __version__

#: Kind -> what such a distribution says of itself.
DESCRIPTIONS = {
    "metric": "A similarity metric for spotfw: compares the task embeddings of soft prompts.",
    "strategy": "A selection strategy for spotfw: chooses which source prompts to start from.",
    "task": "Tasks for spotfw to learn soft prompts on.",
    "initializer": "A prompt initializer for spotfw: starts a soft prompt before it is tuned.",
    "tracker": "A tracker for spotfw: writes down what runs do.",
    "backend": "A backend for spotfw: opens, tunes and runs a frozen model.",
}

#: Template -> place in the distribution; a kind's own templates stand in a folder of its name.
_SHARED = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "ci.yml": ".github/workflows/test.yml",
    "gitignore": ".gitignore",
}
_PREFIX = "spotfw-"
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


def render(name: str, kind: str) -> dict[str, str]:
    """The files of a distribution, path -> text.

    Args:
      name: of the plugin, with or without ``spotfw-`` in front: small letters, digits,
        hyphens and underscores.
      kind: one of `DESCRIPTIONS`.

    Raises:
      WrongUse: the name cannot be a distribution's.
    """
    short = _short_name(name)
    plain = short.replace("-", "_")
    module = f"spotfw_{plain}"
    values = {
        "distribution": distribution_name(name),
        "module": module,
        "name": plain,
        "cls": "".join(word.capitalize() for word in plain.split("_")),
        "variable": f"{module.upper()}_FILE",
        "description": DESCRIPTIONS[kind],
        "version": ".".join(__version__.split(".")[:2]),
        "api": f">={API_VERSION},<{int(API_VERSION.split('.')[0]) + 1}",
    }
    values["use"] = _filled(f"{kind}/use.md", values)
    places = {
        **_SHARED,
        f"{kind}/module.py": f"{module}.py",
        f"{kind}/test.py": f"tests/test_{module}.py",
    }
    return {place: _filled(template, values) for template, place in places.items()}


def write_plugin(name: str, kind: str, folder: str | Path | None = None) -> Path:
    """Writes the distribution into a folder of its own and returns that.

    Args:
      name, kind: as for `render`.
      folder: which must not exist, or be empty; by default ``spotfw-NAME`` where one works.

    Raises:
      WrongUse: the name cannot be a distribution's.
      SpotError: something stands at the folder, or the name is taken by what is installed.
    """
    rendered = render(name, kind)
    distribution = distribution_name(name)
    _refuse_installed(distribution)
    target = Path(folder or distribution)
    with new_folder(target) as place:
        for path, text in rendered.items():
            write_atomically(place / path, text.encode())
    return target


def distribution_name(name: str) -> str:
    """What the distribution of a plugin is called."""
    return _PREFIX + _short_name(name).replace("_", "-")


def _short_name(name: str) -> str:
    short = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(short):
        raise WrongUse(
            f"A plugin cannot be named {name!r}: a name starts with a small letter and has small "
            "letters and digits, separated by single hyphens or underscores, such as "
            "'euclidean-distance'."
        )
    return short


def _refuse_installed(distribution: str) -> None:
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return
    raise SpotError(
        f"A distribution {distribution} {version} is installed already, and a second one of its "
        "name would take its place. Choose another name."
    )


def _filled(template: str, values: dict[str, str]) -> str:
    path = importlib.resources.files("spotfw.plugins") / "templates" / f"{template}.tmpl"
    return string.Template(path.read_text(encoding="utf-8")).substitute(values)
