"""Many processes on one library, some of them killed; what was acknowledged must be there.

Every operation is logged with when it was asked for and when it was acknowledged. Afterwards
each answer is held against the log: there must be one order of the operations, which does
not contradict those times, in which every answer is right. Adding and removing one prompt
depends on nothing else, so this is asked prompt by prompt.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import attrs

from benchmarks.campaigns.verdict import CRASH, TAKEN, WRONG, Case

_WRITERS = 6
#: Distinct prompts: few, so that writers meet.
_PROMPTS = 24


@attrs.frozen(kw_only=True)
class Operation:
    """What a process asked for, and when.

    Attributes:
      act: ``add``, ``remove``, ``list``, ``verify`` or ``index`` (its file removed).
      prompt: number of the prompt added or removed.
      begun, ended: seconds of the machine's clock; `ended` is None where it was killed.
      answer: of a list: ids; of a removal: whether it was there; of verify: problems.
      error: what it raised, if anything.
    """

    act: str
    prompt: int
    begun: float
    ended: float | None
    answer: Any = None
    error: str | None = None


def cases(count: int, seed: int) -> Iterator[Case]:
    """One case an operation; `count` operations in all, in rounds of several processes."""
    made, number = 0, 0
    while made < count:
        each = min(max(1, count // _WRITERS), 120)
        with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as folder:
            operations, ids = _round(Path(folder), seed * 1000 + number, each)
            final = _look(Path(folder) / "library")
            yield from judged(operations, ids, final, made)
        made += len(operations)
        number += 1


def _round(folder: Path, seed: int, each: int) -> tuple[list[Operation], list[str]]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.campaigns.acts.writer", *map(str, words)],
            stderr=subprocess.PIPE,
        )
        for words in [(folder, seed * 100 + n, each, _PROMPTS) for n in range(_WRITERS)]
    ]
    random = Random(seed)
    for number, process in enumerate(processes[:2]):
        log = folder / f"log-{seed * 100 + number}"
        lines = random.randrange(2, each)
        while process.poll() is None:
            if log.exists() and log.read_bytes().count(b"\n") > lines:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
    for process in processes:
        _, errors = process.communicate(timeout=600)
        if process.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError(errors.decode(errors="replace")[-800:])
    operations = []
    for log in folder.glob("log-*"):
        begun: dict[str, Any] | None = None
        for line in log.read_text().splitlines():
            operation = json.loads(line)
            if "ended" not in operation:
                begun = operation
                continue
            operations.append(Operation(**operation))
            begun = None
        if begun is not None:
            operations.append(Operation(**begun, ended=None))
    ids = json.loads((folder / "ids.json").read_text())
    return operations, ids


def _look(library: Path) -> tuple[set[str], list[str]]:
    from spotfw.library import Library

    place = Library(str(library))
    ids = {entry.id for entry in place.entries()}
    return ids, [f"{problem.name}: {problem.what}" for problem in place.verify()]


def judged(
    operations: list[Operation], ids: list[str], final: tuple[set[str], list[str]], first: int
) -> Iterator[Case]:
    """A case for each operation; one that has no place in any order is a wrong value."""
    there, problems = final
    for place, operation in enumerate(operations):
        verdict, detail = TAKEN, ""
        if operation.error is not None:
            verdict, detail = CRASH, operation.error
        elif operation.act == "verify" and operation.answer:
            verdict, detail = WRONG, f"a false alarm: {operation.answer[0]}"
        elif operation.act == "list" and operation.ended is not None:
            shown = set(operation.answer)
            for prompt, id in enumerate(ids):
                if _impossible(operations, prompt, operation, id in shown):
                    word = "shown" if id in shown else "not shown"
                    verdict, detail = WRONG, f"a prompt is {word} against what was acknowledged"
        yield Case(
            number=first + place,
            what=f"{operation.act} {operation.prompt}",
            verdict=verdict,
            detail=detail,
        )
    end = Operation(act="list", prompt=-1, begun=time.time(), ended=time.time())
    lost = [
        id for prompt, id in enumerate(ids) if _impossible(operations, prompt, end, id in there)
    ]
    if lost or problems:
        yield Case(
            number=first + len(operations),
            what="the library afterwards",
            verdict=WRONG,
            detail=f"lost or risen against what was acknowledged: {len(lost)}; {problems[:1]}",
        )


def _impossible(operations: list[Operation], prompt: int, look: Operation, seen: bool) -> bool:
    """Whether what a look saw of one prompt contradicts what was acknowledged before it.

    A state is possible if some change to it may be the last one before the look took place:
    it began before the look ended, and no change to the other state lies wholly between.
    """
    changes = [o for o in operations if o.prompt == prompt and o.act in ("add", "remove")]
    ended = look.ended if look.ended is not None else float("inf")
    wanted = "add" if seen else "remove"
    able = [o for o in changes if o.act == wanted and o.begun <= ended]
    other = [o for o in changes if o.act != wanted and o.ended is not None]
    if not seen:  # it begins as not there
        able.append(Operation(act="remove", prompt=prompt, begun=0.0, ended=0.0))
    for change in able:
        done = change.ended if change.ended is not None else float("inf")
        if not any(done < o.begun and o.ended < look.begun for o in other if o.ended is not None):
            return False
    return True
