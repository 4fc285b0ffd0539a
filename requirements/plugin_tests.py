"""Tests each plugin of this repository as its users have it: installed from wheels.

spotfw and every distribution of plugins/ are built into wheels, which must hold every file of
their packages. Each plugin then gets a virtual environment of its own with its wheel, spotfw's
and what else it needs; the packages of the lock are seen where `make setup` put them, so that
an environment costs seconds and a few megabytes. Tests run from a copy outside the repository.
A test that skips because something is not installed fails the run, unless that is PyTorch, of
which pip does not know a CPU build on every machine, or PEFT, which needs it.

Usage: .venv/bin/python requirements/plugin_tests.py [spotfw-metrics ...]   (or: make plugins)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
import xml.etree.ElementTree as xml
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = Path(__file__).with_name(f"py{sys.version_info[0]}{sys.version_info[1]}.txt")

#: Data may lie beside the repository or not; packages may not.
_MAY_SKIP = re.compile(r"\bshared\b|TFDS is asked first|for root|(PyTorch|PEFT) is not installed")

#: Plugin -> others of this repository that its tests use.
_BESIDE = {"spotfw-torch": ("spotfw-playground",), "spotfw-english": ("spotfw-torch",)}

#: Plugin -> what is no part of the lock; where pip finds none, tests that need it skip.
_WHERE_THERE_IS = {"spotfw-torch": "torch==2.13.0+cpu"}

_FOREIGN = re.compile(r"__pycache__|\.pyc$|\.egg-info|\.DS_Store")


class Failed(Exception):
    """One sentence: what is wrong with a plugin."""


def build(project: Path, work: Path) -> Path:
    """Builds a project's wheel from a copy of it, so that nothing is left in the tree."""
    copy = work / "source" / project.name
    copy.mkdir(parents=True)
    (package,) = _packages(project)
    shutil.copytree(package, copy / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (project / name).is_file():
            shutil.copy(project / name, copy)
    wheels = work / "wheels" / project.name
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels))
    _pip("wheel", *options, str(copy))
    (wheel,) = wheels.glob("*.whl")
    check_wheel(wheel, package, "entry-points" in (project / "pyproject.toml").read_text())
    return wheel


def check_wheel(wheel: Path, package: Path, plugin: bool = True) -> None:
    """Makes sure that a wheel holds every file of its package, and no more.

    Args:
      wheel: the wheel.
      package: the folder of the package that it was built from.
      plugin: whether it must name entry points.

    Raises:
      Failed: a file is missing (a template, a page, a model), or there is one too many.
    """
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    files = (p for p in package.rglob("*") if p.is_file())
    wanted = {p.relative_to(package.parent).as_posix() for p in files}
    wanted = {name for name in wanted if not _FOREIGN.search(name)}
    facts = {name for name in held if ".dist-info/" in name}
    missing = {*wanted, f"{package.name}/py.typed"} - held
    other = held - wanted - facts
    if plugin and not any(name.endswith("/entry_points.txt") for name in facts):
        missing.add("entry_points.txt")
    if missing or other:
        raise Failed(f"{wheel.name} lacks {sorted(missing)} and holds {sorted(other)} besides")


def view(work: Path) -> Path:
    """A folder of links to the lock's packages, without spotfw and its plugins from this tree."""
    folder = work / "lock"
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        name = entry.name.lower().removeprefix("__editable__").lstrip("._")
        if not name.startswith("spotfw") and entry.name != "__pycache__":
            (folder / entry.name).symlink_to(entry)
    return folder


def environment(name: str, wheels: dict[str, Path], lock: Path, work: Path) -> Path:
    """Makes one plugin's virtual environment and returns its Python."""
    folder = work / "venv" / name
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = next(folder.glob("lib/python*/site-packages"))
    # As a site folder, for the lock's own .pth files count too.
    (site / "_lock.pth").write_text(f"import site; site.addsitedir({str(lock)!r})\n")
    needed = [str(wheels[wheel]) for wheel in ("spotfw", name, *_BESIDE.get(name, ()))]
    _pip("--python", str(python), "install", "--quiet", "--constraint", str(LOCK), *needed)
    if name in _WHERE_THERE_IS:
        try:
            _pip("--python", str(python), "install", "--quiet", _WHERE_THERE_IS[name])
        except Failed:
            print(f"plugin tests: {name}: pip finds no {_WHERE_THERE_IS[name]}", flush=True)
    _pip("--python", str(python), "check")
    modules = f"spotfw, {name.replace('-', '_')}"
    says = f"import {modules}\nfor m in ({modules}): print(m.__file__)"
    places = _run([str(python), "-I", "-c", says]).split()
    if not all(Path(place).is_relative_to(site) for place in places):
        raise Failed(f"{name} is imported from {places} and not from its wheel")
    return python


def run_tests(name: str, python: Path, work: Path) -> dict[str, int]:
    """Runs one plugin's tests from a copy, and counts how they ended.

    Raises:
      Failed: a test failed, none ran, or one skipped because something is not installed.
    """
    # As deep as in the repository, so that data beside it is seen where there is some.
    copy = work / "copy" / name / "spotfw"
    tests = copy / "plugins" / name / "tests"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "plugins" / name / "tests", tests, ignore=ignored)
    for shared in ("pyproject.toml", "conftest.py"):  # pytest's settings, hypothesis's profile
        shutil.copy(ROOT / shared, copy)
    if (ROOT.parent / "shared").is_dir():
        (copy.parent / "shared").symlink_to(ROOT.parent / "shared")
    report = work / f"{name}.xml"
    words = ["-q", "-n", os.environ.get("WORKERS", "2"), "--dist", "loadfile"]
    words += ["-p", "no:cacheprovider", f"--junitxml={report}", str(tests)]
    # One thread for each process of pytest's: more would only wait for each other.
    away = {"PYTHONPATH": "", "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [str(python), "-m", "pytest", *words], cwd=copy, env={**os.environ, **away}, check=False
    )
    if not report.is_file():
        raise Failed(f"the tests of {name} did not start")
    counts = _counts(report)
    unfit = [reason for reason in _skips(report) if not _MAY_SKIP.search(reason)]
    if ended.returncode or not counts["passed"]:
        raise Failed(f"the tests of {name} ended with {ended.returncode}")
    if unfit:
        raise Failed(f"tests of {name} were skipped: {'; '.join(sorted(set(unfit)))}")
    return counts


def _counts(report: Path) -> dict[str, int]:
    suites = [suite.attrib for suite in xml.parse(report).iter("testsuite")]
    total = {key: sum(int(suite[key]) for suite in suites) for key in ("tests", "skipped")}
    bad = sum(int(suite["errors"]) + int(suite["failures"]) for suite in suites)
    return {
        "passed": total["tests"] - total["skipped"] - bad,
        "failed": bad,
        "skipped": total["skipped"],
    }


def _skips(report: Path) -> Iterator[str]:
    for skipped in xml.parse(report).iter("skipped"):
        yield f"{skipped.get('message')} {skipped.text}"


def _packages(project: Path) -> list[Path]:
    return [p.parent for p in project.glob("spotfw*/__init__.py")]


def _projects() -> list[Path]:
    return sorted(ROOT.glob("plugins/*/pyproject.toml"))


def _pip(*words: str) -> str:
    return _run([sys.executable, "-m", "pip", "--disable-pip-version-check", *words])


def _run(command: list[str]) -> str:
    """Runs a command away from the tree; what it printed is shown where it failed."""
    away = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        command, cwd=tempfile.gettempdir(), env=away, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise Failed(f"{' '.join(command)}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def main(names: list[str]) -> int:
    """Builds, installs and tests; returns the exit status."""
    known = {project.parent.name: project.parent for project in _projects()}
    if unknown := {*names} - known.keys():
        print(f"There is no plugin named {', '.join(sorted(unknown))} in plugins/.")
        return 2
    totals: list[tuple[str, dict[str, int], float]] = []
    faults = []
    with tempfile.TemporaryDirectory(prefix="spotfw-plugins-") as folder:
        work = Path(folder)
        try:
            wheels = {"spotfw": build(ROOT, work)}
            lock = view(work)
        except Failed as fault:
            print(f"plugin tests: {fault}", file=sys.stderr)
            return 1
        for name in names or known:
            began = time.monotonic()
            print(f"plugin tests: {name}, from its wheel", flush=True)
            try:
                for needed in (name, *_BESIDE.get(name, ())):
                    if needed not in wheels:
                        wheels[needed] = build(known[needed], work)
                python = environment(name, wheels, lock, work)
                totals.append((name, run_tests(name, python, work), time.monotonic() - began))
            except Failed as fault:
                faults.append(str(fault))
    for name, counts, seconds in totals:
        print(f"plugin tests: {name}: {_text(counts)}, {seconds:.0f} s with its environment")
    for fault in faults:
        print(f"plugin tests: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _text(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
