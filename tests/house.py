"""Reads the house: which module of a package imports which, and what the rules say of it.

Imports are read from the source, wherever they stand: at the top of a file, inside a function,
under ``TYPE_CHECKING``, or as a module's name in a string that is imported later. Nothing is
imported to find out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import attrs

#: What stands for TensorFlow: it, what needs it, and the modules of spotfw that hand it on.
TENSORFLOW = (
    "gin",
    "mesh_tensorflow",
    "seqio",
    "spotfw.backends.mesh.compat",
    "spotfw.tasks.seqio.compat",
    "t5",
    "tensorflow",
    "tensorflow_datasets",
    "tensorflow_text",
)


@attrs.frozen
class Import:
    """One import.

    Attributes:
      source: the module that imports, ``spotfw.library.index``.
      target: the module that is imported; of another distribution as it is written.
      line: where, in the source's file.
      typing: whether it stands under ``TYPE_CHECKING`` and is never carried out.
    """

    source: str
    target: str
    line: int
    typing: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


@attrs.frozen
class Rules:
    """What the table of CONTRIBUTING.md says.

    Attributes:
      floors: name in the root (a package without its slash) -> floor, 1 for the ground.
      tensorflow: modules and packages, below the root, that may import TensorFlow.
    """

    floors: Mapping[str, int]
    tensorflow: tuple[str, ...]

    @classmethod
    def read(cls, page: Path) -> Rules:
        """Takes the floors from the table under ``| floor |`` and TensorFlow's line below it."""
        text = page.read_text(encoding="utf-8")
        rows = re.findall(r"^\| (\d+)[^|]*\|([^|]*)\|", text, re.MULTILINE)
        line = re.search(r"^- TensorFlow[^`]*((?:`[^`]+`(?:,| and)?\s*)+)", text, re.MULTILINE)
        if not rows or line is None:
            raise ValueError(f"{page} has no table of floors or no line on TensorFlow")
        floors = {
            name.rstrip("/"): int(floor)
            for floor, rooms in rows
            for name in re.findall(r"`([^`]+)`", rooms)
        }
        return cls(floors, tuple(re.findall(r"`([^`]+)`", line[1])))


@attrs.frozen(slots=False)
class House:
    """The modules of one package and what they import.

    Attributes:
      root: the package's folder.
    """

    root: Path

    @cached_property
    def modules(self) -> dict[str, Path]:
        """Dotted name -> file; a package goes by the name of its folder."""
        named = {}
        for path in sorted(self.root.rglob("*.py")):
            parts = path.relative_to(self.root.parent).with_suffix("").parts
            named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return named

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports of all modules, their own aside."""
        return tuple(i for name in self.modules for i in self._imports_of(name))

    def entries(self) -> tuple[list[str], list[str]]:
        """Names of the root's own modules, and of its packages."""
        files = [p.stem for p in self.root.glob("*.py")]
        folders = [p.name for p in self.root.iterdir() if any(p.rglob("*.py"))]
        return sorted(files), sorted(folders)

    def circles(self) -> list[list[str]]:
        """Groups of modules each of which reaches the others."""
        return _circles((i.source, i.target) for i in self._inside())

    def room(self, module: str) -> str:
        """The root's entry in which a module lies; the package itself is ``__init__``."""
        return module.partition(".")[2].partition(".")[0] or "__init__"

    def running_up(self, rules: Rules) -> list[str]:
        """Imports of a room on a higher floor, and rooms of one floor that import each other.

        A room that no floor names is passed over here; see `misplaced`.
        """
        floors = {room: 0 for room in (*self.entries()[0], *self.entries()[1])} | {**rules.floors}
        pairs = [(self.room(i.source), self.room(i.target), i) for i in self._inside()]
        up = [
            f"{i} and runs up, from floor {floors[a]} to {floors[b]}"
            for a, b, i in pairs
            if 0 < floors[a] < floors[b]
        ]
        beside = {(a, b) for a, b, _ in pairs if a != b and floors[a] == floors[b]}
        return up + [f"{', '.join(rooms)} import each other" for rooms in _circles(beside)]

    def misplaced(self, rules: Rules) -> list[str]:
        """Entries of the root that no floor names or that the table names without need."""
        here = {*self.entries()[0], *self.entries()[1]}
        return sorted(here ^ rules.floors.keys())

    def tensorflow_elsewhere(self, rules: Rules) -> list[str]:
        """Imports of TensorFlow that are carried out where the rules allow none."""
        allowed = tuple(self._within(place) for place in rules.tensorflow)
        return [
            str(i)
            for i in self.imports
            if i.target.startswith(tuple(f"{name}." for name in TENSORFLOW))
            or i.target in TENSORFLOW
            if not i.typing and not f"{i.source}.".startswith(allowed)
        ]

    def _within(self, place: str) -> str:
        """``tasks/seqio/`` or ``tasks/t5/build`` as the beginning of dotted names."""
        return ".".join([self.root.name, *place.strip("/").split("/"), ""])

    def _inside(self) -> list[Import]:
        return [i for i in self.imports if i.target in self.modules]

    def _imports_of(self, name: str) -> Iterator[Import]:
        tree = ast.parse(self.modules[name].read_text(encoding="utf-8"))
        typing = {
            id(node)
            for block in ast.walk(tree)
            if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
            for statement in block.body
            for node in ast.walk(statement)
        }
        for node in ast.walk(tree):
            for target in self._targets(name, node):
                if target != name:
                    line = getattr(node, "lineno", 0)
                    yield Import(name, target, line, id(node) in typing)

    def _targets(self, name: str, node: ast.AST) -> list[str]:
        """What one node of a module's tree imports."""
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            parent = self._parent(name, node.level)
            module = ".".join(filter(None, [parent, node.module]))
            whole = [f"{module}.{alias.name}" for alias in node.names]
            return [long if long in self.modules else module for long in whole]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            module = node.value.partition(":")[0]
            return [module] if "." in module and module in self.modules else []
        return []

    def _parent(self, name: str, level: int) -> str:
        """What the dots of a relative import stand for; nothing for an absolute one."""
        if not level:
            return ""
        parts = name.split(".")
        package = self.modules[name].name == "__init__.py"
        return ".".join(parts[: len(parts) - level + package])


def _circles(arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Strongly connected sets of two or more, each sorted."""
    outgoing: dict[str, set[str]] = {}
    for source, target in arrows:
        outgoing.setdefault(source, set()).add(target)
    reach = {start: _reached(start, outgoing) for start in outgoing}
    groups = {
        tuple(sorted(other for other in reached if start in reach.get(other, ())))
        for start, reached in reach.items()
        if start in reached
    }
    return sorted(list(group) for group in groups)


def _reached(start: str, outgoing: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = outgoing.get(waiting.pop(), set()) - seen
        seen |= new
        waiting.extend(new)
    return seen
