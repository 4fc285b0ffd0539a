"""What the pages name is there: modules and their attributes, files, commands, options, targets."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from spotfw.cli import spotfw as command_line
from spotfw.errors import SpotError
from spotfw.version import moved_to
from tests.places import ROOT

PAGES = sorted(
    page
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "plugins/*/README.md",
        "benchmarks/*.md",
        ".github/*.md",
    )
    for page in ROOT.glob(pattern)
)
PACKAGES = {"spotfw": ROOT, "benchmarks": ROOT, "tests": ROOT} | {
    package.parent.name: package.parents[1] for package in ROOT.glob("plugins/*/*/__init__.py")
}
#: Entries of spotfw/ may be named without it: `config.TuningSettings`, `tasks/rows/`.
ROOMS = {path.stem for path in (ROOT / "spotfw").glob("[!_]*")}

#: Tags that spotfw-mlflow writes; they look like modules.
NO_MODULES = {"spotfw.error", "spotfw.folder", "spotfw.steps"}

#: Files that stand for any name, and those of the plugin that writing.md makes.
OTHERS = re.compile("[A-Z]{3}|spread")

DOTTED = re.compile(r"(?<![\w./-])([a-z_]\w*(?:\.[A-Za-z_]\w*)+)(?![\w/]|\.[a-z]|-)")
SUFFIXES = ("csv", "gin", "html", "json", "jsonl", "md", "py", "safetensors", "sh", "toml", "txt")


def code(page: Path) -> Iterator[str]:
    """Code between backticks, and each line of a block of code."""
    text = without_history(page)
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", prose)


def without_history(page: Path) -> str:
    """A page's text without the old paths of modules that have moved."""
    text = page.read_text(encoding="utf-8")
    if page.name == "CHANGELOG.md":  # they stand left in its tables
        return re.sub(r"^\| `[^|]*\|", "|", text, flags=re.M)
    return re.sub(r"^### Paths that have moved\n.*?^##", "##", text, flags=re.M | re.DOTALL)


def named_modules(line: str) -> Iterator[str]:
    for name in DOTTED.findall(line):
        first = name.partition(".")[0]
        last = name.rpartition(".")[2]
        if last in SUFFIXES or name in NO_MODULES or last == "NAME":
            continue
        if first in PACKAGES:
            yield name
        elif first in ROOMS and (ROOT / "spotfw" / first).is_dir():
            module = ROOT / "spotfw" / Path(*name.split(".")[:2])
            if module.is_dir() or module.with_suffix(".py").is_file():
                yield f"spotfw.{name}"


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something that a module has."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if _module_file(parts[:end]):
            break
    else:
        return False
    if end == len(parts):
        return True
    if parts[0] == "tests":
        return False
    try:
        thing = importlib.import_module(".".join(parts[:end]))
    except SpotError:  # without the extra mesh: the file is there
        return importlib.util.find_spec("mesh_tensorflow") is None
    except ModuleNotFoundError as error:  # without the extra torch, likewise
        return error.name == "torch"
    for part in parts[end:]:
        if not hasattr(thing, part):
            # A field of an attrs class with slots is none of its attributes before it is made.
            return part in getattr(thing, "__annotations__", {})
        thing = getattr(thing, part)
    return True


def _module_file(parts: list[str]) -> bool:
    path = PACKAGES[parts[0]].joinpath(*parts)
    return path.is_dir() or path.with_suffix(".py").is_file()


def named_files(line: str) -> Iterator[str]:
    """Paths that begin with a folder of the repository, or of spotfw/."""
    # Not those that commands of these pages make there.
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    made = {line.strip("/") for line in ignored if line.startswith("/")}
    folders = {p.name for p in ROOT.iterdir() if p.is_dir()} - {"build", *made} | ROOMS
    for word in re.findall(r"(?<![\w./-])\.?[\w-]+/[\w./*-]*", line):
        path = word.rstrip(".")
        is_file = path.rpartition(".")[2] in SUFFIXES or path.endswith("/")
        if path.split("/")[0] in folders and is_file and not OTHERS.search(path):
            yield path


def commands(line: str) -> Iterator[list[str]]:
    """The words of each call of ``spotfw`` in a line."""
    for call in re.findall(
        r"(?:^|[|`$] ?|\]\()((?:\.venv/bin/)?spotfw [^|`]*)", line.split(" #")[0]
    ):
        words = call.removesuffix(" ...").replace("...", " ")
        try:
            yield shlex.split(words, comments=True)[1:]
        except ValueError:  # a quotation mark that ends on another line
            yield words.split()[1:]


def unknown(words: list[str]) -> str:
    """The first word that is no command, or no option of its command; empty if all are known."""
    command: click.Command = command_line
    context = click.Context(command, **command.context_settings)
    options = set(_options(command, context))
    for word in words:
        if word.startswith("-") and not re.match(r"-\d", word):
            if word.split("=")[0] not in options:
                return word
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z]+", word):
            following = command.get_command(context, word)
            if following is None:
                return word
            context = click.Context(following, parent=context, **following.context_settings)
            command = following
            options |= set(_options(command, context))
    return ""


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            yield from (*parameter.opts, *parameter.secondary_opts)


def pages() -> list[object]:
    return [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in PAGES]


@pytest.mark.parametrize("page", pages())
def test_every_module_is_there(page: Path) -> None:
    names = {name for line in code(page) for name in named_modules(line)}
    assert [name for name in sorted(names) if not exists(name)] == []


@pytest.mark.parametrize("page", pages())
def test_what_examples_import_is_there(page: Path) -> None:
    text = without_history(page)
    imports = re.findall(r"^from (spotfw[\w.]*) import \(?([\w, \n]+)\)?$", text, re.MULTILINE)
    names = [f"{m}.{n}" for m, some in imports for n in re.findall(r"\w+", some)]
    names = [name for name in names if name.partition(".")[0] in PACKAGES]
    assert [name for name in names if not exists(name)] == []


@pytest.mark.parametrize("page", pages())
def test_every_file_is_there(page: Path) -> None:
    places = (ROOT, ROOT / "spotfw", page.parent)
    names = {name for line in code(page) for name in named_files(line)}
    assert [name for name in sorted(names) if not any(any(p.glob(name)) for p in places)] == []


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", pages())
def test_every_command_and_option_is_there(page: Path) -> None:
    calls = [words for line in code(page) for words in commands(line)]
    assert [(unknown(words), words) for words in calls if unknown(words)] == []


@pytest.mark.parametrize("page", pages())
def test_every_target_of_make_is_there(page: Path) -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    named = {
        name
        for line in code(page)
        for name in re.findall(r"(?:^|\s)make ([a-z]+)", line.split("#")[0])
    }
    assert named <= targets


def test_the_readers_above_read() -> None:
    """They would pass if they saw nothing."""
    assert list(named_modules("see `spotfw.nothing.at_all`, not spotfw.toml")) == [
        "spotfw.nothing.at_all"
    ]
    assert not exists("spotfw.nothing.at_all") and not exists("spotfw.tasks.Nothing")
    assert exists("spotfw.tasks.Task") and exists("spotfw.contracts.engine")
    assert list(named_files("tests/none.py spotfw/x/ a/b.py")) == ["tests/none.py", "spotfw/x/"]
    assert list(commands("$ spotfw tasks show x --nope")) == [["tasks", "show", "x", "--nope"]]
    assert unknown(["tasks", "show", "x", "--nope"]) == "--nope"
    assert unknown(["tasks", "vanish"]) == "vanish"
    assert unknown(["tasks", "list", "--json"]) == ""
    everything = [line for page in PAGES for line in code(page)]
    assert len({n for line in everything for n in named_modules(line)}) > 30
    assert len({n for line in everything for n in named_files(line)}) > 20
    assert sum(1 for line in everything for _ in commands(line)) > 60


def test_the_change_log_has_the_new_paths_of_modules_that_moved() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(spotfw\.[\w.]+)` \| `(spotfw\.[\w.]+)` \|$", text, re.MULTILINE)
    assert len(rows) > 5
    assert [(old, new) for old, new in rows if moved_to(old) != new] == []
