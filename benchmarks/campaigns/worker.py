"""A process that runs cases one by one and tells what came of each, a JSON line a case.

Whatever a case does is watched: Python's audit hook sees files opened, processes started and
modules imported; an alarm ends what takes too long; the peak of memory is read afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from benchmarks.campaigns import limits
from benchmarks.campaigns.mutate import SECRET
from benchmarks.campaigns.verdict import (
    CRASH,
    GARBLED,
    HANG,
    MEMORY,
    REACH,
    REFUSED,
    TAKEN,
    WRONG,
    Case,
    Format,
    Shown,
    WrongValue,
)

#: What a stranger's text may try to import; importing it is a fault.
MODULE = "canary_code"
#: Started or called by nobody who only reads a file.
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn")
_WRITES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.symlink")


class Late(BaseException):
    """The case took too long."""


class Watch:
    """What a case touched that it may not; on only within `case`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.on = False
        self.reached: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in _STARTS:
            self.reached.append(f"{event} {str(arguments)[:80]}")
        elif event == "import" and arguments[0] == MODULE:
            self.reached.append(f"import {MODULE}")
        elif event == "socket.connect":
            self.reached.append(f"connects to {str(arguments[1])[:60]}")
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            writing = bool(
                isinstance(arguments[2], int)
                and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            )
            if path.startswith(str(self.root / "outside")) or path in ("/etc/passwd",):
                self.reached.append(f"opens {os.path.basename(path)} outside")
            elif writing and not self._allowed(path):
                self.reached.append(f"writes {path}")
        elif event in _WRITES and isinstance(arguments[0], (str, os.PathLike)):
            # The link itself is removed or renamed, not what it points to.
            place, name = os.path.split(os.path.abspath(os.fspath(arguments[0])))
            if not self._allowed(os.path.join(os.path.realpath(place), name)):
                self.reached.append(f"{event} of {name}")

    def _allowed(self, path: str) -> bool:
        inner = str(self.root / "case")
        return path.startswith((inner, "/dev/", "/proc/self")) or "__pycache__" in path


def run(campaign: Format, seed: int, numbers: Iterator[int] | list[int], tell: Any) -> None:
    """Runs the cases; `tell` is called with a dict before and after each."""
    root = Path(tempfile.mkdtemp(prefix="spotfw-campaign-")).resolve()
    try:
        _surroundings(root)
        sound = campaign.prepare(root / "sound")
        watch = Watch(root)
        limits.install(_late)
        _limit_memory(campaign.megabytes)
        for number in numbers:
            case = root / "case"
            case.mkdir()
            what = _made(campaign, seed, number, case, sound)
            tell({"begun": number, "what": what[:300]})
            tell(_as_dict(_run_case(campaign, number, what, case, sound, watch)))
            _remove(case)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _made(campaign: Format, seed: int, number: int, case: Path, sound: Any) -> str:
    """Places and changes a case; what cannot be made is drawn again."""
    for again in range(20):
        random = Random(f"{campaign.name}/{seed}/{number}" + f"/{again}" * bool(again))
        campaign.place(case, sound)
        try:
            return campaign.change(random, case, sound) if number else "nothing"
        except Exception:
            if again == 19:
                raise
            _remove(case)
            case.mkdir()
    raise AssertionError


def _surroundings(root: Path) -> None:
    for name in ("outside", "sound", "home"):
        (root / name).mkdir()
    (root / "outside" / "secret.txt").write_text(f"{SECRET}\n" * 3)
    (root / "home" / "secret.txt").write_text(f"{SECRET}\n" * 3)
    work = root / "outside" / "work"
    work.mkdir()
    (work / f"{MODULE}.py").write_text(f"open({str(work / 'ran')!r}, 'w').close()\n")
    os.chdir(work)
    sys.path.insert(0, str(work))
    os.environ["HOME"] = str(root / "home")
    os.environ["XDG_CONFIG_HOME"] = str(root / "case" / "config")
    for name in ("SPOTFW_TASKS", "SPOTFW_DATA", "SPOTFW_LIBRARY", "SPOTFW_PLUGINS"):
        os.environ.pop(name, None)


def _limit_memory(megabytes: int) -> None:
    """Beyond what is read as a fault there is a hard end, so that no case takes the machine."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (megabytes + 1500) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_files(size: int | None) -> None:
    """What a case writes is small; makers of cases may write more (with holes)."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def _late(_: int, __: FrameType | None) -> None:
    raise Late


def _memory(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def _run_case(
    campaign: Format, number: int, what: str, case: Path, sound: Any, watch: Watch
) -> Case:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before, began = _memory("VmRSS"), time.monotonic()
    verdict, detail = TAKEN, ""
    shown: Shown | None = None
    text = ""
    watch.reached.clear()
    watch.on = True
    _limit_files(2**28)
    limits.start(campaign.seconds)
    try:
        shown = campaign.take(case, sound)
    except Late:
        verdict, detail = HANG, f"no end after {campaign.seconds:g} s"
    except WrongValue as error:
        verdict, detail = WRONG, str(error)
    except MemoryError:
        verdict, detail = MEMORY, "MemoryError"
    except BaseException as error:  # whatever it is, it must be one for users
        verdict, detail, text = _raised(error)
    finally:
        limits.start(0)
        watch.on = False
        _limit_files(None)
    seconds = time.monotonic() - began
    grown = _memory("VmHWM") - before
    if shown is not None and verdict == TAKEN:
        verdict, detail = _judged(shown)
        text = shown.out + shown.err
    if verdict in (TAKEN, REFUSED):
        if watch.reached or (case.parent / "outside" / "work" / "ran").exists():
            (case.parent / "outside" / "work" / "ran").unlink(missing_ok=True)
            verdict, detail = REACH, (watch.reached or ["code was run"])[0]
        elif SECRET in text:
            verdict, detail = REACH, "shows what lies outside"
        elif grown > campaign.megabytes:
            verdict, detail = MEMORY, "more memory than the file may ask for"
        elif bad := _control(text):
            verdict, detail = GARBLED, f"prints {bad}"
    return Case(
        number=number,
        what=what[:300],
        verdict=verdict,
        detail=detail[:500],
        seconds=round(seconds, 3),
        megabytes=round(max(grown, 0.0), 1),
    )


def _raised(error: BaseException) -> tuple[str, str, str]:
    from spotfw.errors import SpotError

    if isinstance(error, SpotError):
        text = str(error)
        if not text.strip() or len(text) > 20_000:
            return GARBLED, f"a message of {len(text)} characters", text
        return REFUSED, "", text
    where = traceback.extract_tb(error.__traceback__)
    ours = next((f for f in reversed(where) if "/spotfw/" in f.filename), where[-1])
    place = f"{ours.filename.rpartition('/spotfw/')[2]}:{ours.name}"
    return CRASH, f"{type(error).__name__} in {place}: {' '.join(str(error).split())[:200]}", ""


def _judged(shown: Shown) -> tuple[str, str]:
    text = " ".join(shown.err.split())
    if "something unforeseen" in text:
        what = text.partition("something unforeseen happened (")[2]
        return CRASH, f"{what.partition(':')[0]} by the command: {what[:300]}"
    if "Traceback" in text:
        return CRASH, f"a traceback is printed: {text[-300:]}"
    if len(shown.err) > 40_000:
        return GARBLED, f"a message of {len(shown.err)} characters"
    return (TAKEN if shown.status == 0 else REFUSED), ""


def _control(text: str) -> str | None:
    """The first character that a terminal acts on, or that cannot be written at all."""
    for character in text:
        code = ord(character)
        if (code < 32 and character not in "\n\t") or 127 <= code < 160:
            return f"the control character {code:#04x}"
        if 0xD800 <= code < 0xE000:
            return "half a surrogate pair"
        if character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            return f"the direction mark {code:#06x}"
    return None


def _as_dict(case: Case) -> dict[str, Any]:
    import attrs

    return attrs.asdict(case)


def _remove(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.chmod(0o700)
    shutil.rmtree(folder)


def main() -> None:
    """``python -m benchmarks.campaigns.worker NAME SEED FIRST LAST``: for `driver`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    name, seed, first, last = sys.argv[1], *map(int, sys.argv[2:5])
    out = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)

    def tell(line: dict[str, Any]) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()

    from benchmarks.campaigns.formats import FORMATS

    run(FORMATS[name], seed, list(range(first, last)), tell)


if __name__ == "__main__":
    main()
