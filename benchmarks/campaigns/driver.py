"""Runs a campaign's cases in worker processes; a worker that dies or hangs costs one case."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import attrs

from benchmarks.campaigns import limits
from benchmarks.campaigns.verdict import DEATH, HANG, Case, Format

#: A worker may take so many seconds before its first case: it may load TensorFlow.
_STARTING = 240.0


def cases(
    campaign: Format,
    seed: int,
    first: int,
    last: int,
    tell: Callable[[Case], None] = lambda _: None,
) -> Iterator[Case]:
    """What came of each case from `first` up to `last`."""
    while first < last:
        for case in _until_end(campaign, seed, first, last):
            first = case.number + 1
            tell(case)
            yield case


def _until_end(campaign: Format, seed: int, first: int, last: int) -> Iterator[Case]:
    """Cases of one worker: all that are left, or up to the one that ends it."""
    words = [campaign.name, str(seed), str(first), str(last)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.campaigns.worker", *words],
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
        )
        try:
            yield from _heard(process, campaign, first, last, errors)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _heard(
    process: subprocess.Popen[bytes], campaign: Format, first: int, last: int, errors: object
) -> Iterator[Case]:
    assert process.stdout is not None
    begun: tuple[int, str] | None = None
    expected, patience = first, _STARTING
    while expected < last:
        line = _line(process, patience)
        patience = 2 * limits.WAITING * campaign.seconds + 20
        if line is None or not line:
            kind = HANG if line is None else DEATH
            if begun is None:
                raise RuntimeError(f"{campaign.name} does not begin: {_tail(errors)}")
            process.kill()
            status = process.wait()
            why = "no end, and deaf to an alarm" if kind == HANG else f"ended with {status}"
            detail = f"{why}: {_tail(errors)[-200:]}"
            yield Case(number=begun[0], what=begun[1], verdict=kind, detail=detail)
            return
        message = json.loads(line)
        if "begun" in message:
            begun = (message["begun"], message["what"])
        else:
            yield Case(**message)
            expected = message["number"] + 1


def _line(process: subprocess.Popen[bytes], patience: float) -> bytes | None:
    """The next line, empty at the end, None where it does not come."""
    assert process.stdout is not None
    until = time.monotonic() + patience
    # Lines come whole and one at a time, so nothing waits in the buffer.
    while not select.select([process.stdout], [], [], 1.0)[0]:
        if time.monotonic() > until:
            return None
    return process.stdout.readline()


def _tail(errors: object) -> str:
    errors.seek(0)  # type: ignore[attr-defined]
    text: bytes = errors.read()  # type: ignore[attr-defined]
    return " ".join(without_folders(text.decode(errors="replace")).split())[-800:]


def without_folders(text: str) -> str:
    """A text that says as much on another machine.

    What lies on Python's path is named by its place there; a folder of temporary files, as that of
    a case, is FOLDER, and the user's own is ``~``.
    """
    for place in sorted(filter(os.path.isabs, sys.path), key=len, reverse=True):
        text = text.replace(f"{place}/", "")
    for place in {tempfile.gettempdir(), os.path.realpath(tempfile.gettempdir())}:
        text = re.sub(rf"{re.escape(place)}/[^/\s'\"]+", "FOLDER", text)
    return text.replace(f"{os.path.expanduser('~')}/", "~/")


@attrs.define
class Count:
    """How a campaign went."""

    name: str
    cases: int = 0
    verdicts: dict[str, int] = attrs.field(factory=dict)
    #: Kind of fault -> how often, and the first case of it.
    faults: dict[str, dict[str, object]] = attrs.field(factory=dict)
    seconds: float = 0.0

    def add(self, case: Case) -> None:
        """Counts a case; faults of one kind are listed together."""
        from benchmarks.campaigns.verdict import GOOD

        self.cases += 1
        self.seconds += case.seconds
        self.verdicts[case.verdict] = self.verdicts.get(case.verdict, 0) + 1
        if case.verdict not in GOOD:
            detail = without_folders(case.detail)
            kind = f"{case.verdict}: {detail.partition(':')[0]}"[:160]
            fault = self.faults.setdefault(
                kind, {"count": 0, "first": case.number, "what": case.what, "detail": detail}
            )
            fault["count"] = int(str(fault["count"])) + 1
