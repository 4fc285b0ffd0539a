"""``spotfw doctor``: is this machine ready for spotfw, and if not, what to fix."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

import attrs
import click

from spotfw.cli.display import say
from spotfw.errors import SpotError, UnknownName, plain
from spotfw.plugins import Plugins, default_plugins
from spotfw.version import __version__

Status = Literal["ok", "warn", "bad"]

#: Below these, in bytes, a check warns or fails.
DISK_WARN, DISK_BAD = 3 * 2**30, 200 * 2**20
MEMORY_WARN, MEMORY_BAD = 3 * 2**30, 2**30

#: Seconds that TensorFlow may take to start; a cold disk is slow.
DEVICES_TIMEOUT = 180

_DEVICES = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
import tensorflow_text
print(json.dumps([tf.__version__, [d.name for d in tf.config.list_physical_devices()]]))
"""


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
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--quick", is_flag=True, help="Leave out TensorFlow's devices (saves seconds).")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, quick: bool) -> None:
    """Check versions, devices, plugins, write access, disk and memory; say how to fix each.

    Exit status 1 if something must be fixed.
    """
    from spotfw.cli.display import print_json

    # TensorFlow starts in a process of its own: a broken one cannot take this one along.
    devices = None if quick else _start_devices()
    results: list[Check] = []
    for check in checks():
        results.append(check)
        if not as_json:
            _print(check)
    if devices is not None:
        results.append(_read_devices(devices))
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
    """All checks but that of TensorFlow's devices, cheapest first; imports no TensorFlow."""
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
    yield from check_plugins(plugins)
    yield check_playground(plugins)


def check_python(version: tuple[int, ...]) -> Check:
    """Is this a Python that TensorFlow 2.15 runs on?"""
    text = f"{'.'.join(map(str, version))} on {platform.system()} {platform.machine()}"
    if (3, 10) <= version[:2] <= (3, 11):
        return Check("python", "ok", text)
    return Check(
        "python", "bad", text, "Use Python 3.10 or 3.11, e.g. make setup PYTHON=python3.11"
    )


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


def check_playground(plugins: Plugins) -> Check:
    """Is the bundled model installed, so that ``spotfw demo`` needs no download?"""
    mend = "Run make setup, or pip install ./plugins/spotfw-playground"
    try:
        folder = plugins.model("playground").folder()
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


def _start_devices() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _DEVICES],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _read_devices(process: subprocess.Popen[str], timeout: float = DEVICES_TIMEOUT) -> Check:
    mend = "Run make setup again; for what is wrong: python -c 'import tensorflow, tensorflow_text'"
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Check("tensorflow", "bad", f"did not start in {timeout:.0f} s", mend)
    if process.returncode:
        last = (err.strip().splitlines() or ["no message"])[-1]
        return Check("tensorflow", "bad", f"does not import: {last[:200]}", mend)
    version, devices = json.loads(out.strip().splitlines()[-1])
    names = ", ".join(name.removeprefix("/physical_device:") for name in devices)
    return Check("tensorflow", "ok", f"{version} with {names}")


def _print(check: Check) -> None:
    colour = {"ok": "green", "warn": "yellow", "bad": "red"}[check.status]
    mark = click.style(f"{check.status:<4}", fg=colour, bold=check.status == "bad")
    click.echo(f"{mark}  {plain(check.name):<20}  {plain(check.found)}")
    if check.mend:
        click.echo(f"{'':<4}  {'':<20}  -> {plain(check.mend)}")
