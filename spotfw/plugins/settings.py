"""Settings of a part, written ``name:key=value,key=value``.

A part has settings when its class is made by attrs: the fields but `name` that hold plain
values (bool, int, float, str, a `Literal`, or None beside those). Setting them makes a new
part by `attrs.evolve`, so that the class's own validators judge the values too.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from spotfw.config import NONE, exact, wanted
from spotfw.errors import UnknownName, WrongUse
from spotfw.plugins.strangers import one_line, shown

_PLAIN: tuple[type, ...] = (bool, int, float, str)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@attrs.frozen
class Setting:
    """One setting of a part.

    Attributes:
      kinds: the types it may have, of bool, int, float, str and None's.
      choices: the only values it may have, where there are such.
      value: the present one.
    """

    kinds: tuple[type, ...]
    choices: tuple[Any, ...]
    value: Any

    def __str__(self) -> str:
        """What it wants, in words."""
        plain = [wanted(self.kinds)] if self.kinds else []
        return " or ".join([*map(repr, self.choices), *plain])

    def read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises:
          ValueError: it stands for none.
        """
        word = text.strip().lower()
        for choice in self.choices:
            if str(choice) == text:
                return choice
        if NONE in self.kinds and word == "none":
            return None
        if bool in self.kinds and word in _TRUE + _FALSE:
            return word in _TRUE
        for kind in (int, float, str):
            if kind in self.kinds:
                try:
                    return exact(kind(text), (kind,))
                except ValueError:
                    continue
        raise ValueError(text)

    def take(self, value: Any) -> Any:
        """A value that is given as such, in Python; see `spotfw.config.exact`.

        Raises:
          ValueError: it is of another type.
        """
        for choice in self.choices:
            if type(value) is type(choice) and value == choice:
                return choice
        return exact(value, self.kinds)


def settings_of(part: Any) -> dict[str, Setting]:
    """What can be set on a part; empty where nothing can."""
    if not attrs.has(type(part)):
        return {}
    settings = {}
    hints = _hints(type(part))
    for field in attrs.fields(type(part)):
        name = field.alias or field.name
        if not field.init or name == "name":
            continue
        value = getattr(part, field.name, None)
        kinds, choices = _kinds(hints.get(field.name, type(value)))
        if kinds or choices:
            settings[name] = Setting(kinds, choices, value)
    return settings


@attrs.frozen
class Written:
    """A value as it is written behind a part's name."""

    text: str


def parse(text: str, what: str) -> dict[str, Written]:
    """Keys and values of ``key=value,key=value``.

    Args:
      text: what stands behind the part's name.
      what: the part, for errors.

    Raises:
      WrongUse: it is not written so, or a key stands there twice.
    """
    given: dict[str, Written] = {}
    for piece in text.split(","):
        key, sign, value = piece.partition("=")
        key = key.strip()
        if not sign or not key:
            raise WrongUse(
                f"The settings of {what} are written NAME:key=value,key=value, but {piece!r} "
                "has no key and value."
            )
        if key in given:
            raise WrongUse(f"The setting {key} of {what} is given twice. Give it once.")
        given[key] = Written(value)
    return given


def configured(part: Any, given: Mapping[str, Any], what: str) -> Any:
    """A part with settings given as they are written, or as values.

    Args:
      part: whose settings to change; it stays as it is.
      given: the settings: `Written`, or values.
      what: the part, for errors: ``the metric 'cka'``.

    Raises:
      WrongUse: it has no such setting, or the value is none for it.
    """
    known = settings_of(part)
    if not known:
        raise WrongUse(
            f"{what[0].upper()}{what[1:]} has no settings, but {', '.join(given)} was given. "
            "Write its name alone."
        )
    values = {}
    for key, value in given.items():
        if key not in known:
            raise UnknownName(f"setting of {what}", key, known)
        written = isinstance(value, Written)
        try:
            values[key] = known[key].read(value.text) if written else known[key].take(value)
        except ValueError as error:
            got = shown(value.text if written else value)
            raise WrongUse(
                f"The setting {key} of {what} wants {known[key]}, but got {got}."
            ) from error
    try:
        return attrs.evolve(part, **values)
    except (ValueError, TypeError) as error:
        pairs = ", ".join(f"{key}={value}" for key, value in values.items())
        raise WrongUse(f"The settings {pairs} do not fit {what}: {one_line(error)}") from error


def _hints(cls: type) -> dict[str, Any]:
    """Types of a class's fields; those that only a type checker can import are left out."""
    try:
        return typing.get_type_hints(cls)
    except Exception:
        plain = {kind.__name__: kind for kind in _PLAIN}
        hints = {f.name: plain.get(f.type, f.type) for f in attrs.fields(cls) if f.type}
        return {name: hint for name, hint in hints.items() if not isinstance(hint, str)}


def _kinds(hint: Any) -> tuple[tuple[type, ...], tuple[Any, ...]]:
    """The plain types and the choices that a type allows; empty where it is not plain."""
    origin = typing.get_origin(hint)
    if origin is Literal:
        return (), typing.get_args(hint)
    if hint in (*_PLAIN, NONE):
        return ((hint,) if hint is not NONE else ()), ()
    if origin not in (typing.Union, types.UnionType):
        return (), ()
    kinds: tuple[type, ...] = ()
    choices: tuple[Any, ...] = ()
    for member in typing.get_args(hint):
        if member is NONE:
            kinds += (NONE,)
            continue
        more, chosen = _kinds(member)
        if not more and not chosen:
            return (), ()
        kinds, choices = kinds + more, choices + chosen
    return kinds, choices
