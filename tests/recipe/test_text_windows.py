"""A text's windows: the words that `str.split` gives, cut where they always were, held once."""

from __future__ import annotations

import hashlib
import json
import re
import tracemalloc

import pytest

from spotfw.recipe.text_windows import HELD_OUT, CutWindows, TextWindows

#: All that `str.isspace` knows, but for the end of a line.
SPACES = (
    "\t\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def _text() -> str:
    """Words of one to four bytes a character, all spaces, blank lines of each kind."""
    parts = []
    for n in range(1200):
        word = f"w{n}" + "é" * (n % 7 == 0) + "日本" * (n % 11 == 0) + "\U0001f600" * (n % 13 == 0)
        space = SPACES[n % len(SPACES)]
        between = space * (1 + n % 3)
        if n % 17 == 16:
            between = f"\n{space * (n % 5)}{SPACES[n % 3]}\n"
        elif n % 19 == 18:
            between = "\n\n\n" if n % 2 else "\n"
        parts += [word, between]
    return "".join(parts) + "\n \n alone \n\n"


def _windows(text: str, words: int) -> list[list[str]]:
    """The same in the simplest way."""
    windows = []
    for paragraph in re.split(r"\n[^\S\n]*\n", text):
        split = paragraph.split()
        windows += [split[first : first + words] for first in range(0, len(split), words)]
    return [window for window in windows if len(window) >= 2]


@pytest.mark.parametrize("words", [2, 3, 8, 500])
def test_windows_are_of_the_words_that_splitting_gives(words: int) -> None:
    windows = TextWindows(_text().encode(), words)
    expected = _windows(_text(), words)
    assert [windows[number] for number in range(len(windows))] == expected
    assert len(expected) > 10


def test_a_byte_order_mark_is_no_word() -> None:
    windows = TextWindows("\ufeffone two".encode(), 4)
    assert [*windows[0]] == ["one", "two"]


def test_examples_are_those_of_spotfw_before_it_held_places() -> None:
    # Worked out by the code that held a list of words, and a list of examples.
    windows = TextWindows(_text().encode(), 8)
    rows = [
        [example.inputs, example.targets]
        for held_out in (False, True)
        for example in CutWindows(windows, held_out=held_out)
    ]
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    assert digest[:32] == "5836858a7874b78498e1bdb84a21d8e8"


def test_every_so_manyth_window_is_held_out_and_no_other() -> None:
    windows = TextWindows(" ".join(map(str, range(2 * 45))).encode(), 2)
    held_out, train = (CutWindows(windows, held_out=which) for which in (True, False))
    assert (len(held_out), len(train)) == (3, 42)
    assert [int(e.inputs) // 2 for e in held_out] == [0, HELD_OUT, 2 * HELD_OUT]
    assert [int(e.inputs) // 2 for e in train] == [n for n in range(45) if n % HELD_OUT]
    assert train[-1] == [*train][-1]
    assert train[1:3] == [train[1], train[2]]
    with pytest.raises(IndexError):
        train[42]


def test_a_text_is_held_once() -> None:
    data = "\n\n".join(" ".join(f"w{n}" for n in range(200)) for _ in range(500)).encode()
    tracemalloc.start()
    windows = TextWindows(data, 32)
    rows = CutWindows(windows, held_out=False)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows) > 3000
    # The bytes themselves are the caller's; words as strings would be over ten times as much.
    assert held < 0.2 * len(data)
    assert peak < 0.5 * len(data)


def test_lines_of_blanks_take_no_time_that_grows_with_their_square() -> None:
    data = b"a b\n" + b" " * 300_000 + "\u2003".encode() * 100_000 + b"c d"
    assert len(TextWindows(data, 8)) == 1
