"""A corpus on the disk: every line and its tokens, of which no more than is asked for is in memory.

A prepared folder has, for the training part and for the lines held out, the lines (``.txt``),
where each ends (``.ends``), the tokens of all lines one after the other (``.tokens``) and how many
each line has (``.lengths``); ``index.json`` says which lines are of which source.
"""

from __future__ import annotations

import contextlib
import json
import lzma
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import attrs
import numpy as np
import numpy.typing as npt
import sentencepiece

from spotfw import files
from spotfw.errors import SpotError, WrongUse
from spotfw_english.pretraining.wording import dressed

PARTS = ("train", "heldout")
#: Every so manieth line of a source is held out.
HELD_OUT = 200
#: Lines that are tokenised at once.
_AT_ONCE = 2_000
#: Characters of a line at most; what is longer is cut.
_LONGEST = 1_000_000


@attrs.frozen(eq=False)
class Lines(Sequence[str]):
    """Lines of one source, read when asked for.

    Attributes:
      text: bytes of all lines of the part.
      ends: where each of the part's lines ends.
      first, last: the lines of this source, the last one not included.
    """

    text: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        line = self.first + number % len(self)
        begin = int(self.ends[line - 1]) if line else 0
        return self.text[begin : int(self.ends[line])].tobytes().decode()


@attrs.frozen(kw_only=True, eq=False)
class Corpus:
    """One part of a prepared corpus.

    Attributes:
      lines: by source.
      tokens: of all lines, dressed, without ends.
      lengths: tokens of each line.
    """

    lines: Mapping[str, Lines]
    tokens: npt.NDArray[np.uint16]
    lengths: npt.NDArray[np.int32]


def find_sources(folder: Path) -> dict[str, Path]:
    """Files of lines in a folder, ``NAME.txt`` or ``NAME.txt.xz``, by name.

    Raises:
      WrongUse: there is none.
    """
    paths = sorted((*folder.glob("*.txt"), *folder.glob("*.txt.xz")))
    if not paths:
        raise WrongUse(
            f"There is no text in {folder}. Put files NAME.txt or NAME.txt.xz there, in UTF-8, one "
            "paragraph or dialogue a line."
        )
    return {path.name.split(".txt")[0]: path for path in paths}


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a file that are not blank.

    Raises:
      SpotError: it cannot be read, or is not UTF-8.
    """
    try:
        kind = lzma.open if path.suffix == ".xz" else open
        with kind(path, "rt", encoding="utf-8") as stream:
            while line := stream.readline(_LONGEST):
                if line := line.strip():
                    yield line
    except (OSError, EOFError, UnicodeDecodeError, lzma.LZMAError) as error:
        raise SpotError(f"The text {path} cannot be read: {error}. It must be UTF-8.") from error


def prepare(sources: Mapping[str, Path], vocabulary: Path, folder: Path) -> None:
    """Tokenises files of lines into a prepared folder, which appears when it is whole.

    Raises:
      SpotError: a source cannot be read, or there are too few lines to hold any out.
    """
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    with files.new_folder(folder) as made:
        with contextlib.ExitStack() as stack:
            writers = {part: _Writer(stack, made, part) for part in PARTS}
            for name, path in sources.items():
                rng = random.Random(name)
                numbered = enumerate(read_lines(path))
                while some := list(islice(numbered, _AT_ONCE)):
                    ids = pieces.encode([dressed(line, rng) for _, line in some])
                    for (number, line), tokens in zip(some, ids, strict=True):
                        part = PARTS[number % HELD_OUT == 0]
                        writers[part].add(name, line, tokens)
        index = {part: writer.counts for part, writer in writers.items()}
        if not all(index[part] for part in PARTS):
            raise SpotError(
                f"The text has no line beside those held out (every {HELD_OUT}th of a file). Give "
                "more lines."
            )
        files.write_atomically(made / "index.json", json.dumps(index, indent=1).encode())


def open_corpus(folder: Path, part: str) -> Corpus:
    """One of `PARTS` of a prepared folder.

    Raises:
      SpotError: it is not there or damaged.
    """
    try:
        counts = json.loads(files.read_bytes(folder / "index.json"))[part]
        text = np.memmap(folder / f"{part}.txt", np.uint8, mode="r")
        ends = np.memmap(folder / f"{part}.ends", np.int64, mode="r")
        tokens = np.memmap(folder / f"{part}.tokens", np.uint16, mode="r")
        lengths = np.memmap(folder / f"{part}.lengths", np.int32, mode="r")
        if not len(ends) == len(lengths) == sum(counts.values()):
            raise ValueError("files of different lengths")
    except (OSError, ValueError, KeyError) as error:
        raise SpotError(
            f"The prepared corpus {folder} is damaged: {error}. Remove it, and run again."
        ) from error
    lines, first = {}, 0
    for name, count in counts.items():
        lines[name] = Lines(text, ends, first, first + count)
        first += count
    return Corpus(lines=lines, tokens=tokens, lengths=lengths)


class _Writer:
    """Writes a part line by line; lines of a source must come together."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, part: str) -> None:
        def opened(kind: str) -> IO[bytes]:
            return stack.enter_context((folder / f"{part}.{kind}").open("wb"))

        self._text, self._ends = opened("txt"), opened("ends")
        self._tokens, self._lengths = opened("tokens"), opened("lengths")
        self._end = 0
        self.counts: dict[str, int] = {}

    def add(self, source: str, line: str, tokens: Sequence[int]) -> None:
        data = line.encode()
        self._end += len(data)
        self.counts[source] = self.counts.get(source, 0) + 1
        self._text.write(data)
        self._ends.write(np.int64(self._end).tobytes())
        self._tokens.write(np.asarray(tokens, np.uint16).tobytes())
        self._lengths.write(np.int32(len(tokens)).tobytes())
