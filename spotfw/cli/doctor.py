"""``spotfw doctor``: is this machine ready for spotfw, and if not, what to fix."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

import attrs
import click

from spotfw.cli import devices
from spotfw.cli.display import note, say
from spotfw.cli.options import json_option
from spotfw.errors import SpotError, UnknownName, plain
from spotfw.plugins import Plugins, default_plugins
from spotfw.plugins.models import missing_package, model_folder
from spotfw.recipe.progress.wrapping import wrap
from spotfw.version import __version__

Status = Literal["ok", "warn", "bad"]

#: Columns of a check's name, and of all that stands before what was seen.
_NAMES = 22
_BEFORE = 4 + 2 + _NAMES + 2
#: Below these, in bytes, a check warns or fails.
DISK_WARN, DISK_BAD = 3 * 2**30, 200 * 2**20
MEMORY_WARN, MEMORY_BAD = 3 * 2**30, 2**30


@attrs.frozen
class Check:
    """The result of one check; its attributes are the keys of ``--json``.

    Attributes:
      name: what was looked at.
      status: ``ok``; ``warn``: works, but not well or not all; ``bad``: must be fixed.
      found: what is there.
      mend: how to fix it, empty where all is well.
    """

    name: str
    status: Status
    found: str
    mend: str = ""


@click.command(short_help="Is this machine ready, and what to fix.")
@json_option
@click.option("--quick", is_flag=True, help="Leave out the engines' devices (saves seconds).")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, quick: bool) -> None:
    """Check versions, devices, plugins, write access, disk and memory; say how to fix each.

    Exit status 1 if something must be fixed.
    """
    from spotfw.cli.display import print_json

    # Each library starts in a process of its own: a broken one cannot take this one along.
    asked = [] if quick else [(library, devices.start(library)) for library in devices.LIBRARIES]
    results: list[Check] = []
    for check in checks():
        results.append(check)
        if not as_json:
            _print(check)
    if any(process is not None for _, process in asked):
        note("Asking the engines for their devices ...")
    for library, process in asked:
        if process is None:
            continue
        seen = devices.read(library, process)
        results.append(Check(library.name, seen.status, seen.text, seen.mend))
        if not as_json:
            _print(results[-1])
    bad = sum(c.status == "bad" for c in results)
    warned = sum(c.status == "warn" for c in results)
    if as_json:
        print_json({"ok": not bad, "checks": [attrs.asdict(c) for c in results]})
    elif bad:
        say(f"{bad} to fix, {warned} to know of.")
    else:
        say("All is well." if not warned else f"Ready for work; {warned} to know of.")
    ctx.exit(1 if bad else 0)


def checks() -> Iterator[Check]:
    """All checks but those of devices, cheapest first; imports no TensorFlow."""
    yield Check("spotfw", "ok", f"{__version__} in {Path(__file__).resolve().parents[1]}")
    yield check_python(sys.version_info[:3])
    yield from check_packages()
    yield check_cores()
    yield check_memory()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    places = {"here": Path.cwd(), "temporary files": Path(tempfile.gettempdir()), "cache": cache}
    for name, folder in places.items():
        yield check_writable(name, folder)
    yield check_disk(Path.cwd())
    plugins = default_plugins()
    yield check_engines(plugins)
    yield from check_plugins(plugins)
    yield check_playground(plugins)


def check_python(version: tuple[int, ...]) -> Check:
    """Is this a Python that spotfw runs on, with both engines or the one on PyTorch?"""
    text = f"{'.'.join(map(str, version))} on {platform.system()} {platform.machine()}"
    if (3, 10) <= version[:2] <= (3, 11):
        return Check("python", "ok", text)
    if (3, 12) <= version[:2] <= (3, 13):
        mend = "For Mesh TensorFlow use Python 3.10 or 3.11: make setup PYTHON=python3.11"
        return Check("python", "warn", f"{text}: the engine on PyTorch alone", mend)
    mend = "Use Python 3.10 to 3.13, e.g. make setup PYTHON=python3.11"
    return Check("python", "bad", text, mend)


def check_packages(
    installed: Callable[[str], str] = metadata.version, needed: list[str] | None = None
) -> Iterator[Check]:
    """Is every dependency there, in the range spotfw asks for?

    Args:
      installed: gives a distribution's version.
      needed: requirement lines, by default those of the installed spotfw.
    """
    from packaging.requirements import Requirement

    if needed is None:
        try:
            needed = metadata.requires("spotfw") or []
        except metadata.PackageNotFoundError:
            yield Check(
                "packages",
                "warn",
                "spotfw runs from a folder and is not installed",
                "Run make setup, or pip install -e . in the repository",
            )
            return
    good = []
    for line in needed:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        mend = f'pip install "{requirement.name}{requirement.specifier}", or make setup'
        try:
            version = installed(requirement.name)
        except metadata.PackageNotFoundError:
            yield Check(requirement.name, "bad", "not installed", mend)
            continue
        if requirement.specifier.contains(version, prereleases=True):
            good.append(f"{requirement.name} {version}")
        else:
            yield Check(
                requirement.name, "bad", f"{version}, outside {requirement.specifier}", mend
            )
    yield Check("packages", "ok", ", ".join(good))


def check_cores() -> Check:
    """How many cores may this process use?"""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Check("cores", "ok", str(cores or 1))


def check_memory(meminfo: Path = Path("/proc/meminfo")) -> Check:
    """Is there memory for a small model? The demo takes under 3 GB."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return Check("memory", "ok", "unknown on this system")
    return _room("memory", free, MEMORY_WARN, MEMORY_BAD, "End other programs, or use more")


def check_disk(folder: Path) -> Check:
    """Is there room for runs?"""
    return _room(
        "disk",
        shutil.disk_usage(folder).free,
        DISK_WARN,
        DISK_BAD,
        "Make room, or put runs elsewhere with --out",
    )


def check_writable(name: str, folder: Path) -> Check:
    """Can files be written in `folder`, or made there if it is not there yet?"""
    name = f"write: {name}"
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".spotfw-doctor-"):
            pass
    except OSError as error:
        return Check(
            name,
            "bad",
            f"{folder}: {error.strerror or error}",
            "Give yourself write access there, or name another folder "
            "(--out for runs, TMPDIR, XDG_CACHE_HOME)",
        )
    return Check(name, "ok", str(folder))


def check_plugins(plugins: Plugins) -> Iterator[Check]:
    """Which plugins loaded, and why did others not?"""
    good = []
    for row in plugins.describe():
        name = row["name"] if row["distribution"] == "spotfw" else row["distribution"]
        if row["error"]:
            own = row["distribution"] == "spotfw"
            mend = (
                "Run make setup again"
                if own
                else f"Update {name}, or leave it out: spotfw -p no:{row['name']} ..."
            )
            yield Check(f"plugin {name}", "bad" if own else "warn", row["error"], mend)
        elif row["distribution"] != "spotfw":
            good.append(f"{name} {row['version']}" + (f" ({row['note']})" if row["note"] else ""))
    yield Check("plugins", "ok", ", ".join(good) or "none but the built-in parts")


def check_engines(plugins: Plugins) -> Check:
    """Is there an engine with all that it needs?"""
    lacking = {backend.name: missing_package(backend) for backend in plugins.backends()}
    ready = ", ".join(name for name, package in lacking.items() if package is None)
    absent = ", ".join(f"{name} lacks {package}" for name, package in lacking.items() if package)
    text = "; ".join(filter(None, (ready, absent)))
    if ready:
        return Check("engines", "ok", text)
    mend = 'pip install "spotfw[mesh]" on Python 3.10 or 3.11, or PyTorch for the backend torch'
    return Check("engines", "bad", text or "none", mend)


def check_playground(plugins: Plugins) -> Check:
    """Is the bundled model installed, so that ``spotfw demo`` needs no download?"""
    mend = "Run make setup, or pip install ./plugins/spotfw-playground"
    try:
        folder = model_folder("playground", plugins)
    except UnknownName:
        return Check("playground", "warn", "the bundled model is not installed; no demo", mend)
    except SpotError as error:
        return Check("playground", "warn", "no bundled model, so no demo", str(error))
    except Exception as error:
        return Check("playground", "warn", f"the bundled model is broken: {error}", mend)
    if not Path(folder).is_dir():
        return Check("playground", "warn", f"the bundled model is not in {folder}", mend)
    return Check("playground", "ok", f"the bundled model in {folder}")


def _room(name: str, free: int, warn: int, bad: int, mend: str) -> Check:
    status: Status = "bad" if free < bad else "warn" if free < warn else "ok"
    text = f"{free / 2**30:.1f} GiB free"
    if status == "ok":
        return Check(name, status, text)
    return Check(name, status, text, f"{mend}: {warn / 2**30:.0f} GiB are enough for the demo")


def _print(check: Check) -> None:
    colour = {"ok": "green", "warn": "yellow", "bad": "red"}[check.status]
    mark = click.style(f"{check.status:<4}", fg=colour, bold=check.status == "bad")
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    first, *others = wrap(plain(check.found), columns - _BEFORE)
    click.echo(f"{mark}  {plain(check.name):<{_NAMES}}  {first}")
    if check.mend:
        others += wrap(f"-> {plain(check.mend)}", columns - _BEFORE)
    for line in others:
        click.echo(f"{'':<{_BEFORE}}{line}")
