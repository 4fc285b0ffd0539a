"""Files in TOML, such as task files and studies: read whole, within bounds, or refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from spotfw.errors import WrongUse
from spotfw.reading import check_values, open_regular

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

#: Bytes of a file that are read at most; ones written by hand have some thousands.
LIMIT = 4 * 2**20


def read_toml(path: Path, what: str, limit: int = LIMIT) -> dict[str, Any]:
    """The top-level table of a TOML file.

    Args:
      path: the file, local.
      what: the kind of file in words, for errors: ``task file``.
      limit: bytes it may have.

    Raises:
      WrongUse: the file is absent or cannot be read, is too large, is not UTF-8, or is not
        valid TOML; the paragraph names the file and, where one is at fault, the line.
    """
    place = f"The {what} {path}"
    try:
        with open_regular(path) as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise WrongUse(f"{place} cannot be read: {error.strerror}. Check the path.") from error
    if len(data) > limit:
        raise WrongUse(
            f"{place} has more than the {limit:,} bytes that are read. Check that it is the right "
            "file."
        )
    try:
        table: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
        check_values(table)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise WrongUse(f"{place} is not UTF-8 in line {line}. Save it as UTF-8.") from error
    except RecursionError as error:
        raise WrongUse(f"{place} is nested too deeply to be read. Write it flatter.") from error
    except ValueError as error:  # also a number of too many digits
        reason = " ".join(str(error).split())
        raise WrongUse(f"{place} is not valid TOML: {reason:.300}. Correct it there.") from error
    return table
