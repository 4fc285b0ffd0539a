"""Which engines are installed here, and what is said of those that are not."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping, Sequence

from spotfw.cli.display import note

#: Engine or other program -> the packages that it needs, and how they are installed.
NEEDS: Mapping[str, tuple[Sequence[str], str]] = {
    "mesh": (
        ("tensorflow", "mesh_tensorflow", "t5"),
        "`pip install '.[mesh]'` on Python 3.10, 3.11",
    ),
    "torch": (("torch", "spotfw_torch"), "`pip install '.[torch]' ./plugins/spotfw-torch`"),
    "peft": (
        ("torch", "transformers", "peft"),
        "`pip install '.[torch]' '.[bench]'`, or `--peft FOLDER`",
    ),
    "transformers": (("torch", "transformers"), "`pip install '.[torch]' transformers`"),
    "ray": (("ray", "spotfw_ray"), "`pip install ./plugins/spotfw-ray`"),
}
#: Those of spotfw.
ENGINES = ("mesh", "torch")


def lacking(name: str, path: Iterable[str] = ()) -> str | None:
    """The first package that is not installed of those that a name of `NEEDS` needs, or None.

    Nothing is imported.

    Args:
      name: a key of `NEEDS`.
      path: folders that are looked at too.
    """
    search = [*path]
    for package in NEEDS[name][0]:
        beside = importlib.machinery.PathFinder.find_spec(package, search) if search else None
        if beside is None and importlib.util.find_spec(package) is None:
            return package
    return None


def add_engines(made: ArgumentParser, names: Sequence[str] = ENGINES) -> None:
    """The option ``--engines``; what it gives goes through `installed`."""
    made.add_argument(
        "--engines",
        nargs="+",
        choices=names,
        default=list(names),
        help=f"of {', '.join(names)} (those that are installed)",
    )


def installed(asked: Sequence[str], path: Iterable[str] = (), least: int = 1) -> list[str]:
    """The engines asked for that are installed; a line on stderr says what is left out.

    Args:
      asked: keys of `NEEDS`.
      path: folders in which PEFT may be.
      least: engines without which there is nothing to measure.

    Raises:
      SystemExit: fewer are, or PEFT alone of several.
    """
    search = [*path]
    absent = {name: package for name in asked if (package := lacking(name, search))}
    ready = [name for name in asked if name not in absent]
    if len(ready) < least or (ready == ["peft"] and absent):
        need(*absent)
    for name, package in absent.items():
        note(f"Without rows of {name}: {_lacks(name, package)}")
    return ready


def need(*names: str) -> None:
    """Ends the benchmark in one paragraph unless one of the names is installed.

    Raises:
      SystemExit: none is.
    """
    absent = {name: package for name in names if (package := lacking(name))}
    if len(absent) < len(names):
        return
    ways = " ".join(f"For {name}, {_lacks(name, p)}" for name, p in absent.items())
    note(f"This benchmark needs {' or '.join(names)}. {ways}")
    sys.exit(1)


def _lacks(name: str, package: str) -> str:
    """That a package is not installed, and how it is."""
    return f"{package} is not installed: {NEEDS[name][1]}."
