"""Reads an untrusted gin text without running it: its settings of T5's model, nothing else.

Gin itself imports what a text names and calls what it refers to, so that parsing a text is
running it. Here it is only read, by gin's own parser; each line is one of

- a binding or a macro that concerns the model: kept, written again from its parsed value;
- a binding of what else T5 and Mesh TF have (data, training, optimizers): ignored;
- an import of T5's own modules, which are imported anyway: ignored;
- anything else: refused, by name and line.
"""

from __future__ import annotations

import functools
import math
import re
import tokenize
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from gin import config_parser

from spotfw.backends.mesh import gin_names
from spotfw.errors import SpotError

#: Bounds of a text: characters, brackets in brackets, layers of a stack, items of a list.
MAX_CHARACTERS = 2**20
MAX_DEPTH = 12
MAX_LAYERS = 1000
MAX_ITEMS = 64
MAX_STRING = 1000
#: Bounds of a number in it: the largest T5 has a dimension of 65,536.
MAX_NUMBER = 2**31

#: What the message says at its end.
_ADVICE = "Give the operative_config.gin of a T5 1.1 checkpoint, or name its size with --gin."


@attrs.frozen
class _Reference:
    """``@name``: a configurable, not called."""

    name: str

    def __repr__(self) -> str:
        return f"@{self.name}"


@attrs.frozen
class _Call:
    """``@name()``: a configurable that would be called."""

    name: str


@attrs.frozen
class _Macro:
    """``%name``."""

    name: str

    def __repr__(self) -> str:
        return f"%{self.name}"


@attrs.frozen
class _Unsafe(Exception):
    """Why a value is not taken."""

    why: str


class _Reader(config_parser.ParserDelegate):  # type: ignore[misc]
    """Makes values of references and macros, where gin would look them up."""

    def configurable_reference(self, scoped_configurable_name: str, evaluate: bool) -> Any:
        made = _Call if evaluate else _Reference
        return made(scoped_configurable_name)

    def macro(self, macro_name: str) -> _Macro:
        return _Macro(macro_name)


@functools.lru_cache(maxsize=32)
def model_gin(text: str, where: str = "The model's gin configuration") -> str:
    """The lines of a gin text that concern the model, safe to be parsed by gin.

    Args:
      text: from any source, e.g. a checkpoint's ``operative_config.gin``.
      where: begins the error's sentence.

    Raises:
      SpotError: the text is no gin, is out of bounds, imports or includes something, or names
        what is not T5's; the message names the line.
    """
    _check_bounds(text, where)
    macros: dict[str, tuple[int, Any]] = {}
    kept: list[tuple[int, str, Any]] = []
    for statement in _statements(text, where):
        line = statement.location.line_num
        if isinstance(statement, config_parser.ImportStatement):
            _check_import(statement, line, where)
        elif isinstance(statement, config_parser.IncludeStatement):
            raise _refused(where, line, "it includes a file. Write that file's text in its place")
        elif isinstance(statement, config_parser.BlockDeclaration):
            continue  # its bindings come by themselves
        elif not statement.arg_name:
            name = "/".join(filter(None, (statement.scope, statement.selector)))
            macros[name] = (line, statement.value)
        elif _is_model(statement.selector):
            scope = f"{statement.scope}/" if statement.scope else ""
            left = f"{scope}{statement.selector}.{statement.arg_name}"
            kept.append((line, left, statement.value))
        elif not gin_names.is_other(statement.selector):
            what = f"it names {statement.selector[:80]!r}, which T5 does not have"
            raise _refused(where, line, what)
    return _written(macros, kept, where)


def _statements(text: str, where: str) -> Iterator[Any]:
    try:
        yield from config_parser.ConfigParser(text, _Reader())
    except SpotError:
        raise
    except (SyntaxError, ValueError, tokenize.TokenError, RecursionError, TypeError) as error:
        what = " ".join(str(getattr(error, "msg", None) or error).split())
        line = getattr(error, "lineno", None)
        raise SpotError(
            f"{where} cannot be read{f' in line {line}' if line else ''}: {what:.200}. {_ADVICE}"
        ) from error


def _check_bounds(text: str, where: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise SpotError(
            f"{where} has {len(text):,} characters, more than the {MAX_CHARACTERS:,} that are "
            f"read. {_ADVICE}"
        )
    if bad := re.search(r"[^\t\n\r\x20-\x7e\xa0-\U0010ffff]", text):
        line = text.count("\n", 0, bad.start()) + 1
        raise _refused(where, line, f"it holds the control character {ord(bad[0]):#04x}")
    depth, line = 0, 1
    for character in text:
        line += character == "\n"
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_DEPTH:
            raise _refused(where, line, f"it has more than {MAX_DEPTH} brackets in brackets")
    for number, row in enumerate(text.splitlines(), 1):
        if re.search(r"\d{30}", row):
            raise _refused(where, number, "it has a number of more than thirty digits")


def _check_import(statement: Any, line: int, where: str) -> None:
    module = statement.module
    if module.startswith("__gin__"):
        raise _refused(where, line, f"it asks for {module!r}, with which a text can run anything")
    if not gin_names.is_own_module(module):
        raise _refused(where, line, f"it imports {module[:80]!r}, which is not T5's")


def _is_model(selector: str) -> bool:
    return gin_names.full_name(selector) is not None


def _written(
    macros: Mapping[str, tuple[int, Any]], kept: list[tuple[int, str, Any]], where: str
) -> str:
    """The text of what is kept; macros only where they can be."""
    good: dict[str, Any] = {}
    why_not: dict[str, str] = {}
    for name, (_, value) in macros.items():
        try:
            _check_value(value)
            good[name] = value
        except _Unsafe as unsafe:
            why_not[name] = unsafe.why
    lines: list[str] = []
    needed: set[str] = set()
    for line, left, value in kept:
        try:
            _check_value(value)
            needed |= _used(value, good, why_not)
            _check_meaning(left.rpartition(".")[2], _resolved(value, good))
        except _Unsafe as unsafe:
            raise _refused(where, line, f"{left[:80]} is bound to {unsafe.why}") from None
        lines.append(f"{left} = {value!r}")
    _check_layers(kept, good, where)
    # A macro that nothing kept uses may name one that is not kept.
    first = [f"{name} = {good[name]!r}" for name in good if name in needed or _is_plain(good[name])]
    return "\n".join([*first, *lines]) + "\n"


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str, type(None)))


def _check_value(value: Any) -> None:
    """Refuses a value that is neither a bounded literal nor T5's own.

    Raises:
      _Unsafe: it is neither.
    """
    if isinstance(value, _Call):
        raise _Unsafe(f"a call of {value.name[:80]!r}, and nothing is called")
    if isinstance(value, _Reference):
        if gin_names.full_name(value.name.rpartition("/")[2]) is None:
            raise _Unsafe(f"{value.name[:80]!r}, which is not a part of T5's model")
    elif isinstance(value, _Macro):
        if value.name.startswith("gin."):
            raise _Unsafe(f"%{value.name[:80]}, which has no value here")
    elif isinstance(value, (list, tuple, dict)):
        if len(value) > MAX_ITEMS:
            raise _Unsafe(f"{len(value):,} items, more than {MAX_ITEMS}")
        for item in [*value, *(value.values() if isinstance(value, dict) else ())]:
            _check_value(item)
    elif isinstance(value, str):
        if len(value) > MAX_STRING:
            raise _Unsafe(f"a text of {len(value):,} characters")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _Unsafe("a number that is not finite")
    elif isinstance(value, int):
        if not -MAX_NUMBER <= value <= MAX_NUMBER:
            raise _Unsafe("a number larger than any of a model")
    elif value is not None:
        raise _Unsafe(f"a {type(value).__name__}")


def _used(value: Any, good: Mapping[str, Any], why_not: Mapping[str, str]) -> set[str]:
    """Names of the macros that a value depends on, which must all be known."""
    macros: set[str] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (list, tuple)):
            waiting += item
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, _Macro) and item.name not in macros:
            if item.name not in good:
                why = why_not.get(item.name, "nothing")
                raise _Unsafe(f"%{item.name[:80]}, which is {why}")
            macros.add(item.name)
            waiting.append(good[item.name])
    return macros


def _resolved(value: Any, good: Mapping[str, Any]) -> Any:
    seen = set()
    while isinstance(value, _Macro):
        if value.name in seen:
            raise _Unsafe(f"%{value.name[:80]}, which refers to itself")
        seen.add(value.name)
        value = good[value.name]
    return value


def _check_meaning(argument: str, value: Any) -> None:
    """Refuses a text that Mesh TF would look up as a name in its whole code."""
    if "activation" in argument:
        for name in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(name, str) and name not in gin_names.ACTIVATIONS:
                raise _Unsafe(f"{name[:80]!r}, which is not an activation of T5's")


def _check_layers(kept: list[tuple[int, str, Any]], good: Mapping[str, Any], where: str) -> None:
    for line, left, value in kept:
        if left.rpartition(".")[2] == "num_layers":
            count = _resolved(value, good)
            if isinstance(count, bool) or not isinstance(count, int) or count > MAX_LAYERS:
                raise _refused(
                    where, line, f"{left[:80]} is not a number of layers up to {MAX_LAYERS:,}"
                )


def _refused(where: str, line: int, what: str) -> SpotError:
    return SpotError(
        f"{where} is refused because of its line {line}: {what}. Only settings of T5's own model "
        f"are taken from such a text, and nothing in it is run. {_ADVICE}"
    )
