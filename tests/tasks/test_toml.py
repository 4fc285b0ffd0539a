"""TOML files are read within bounds, and what is wrong is one paragraph for all kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spotfw.errors import WrongUse
from spotfw.study import read_study
from spotfw.tasks.tables.document import read_document
from spotfw.tasks.toml import LIMIT, read_toml


def test_a_table_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + 'name = "ü"\n[splits]\ntrain = "x"\n'.encode())
        assert read_toml(path, "file") == {"name": "ü", "splits": {"train": "x"}}


FAULTS = [
    (None, "cannot be read: No such file"),
    (b"a = 1\nb = '\xfc'\n", "not UTF-8 in line 2. Save it as UTF-8."),
    (b"a = 1\nb = \n", "not valid TOML: .*line 2"),
    (b"a = 1\na = 2\n", "not valid TOML: .*line 2"),
    (b"a = " + b"9" * 5000, "not valid TOML: "),
    (b"a = " + b"[" * 100_000, "nested too deeply"),
    (b"#" * (LIMIT + 1), "more than the 4,194,304 bytes"),
]


@pytest.mark.parametrize(("what", "read"), [("task file", read_document), ("study", read_study)])
@pytest.mark.parametrize(("content", "said"), FAULTS)
def test_every_kind_of_file_says_the_same(
    tmp_path: Path, what: str, read: Callable[[Path], Any], content: bytes | None, said: str
) -> None:
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongUse, match=said) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"The {what} {path} ")
    assert text.endswith(".") and "\n" not in text


def test_a_folder_and_a_file_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read: it is a folder"):
        read_toml(tmp_path, "file")
    with pytest.raises(WrongUse, match="cannot be read: it is a device"):
        read_toml(Path("/dev/zero"), "file")
