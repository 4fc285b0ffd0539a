"""Records of JSONL, CSV and TSV files, with the line each begins on.

A file is read line by line with bounded memory; a record that cannot be read is given as
the reason why, and reading goes on behind it.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from spotfw.errors import plain
from spotfw.tasks.rows.opening import (
    NotRows,
    check_json_lines,
    file_name,
    how_to_convert,
    open_rows,
)

#: A longer line is not a row of text: it is far beyond any model's input.
LONGEST_LINE = 2**20

_TOO_LONG = f"the line is longer than {LONGEST_LINE:,} bytes"

#: The line a record begins on, from 1, and its cells by column or what is wrong with it.
Record = tuple[int, dict[str, Any] | str]


@attrs.frozen
class UnusableRow:
    """A row that gives no example: where it stands and why."""

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return plain(f"{self.file}:{self.line}: {self.reason}")


#: What `cell` gives of a column that is not there.
ABSENT = object()


def cell(record: Mapping[str, Any], column: str) -> Any:
    """A column's value; ``answers.text`` reaches into JSON objects, ``options.0`` into lists."""
    if column in record:
        return record[column]
    value: Any = record
    for part in column.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def json_records(stream: BinaryIO) -> Iterator[Record]:
    """Records of JSON lines; blank lines are passed over.

    Raises:
      NotRows: the file is none of JSON lines as a whole; see `spotfw.tasks.rows.opening`.
    """
    first = True
    for number, start, line in _lines(open_rows(stream)):
        if line is not None and not line.strip():
            continue
        if first:
            check_json_lines(line, start, stream)
            first = False
        yield number, _TOO_LONG if line is None else _json_record(line)


def csv_records(
    stream: BinaryIO,
    *,
    tabs: bool,
    columns: Sequence[str],
    check_header: Callable[[list[str]], None],
) -> Iterator[Record]:
    """Records of CSV or tab-separated lines; blank lines are passed over.

    In CSV a quoted cell may hold commas, doubled quotation marks and line breaks. In TSV,
    as corpora have it, a quotation mark is a character like any other.

    Args:
      stream: the file.
      tabs: whether it is TSV.
      columns: names of the columns; empty when the first line gives them.
      check_header: called with the first line's names.

    Raises:
      NotRows: the file is no text as a whole, or its first line is not UTF-8.
    """
    lines = _CsvLines(open_rows(stream))
    if tabs:
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, strict=True)
    header = list(columns)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # An unclosed quotation mark swallows good lines: name the one it opens on only.
            number, too_long = lines.retry_after_first()
            yield number, _TOO_LONG if too_long else f"not valid CSV ({error})"
            continue
        number, too_long = lines.first()
        if too_long:
            yield number, _TOO_LONG
        elif not cells:
            continue
        elif not header:
            _check_encoding(",".join(cells), number, stream)
            check_header(cells)
            header = cells
        elif len(cells) != len(header):
            yield number, f"{len(cells)} cells where there are {len(header)} columns"
        else:
            yield number, dict(zip(header, cells, strict=True))


#: What stands between columns in files that are none of their suffix.
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "upright bars", ",": "commas"}


def refuse_other_separator(file: str, names: Sequence[str]) -> None:
    """Refuses a first line that is one name, with another separator in it.

    Raises:
      NotRows: it is.
    """
    others = [word for mark, word in _SEPARATORS.items() if len(names) == 1 and mark in names[0]]
    if others:
        raise NotRows(
            f"The first line of {file} has {others[0]} between its columns. Write the file with "
            "commas (.csv) or tabs (.tsv), with the suffix of what it has."
        )


def _check_encoding(names: str, number: int, stream: BinaryIO) -> None:
    """Refuses names of columns that are not UTF-8, by which no column could be asked for."""
    try:
        names.encode()
    except UnicodeEncodeError as error:
        place = len(names[: error.start].encode()) + 1
        raise NotRows(
            f"{file_name(stream)} is not UTF-8: line {number}, which names its columns, has a "
            f"wrong byte near place {place}. {how_to_convert(stream)}"
        ) from None


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Numbered lines, the beginning of each, and all of it, None where it is too long.

    A line may have `LONGEST_LINE` bytes.
    """
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, line[:64], None
        else:
            yield number, line[:64], line


def _json_record(line: bytes) -> dict[str, Any] | str:
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.start + 1})"
    except json.JSONDecodeError as error:
        return f"not valid JSON ({error.msg}, column {error.colno})"
    except (ValueError, RecursionError) as error:  # a giant number; brackets without end
        return f"not readable as JSON ({type(error).__name__})"
    return record if isinstance(record, dict) else "not a JSON object"


class _CsvLines:
    """Lines for `csv.reader`, which remember what the record at hand took."""

    def __init__(self, stream: BinaryIO) -> None:
        self._source = _lines(stream)
        self._again: deque[tuple[int, bytes | None]] = deque()
        self._taken: list[tuple[int, bytes | None]] = []

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        if self._again:
            item = self._again.popleft()
        else:
            number, _, line = next(self._source)
            item = number, line
        self._taken.append(item)
        # Bytes that are not UTF-8 pass as lone surrogates and are found in the cells.
        return "" if item[1] is None else item[1].decode(errors="surrogateescape")

    def begin(self) -> None:
        """A record begins with the next line."""
        self._taken = []

    def first(self) -> tuple[int, bool]:
        """The line the record begins on, and whether a line of it was too long."""
        return self._taken[0][0], any(line is None for _, line in self._taken)

    def retry_after_first(self) -> tuple[int, bool]:
        """As `first`; the lines behind the record's first are given again."""
        first = self._taken[0][0], self._taken[0][1] is None
        self._again.extendleft(reversed(self._taken[1:]))
        return first
