"""The seconds of a wait in a terminal: drawn, taken away, and never left behind."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from spotfw.cli import display, streams
from spotfw.cli.display import end_wait, note, note_wait, say, waiting
from spotfw.recipe.progress import bars, clock
from spotfw.recipe.progress.bars import Progress


class Screen(io.StringIO):
    """A terminal that says when seconds have been drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        size = super().write(text)
        if text.endswith(" s\r"):
            self.drawn.set()
        return size

    def left(self) -> str:
        """What can be read at the end: behind the last line taken away."""
        return self.getvalue().rpartition("\x1b[2K")[2]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    made = Screen()
    # Pytest puts streams of its own into sys before each test.
    surroundings = SimpleNamespace(stdout=made, stderr=made, modules=sys.modules)
    for module in (bars, display):
        monkeypatch.setattr(module, "sys", surroundings)
    begin = clock.begin
    monkeypatch.setattr(clock, "begin", lambda stream: begin(stream, every=0.005))
    yield made
    clock.end()


def test_seconds_are_drawn_until_the_next_note(screen: Screen) -> None:
    note_wait("Loading ...")
    assert screen.drawn.wait(60)
    assert screen.getvalue().startswith("Loading ...\n\x1b[2K  0 s\r")
    note("Loaded.")
    assert screen.left() == "Loaded.\n"
    assert not clock._RUNNING


@pytest.mark.parametrize("ends", ["block", "bar", "result", "interrupt"])
def test_whatever_comes_next_ends_them(screen: Screen, ends: str) -> None:
    if ends == "block":
        with waiting("Loading ..."):
            assert screen.drawn.wait(60)
    else:
        note_wait("Loading ...")
        assert screen.drawn.wait(60)
    if ends == "bar":
        with Progress("tune", 10):
            assert not clock._RUNNING
    elif ends == "result":
        say("a result")
    elif ends == "interrupt":
        with pytest.raises(KeyboardInterrupt):
            streams._Interrupts()(2, None)
    assert not clock._RUNNING
    if ends != "bar":
        assert screen.left() == ("a result\n" if ends == "result" else "")


def test_nothing_is_drawn_below_a_bar_or_where_no_terminal_is(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Progress("tune", 10):
        note_wait("Building ...")
        assert not clock._RUNNING
    monkeypatch.setattr(screen, "isatty", lambda: False)
    note_wait("Loading ...")
    assert not clock._RUNNING
    assert screen.getvalue().endswith("Loading ...\n")


def test_a_log_of_what_takes_seconds_begins_and_ends_them(screen: Screen) -> None:
    handler = streams._Notes()

    def log(level: int, text: str, name: str = "spotfw.waiting") -> None:
        handler.emit(logging.LogRecord(name, level, __file__, 1, text, (), None))

    log(logging.INFO, "Building the graph ...")
    assert screen.drawn.wait(60)
    log(logging.INFO, "no news", "spotfw.other")
    assert clock._RUNNING
    log(logging.DEBUG, "The graph is built.")
    assert not clock._RUNNING
    assert (screen.getvalue().count("Building"), "is built" in screen.getvalue()) == (1, False)
    log(logging.WARNING, "Take care.", "spotfw.other")
    assert screen.getvalue().endswith("Take care.\n")


def test_a_process_is_not_kept_alive_and_a_fork_waits_for_nothing(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_wait("Loading ...")
    (ticking,) = clock._RUNNING
    (thread,) = [t for t in threading.enumerate() if t.name == "spotfw-clock"]
    assert thread.daemon
    with ticking._lock:  # as a fork finds it that was made while something was drawn
        monkeypatch.setattr(os, "getpid", lambda: -1)
        taken = threading.Thread(target=end_wait)
        taken.start()
        taken.join(60)
        assert not taken.is_alive()
    thread.join(60)
    assert not thread.is_alive()


def test_a_terminal_that_breaks_ends_them(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> int:
        raise OSError(28, "No space left on device")

    note_wait("Loading ...")
    (thread,) = [t for t in threading.enumerate() if t.name == "spotfw-clock"]
    monkeypatch.setattr(screen, "write", broken)
    thread.join(60)
    assert not thread.is_alive()
    end_wait()


def test_a_traceback_s_lines_go_over_them(screen: Screen) -> None:
    """The cursor stays at the start of the line that the seconds are in."""
    pyte: Any = pytest.importorskip("pyte", reason="pyte, which draws terminals, is not installed")
    note_wait("Loading ...")
    assert screen.drawn.wait(60)
    end_wait()
    shown = pyte.Screen(40, 3)
    stream = pyte.Stream(shown)
    stream.feed("Loading ...\r\n\x1b[2K  3 s\rTraceback (most recent call last):\r\n")
    assert [line.rstrip() for line in shown.display] == [
        "Loading ...",
        "Traceback (most recent call last):",
        "",
    ]
