"""Commands whose standard streams are closed, full, broken, or hold bytes of no encoding."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from benchmarks.campaigns.verdict import CRASH, HANG, REFUSED, TAKEN, WRONG, Case

_SECONDS = 180.0

#: What a stream may be.
_OUT = ("closed", "full", "broken", "null", "file")
_IN = ("closed", "null", "bytes", "folder", "broken")

_COMMANDS = (
    ("--help",),
    ("--version",),
    ("plugins", "list"),
    ("plugins", "list", "--json"),
    ("library", "list"),
    ("library", "list", "--json"),
    ("library", "verify"),
    ("library", "show", "nothing"),
    ("tasks", "list", "--json"),
    ("models", "list"),
    ("no", "such", "command"),
    ("library", "remove", "nothing"),
)


def cases(count: int, seed: int) -> Iterator[Case]:
    """Quick commands, each with drawn streams; a tenth of `count`, for each is a process."""
    with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as name:
        folder = Path(name)
        _library(folder)
        for number in range(max(2, count // 10)):
            random = Random(f"stdio/{seed}/{number}")
            words = random.choice(_COMMANDS)
            streams = random.choice(_IN), random.choice(_OUT), random.choice(_OUT)
            yield _stream_case(number, words, streams, folder)


def _library(folder: Path) -> None:
    from spotfw.testing.tiny_library import fill_library
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    fill_library(folder / "library", write_tiny_tasks(folder), seeds=1)


def shell(words: tuple[str, ...], streams: tuple[str, str, str]) -> list[str]:
    """The command as the shell starts it with such streams; ``err`` gets a plain stderr."""
    ways = {
        ("in", "closed"): "<&-",
        ("in", "null"): "</dev/null",
        ("in", "bytes"): "<bytes",
        ("in", "folder"): "<.",
        ("in", "broken"): "</dev/null",
    }
    for number, stream in ((1, "out"), (2, "err")):
        ways[stream, "closed"] = f"{number}>&-"
        ways[stream, "full"] = f"{number}>/dev/full"
        ways[stream, "null"] = f"{number}>/dev/null"
        ways[stream, "file"] = f"{number}>{stream}"
        ways[stream, "broken"] = f"{number}>&9"
    put = " ".join(ways[s, way] for s, way in zip(("in", "out", "err"), streams, strict=True))
    # Descriptor 9 is a pipe whose reader has gone.
    head = "exec 9> >(exec true); sleep 0.1; " if "broken" in streams[1:] else ""
    return ["bash", "-c", f'{head}"$@" {put}', "bash", sys.executable, "-m", "spotfw", *words]


def _stream_case(
    number: int, words: tuple[str, ...], streams: tuple[str, str, str], folder: Path
) -> Case:
    (folder / "bytes").write_bytes(b"caf\xe9\n\n\x00\xff\n")
    for name in ("out", "err"):
        (folder / name).write_text("")
    what = f"{' '.join(words)} with in {streams[0]}, out {streams[1]}, err {streams[2]}"
    try:
        ended = subprocess.run(
            shell(words, streams), cwd=folder, capture_output=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Case(number=number, what=what, verdict=HANG, detail=f"no end after {_SECONDS:g} s")
    err = (folder / "err").read_text(errors="replace") + ended.stderr.decode(errors="replace")
    out = (folder / "out").read_text(errors="replace")
    verdict = TAKEN if ended.returncode == 0 else REFUSED
    detail = ""
    if "Traceback" in err or "unforeseen" in err or "Exception ignored" in err:
        verdict, detail = (
            CRASH,
            f"{streams[1]} out, {streams[2]} err: {' '.join(err.split())[-200:]}",
        )
    elif ended.returncode not in (0, 1, 2, 120, 141):
        verdict, detail = CRASH, f"ends with {ended.returncode}"
    elif ended.returncode == 0 and streams[1] in ("full",) and words[0] != "library":
        verdict, detail = WRONG, "status 0 where nothing could be written"
    elif ended.returncode == 0 and streams[1] == "file" and "--json" in words:
        try:
            json.loads(out)
        except ValueError:
            verdict, detail = WRONG, "a JSON document that is none"
    return Case(number=number, what=what, verdict=verdict, detail=detail)


def tunings(count: int, seed: int) -> Iterator[Case]:
    """Real tunings of the tiny model, some seconds each: a hundredth of `count`, at least 2."""
    with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as name:
        folder = Path(name)
        _library(folder)
        _model(folder)
        ways = [
            (stdin, out, err)
            for stdin, out, err in (
                ("null", "broken", "broken"),
                ("closed", "closed", "closed"),
                ("null", "full", "full"),
                ("null", "file", "broken"),
                ("null", "broken", "file"),
                ("closed", "file", "full"),
            )
        ]
        acts = [*(("streams", way) for way in ways), ("interrupts", ()), ("leaves", ())]
        for number in range(min(max(2, count // 100), len(acts))):
            kind, way = acts[number] if count >= 200 else acts[(number + seed) % len(acts)]
            if kind == "streams":
                yield _tuning(number, way, folder)
            else:
                yield _disturbed(number, kind, folder)


def _model(folder: Path) -> None:
    code = "from spotfw.testing.tiny_model import write_tiny_model as w; import sys; w(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", code, str(folder / "model")], check=True, capture_output=True
    )


def _words(out: str) -> tuple[str, ...]:
    numbers = {
        "steps": 30,
        "checkpoint-every": 10,
        "embedding-step": 10,
        "batch-size": 4,
        "prompt-length": 4,
        "max-input-length": 16,
        "max-target-length": 4,
    }
    given = [word for key, value in numbers.items() for word in (f"--{key}", str(value))]
    return ("tune", "tiny_reviews.toml", "--model", "model", "--out", out, *given)


def _tuning(number: int, way: tuple[str, ...], folder: Path) -> Case:
    out = f"run-{number}"
    case = _stream_case(number, _words(out), (way[0], way[1], way[2]), folder)
    if case.verdict in (TAKEN, REFUSED) and not (folder / out / "best.safetensors").exists():
        return Case(
            number=number,
            what=case.what,
            verdict=WRONG,
            detail="the tuning did not come to its end",
        )
    return case


def _disturbed(number: int, kind: str, folder: Path) -> Case:
    """Five quick Ctrl-C, or a reader of progress that leaves in the middle."""
    out = f"run-{number}"
    what = "five interrupts" if kind == "interrupts" else "the reader of progress leaves"
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, "-m", "spotfw", *_words(out)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    )
    assert process.stderr is not None
    mark = folder / out / "checkpoints"
    began = time.monotonic()
    while not mark.exists() and process.poll() is None and time.monotonic() - began < _SECONDS:
        time.sleep(0.01)
    if kind == "leaves":
        process.stderr.close()
        assert process.stdout is not None
        process.stdout.close()
        process.wait(timeout=_SECONDS)
        whole = (folder / out / "best.safetensors").exists()
        verdict = TAKEN if whole else WRONG
        return Case(
            number=number,
            what=what,
            verdict=verdict,
            detail="" if whole else "the tuning did not come to its end",
        )
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    try:
        _, errors = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return Case(number=number, what=what, verdict=HANG, detail="no end after interrupts")
    text = errors.decode(errors="replace")
    if "Traceback" in text or process.returncode not in (0, 130):
        detail = f"ends with {process.returncode}: {' '.join(text.split())[-200:]}"
        return Case(number=number, what=what, verdict=CRASH, detail=detail)
    return Case(number=number, what=what, verdict=REFUSED)
