"""Mutators: of bytes, of JSON, of lines of text, and of the file that should be there."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from random import Random
from typing import Any

#: Written outside of a case's folder; whoever shows it has reached there.
SECRET = "canary-3f1c9e"

#: Text in place of a value: what a terminal, a shell, a template or a path would act on.
TEXTS = (
    "",
    " ",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\x9b31m",
    "a\u202eb",
    "line\nbreak\rreturn",
    "nul\0",
    "\udc80",
    "x" * 100_000,
    "../../outside/secret.txt",
    "/etc/passwd",
    "~/secret.txt",
    "$HOME/secret.txt",
    "${HOME}",
    "%(name)s",
    "{0.__class__}",
    "{}",
    "{text.__class__.__mro__}",
    "@canary_code()",
    "%canary",
    "../outside/secret.txt",
    "gs://canary/none",
    "nan",
    "inf",
    "-1",
    "\u0661",
    "'; drop table",
    ".",
    "..",
    "con:",
    "=1+1",
)

NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    10**9,
    10**30,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    -0.0,
)

#: JSON text that a serializer would not write.
RAW = (
    "9" * 5000,
    "-" + "9" * 5000,
    "1" * 400,
    "1e999",
    "NaN",
    "-Infinity",
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 50_000 + "1" + "}" * 50_000,
    "tru",
    '"\\ud800"',
    '"\\u0000"',
    '{"a": 1, "a": 2}',
    "",
    ",",
    "0x10",
    "'single'",
)


def value(random: Random) -> Any:
    """A value that JSON can hold and nobody expects."""
    kind = random.randrange(6)
    if kind == 0:
        return random.choice(NUMBERS)
    if kind == 1:
        return random.choice(TEXTS)
    if kind == 2:
        return random.choice((None, True, False))
    if kind == 3:
        return random.choice(([], [[]], [None], [1, "two"], list(range(1000))))
    if kind == 4:
        return random.choice(({}, {"": 1}, {"a": {"b": {"c": []}}}, {"__class__": "x"}))
    return deep(random.choice((20, 200, 900)))


def deep(levels: int) -> Any:
    """Lists in lists."""
    made: Any = 1
    for _ in range(levels):
        made = [made]
    return made


_HOLE = "\u0001hole\u0001"


def json_text(random: Random, document: Any) -> tuple[bytes, str]:
    """A JSON document with one to three things changed, as bytes, and what was done."""
    try:
        changed = json.loads(json.dumps(document))
        changes = []
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            changed, what = _json_once(random, changed)
            changes.append(what)
        text = json.dumps(changed)
    except RecursionError:  # lists in lists in lists
        return json_text(random, document)
    if json.dumps(_HOLE) in text:
        raw = random.choice(RAW)
        text = text.replace(json.dumps(_HOLE), raw)
        changes.append(f"raw {raw[:20]}")
    return text.encode("utf-8", "surrogatepass"), "; ".join(changes)


def _json_once(random: Random, document: Any) -> tuple[Any, str]:
    places = list(_places(document))
    path = random.choice(places)
    act = random.choice(("set", "set", "set", "raw", "drop", "rename", "nudge", "add", "swap"))
    if not path:
        return (_HOLE, "all raw") if act == "raw" else (value(random), "all replaced")
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    last, at = path[-1], "/".join(map(str, path))
    old = parent[last]
    if act == "drop":
        del parent[last]
    elif act == "raw":
        parent[last] = _HOLE
    elif act == "rename" and isinstance(parent, dict):
        del parent[last]
        parent[random.choice((*(t for t in TEXTS if len(t) < 99), last + "x"))] = old
    elif act == "nudge" and isinstance(old, (int, float)) and not isinstance(old, bool):
        parent[last] = old + random.choice((-1, 1, 0.5, 10**12))
    elif act == "nudge" and isinstance(old, str):
        spot = random.randrange(len(old) + 1)
        parent[last] = old[:spot] + random.choice("0afx._/:\x1b") + old[spot + 1 :]
    elif act == "add" and isinstance(parent, dict):
        parent[random.choice(TEXTS[:12])] = value(random)
    elif act == "swap":
        other = random.choice(places)
        copied = document
        for key in other:
            copied = copied[key]
        parent[last] = json.loads(json.dumps(copied))
    else:
        parent[last] = value(random)
    return document, f"{act} {at}"


def _places(document: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document[:50])
    for key, inner in items:
        yield from _places(inner, (*path, key))


def damaged(random: Random, data: bytes) -> tuple[bytes, str]:
    """Bytes with one to four things changed, and what was done."""
    out = bytearray(data)
    changes = []
    for _ in range(random.choice((1, 1, 2, 4))):
        size = len(out)
        spot = random.randrange(size + 1)
        # Where a format says most, at its start and its end, twice as often.
        spot = random.choice((spot, spot, min(spot, random.randrange(128)), max(0, size - 40)))
        act = random.choice(
            ("flip", "set", "cut", "drop", "insert", "double", "zero", "number", "swap")
        )
        end = min(size, spot + random.choice((1, 2, 4, 8, 64, 1024)))
        if act == "flip" and spot < size:
            out[spot] ^= 1 << random.randrange(8)
        elif act == "set" and spot < size:
            out[spot] = random.choice((0, 255, 0x80, 0x0A, 0x22, random.randrange(256)))
        elif act == "cut":
            del out[spot:]
        elif act == "drop":
            del out[spot:end]
        elif act == "insert":
            out[spot:spot] = random.randbytes(random.choice((1, 8, 100)))
        elif act == "double":
            out[spot:spot] = out[spot:end]
        elif act == "zero":
            out[spot:end] = bytes(end - spot)
        elif act == "number":
            width = random.choice((2, 4, 8))
            number = random.choice((0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1))
            out[spot : spot + width] = (number % 2 ** (8 * width)).to_bytes(width, "little")
        elif act == "swap":
            other = random.randrange(size + 1)
            out[spot:end], out[other : other + end - spot] = (
                out[other : other + end - spot],
                out[spot:end],
            )
        changes.append(f"{act} at {spot}")
    return bytes(out), "; ".join(changes)


#: Values as TOML or gin may write them, and as they may not.
TOML_VALUES = (
    "1",
    "-1",
    "0.5",
    "nan",
    "inf",
    "true",
    '""',
    '"text"',
    "[]",
    "{}",
    "[1, 2]",
    '["a", "a"]',
    '["a", 1]',
    '{a = 1, b = {c = "d"}}',
    "2024-01-01",
    "07:32:00",
    "0x7f",
    "9" * 5000,
    "1e999",
    "[" * 400 + "]" * 400,
    "[" * 20_000 + "]" * 20_000,
    "{a=" * 300 + "1" + "}" * 300,
    '"\\u0000"',
    '"\\u001b[31m"',
    '"""\nline\n"""',
    "'~/secret.txt'",
    "'../outside/secret.txt'",
    "'/etc/passwd'",
    "'$HOME/secret.txt'",
    "'{text.__class__}'",
    "'{0}'",
    "'{text!r:>99999999}'",
    "'{text[0]}'",
    "'{'",
    '"' + "x" * 100_000 + '"',
    "",
    "@canary_code()",
)


def toml_text(random: Random, text: str) -> tuple[bytes, str]:
    """Lines of ``key = value`` with one to three things changed, and what was done."""
    lines = text.splitlines()
    changes = []
    for _ in range(random.choice((1, 1, 2, 3))):
        spot = random.randrange(len(lines)) if lines else 0
        act = random.choice(("value", "value", "value", "key", "drop", "double", "move", "bytes"))
        line = lines[spot] if lines else ""
        key, sign, _ = line.partition("=")
        if act == "value" and sign:
            lines[spot] = f"{key.rstrip()} = {random.choice(TOML_VALUES)}"
        elif act == "key" and sign:
            new = random.choice(("x", '"\\u001b[31m"', '""', "a.b.c", key.strip() + "s", '"a b"'))
            lines[spot] = line.replace(key.strip(), new, 1)
        elif act == "drop" and lines:
            del lines[spot]
        elif act == "double":
            lines.insert(spot, line)
        elif act == "move" and lines:
            lines.insert(random.randrange(len(lines)), lines.pop(spot))
        else:
            data, what = damaged(random, "\n".join(lines).encode("utf-8", "surrogateescape"))
            lines = data.decode("utf-8", "surrogateescape").splitlines()
            act = what
        changes.append(f"{act} in line {spot + 1}")
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"), "; ".join(changes)


def other_thing(random: Random, path: Path) -> str:
    """Puts something else where a file should be; returns what."""
    kind = random.choice(
        ("nothing", "empty", "folder", "pipe", "zeros", "loop", "sparse", "socket", "text", "full")
    )
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            inner.unlink()
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    if kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    elif kind == "full":
        path.symlink_to("/dev/full")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "sparse":
        with path.open("wb") as stream:
            stream.truncate(3 * 2**30)
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path is short
        try:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path.name)
        finally:
            os.chdir(here)
    elif kind == "text":
        path.write_text("this is no such file\n" * 3)
    return f"{kind} for {path.name}"


def pick(random: Random, path: Path, data: bytes) -> str:
    """One file either damaged or replaced by another thing; writes it, returns what was done."""
    if random.random() < 0.12:
        return other_thing(random, path)
    changed, what = damaged(random, data)
    path.write_bytes(changed)
    return f"{path.name}: {what}"
