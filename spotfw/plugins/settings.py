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

from spotfw.errors import UnknownName, WrongUse
from spotfw.plugins.strangers import one_line

_PLAIN: tuple[type, ...] = (bool, int, float, str)
_NONE = type(None)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


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
        wanted = [repr(choice) for choice in self.choices]
        wanted += [word for kind, word in _WORDS.items() if kind in self.kinds]
        return " or ".join(wanted + ["none"] * (_NONE in self.kinds))

    def read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises:
          ValueError: it stands for none.
        """
        word = text.strip().lower()
        for choice in self.choices:
            if str(choice) == text:
                return choice
        if _NONE in self.kinds and word == "none":
            return None
        if bool in self.kinds and word in _TRUE + _FALSE:
            return word in _TRUE
        for kind in (int, float, str):
            if kind in self.kinds:
                try:
                    return kind(text)
                except ValueError:
                    continue
        raise ValueError(text)

    def take(self, value: Any) -> Any:
        """The value given in Python or TOML; a text is read unless texts are wanted.

        Raises:
          ValueError: it is of another type.
        """
        if value in self.choices:
            return value
        if isinstance(value, str):
            return self.read(value)
        if type(value) is int and float in self.kinds and int not in self.kinds:
            return float(value)
        if type(value) in self.kinds:
            return value
        raise ValueError(value)


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


def parse(text: str, what: str) -> dict[str, str]:
    """Keys and values of ``key=value,key=value``.

    Args:
      text: what stands behind the part's name.
      what: the part, for errors.

    Raises:
      WrongUse: it is not written so, or a key stands there twice.
    """
    given: dict[str, str] = {}
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
        given[key] = value
    return given


def configured(part: Any, given: Mapping[str, Any], what: str) -> Any:
    """A part with settings given as texts or values.

    Args:
      part: whose settings to change; it stays as it is.
      given: the settings.
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
        try:
            values[key] = known[key].take(value)
        except ValueError as error:
            raise WrongUse(
                f"The setting {key} of {what} wants {known[key]}, but got {value!r}."
            ) from error
    try:
        return attrs.evolve(part, **values)
    except (ValueError, TypeError) as error:
        shown = ", ".join(f"{key}={value}" for key, value in values.items())
        raise WrongUse(f"The settings {shown} do not fit {what}: {one_line(error)}") from error


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
    if hint in (*_PLAIN, _NONE):
        return ((hint,) if hint is not _NONE else ()), ()
    if origin not in (typing.Union, types.UnionType):
        return (), ()
    kinds: tuple[type, ...] = ()
    choices: tuple[Any, ...] = ()
    for member in typing.get_args(hint):
        if member is _NONE:
            kinds += (_NONE,)
            continue
        more, chosen = _kinds(member)
        if not more and not chosen:
            return (), ()
        kinds, choices = kinds + more, choices + chosen
    return kinds, choices
