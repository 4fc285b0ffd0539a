"""Everything that writes, where the disk is full at a byte drawn at random.

The system's limit on a file's size stands for the disk: writing beyond it fails as it does
where there is no room. What stood there before must stand, and the same again must do once
there is room.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.campaigns.verdict import CRASH, REFUSED, TAKEN, WRONG, Case


def cases(count: int, seed: int) -> Iterator[Case]:
    """`count` writes, each of something that stands already in another form."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for number in range(count):
            random = Random(f"full disk/{seed}/{number}")
            name = random.choice(sorted(_WRITES))
            with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as folder:
                yield _disk_case(number, name, random, Path(folder), before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def _disk_case(
    number: int, name: str, random: Random, folder: Path, before: tuple[int, int]
) -> Case:
    from spotfw.errors import SpotError

    write = _WRITES[name]
    if random.random() < 0.7:
        write(folder, 0)
    stood = _content(folder)
    limit = random.choice((0, 1, random.randrange(600), random.randrange(5000)))
    verdict, detail = TAKEN, ""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        write(folder, 1)
    except SpotError as error:
        verdict = REFUSED
        if "full" not in str(error) and "large" not in str(error):
            verdict, detail = WRONG, f"the disk is not named: {error}"
    except Exception as error:
        verdict, detail = CRASH, f"{type(error).__name__} by {name}: {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if verdict != TAKEN:
        now = _content(folder)
        # Of two tables the first may be written and the second not: each is whole.
        whole = ("rows.csv", "similarities.csv")
        lost = [p for p, digest in stood.items() if now.get(p) != digest and p not in whole]
        left = [path for path in now if path.endswith(".part")]
        if lost or left:
            verdict, detail = WRONG, f"{name}: changed {lost[:2]}, left behind {left[:2]}"
        with contextlib.suppress(FileNotFoundError):
            try:
                write(folder, 1)
            except Exception as error:
                verdict, detail = WRONG, f"{name} does not do again with room: {error}"
    return Case(number=number, what=f"{name} at {limit} bytes", verdict=verdict, detail=detail)


def _content(folder: Path) -> dict[str, str]:
    # An index follows the files by itself, and events are appended to.
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("index.json", ".lock")
    }


def _prompt(version: int) -> Any:
    from spotfw.prompts import Provenance, SoftPrompt

    array = np.full((6, 16), version + 1, np.float32)
    return SoftPrompt(array, Provenance(task="t", fingerprint="0123456789abcdef"))


def _add(folder: Path, version: int) -> None:
    from spotfw.library import Library

    library = Library(str(folder / "library"))
    library.add(_prompt(version), _prompt(version + 5))
    library.entries()


def _archive(folder: Path, version: int) -> None:
    from spotfw.library import Library
    from spotfw.library.exchange import export_archive

    library = Library(str(folder / "library"))
    if not library.entries():
        library.add(_prompt(0))
    out = folder / f"{version}.zip"
    export_archive(library, library.entries(), str(out))


def _save(folder: Path, version: int) -> None:
    from spotfw.prompts import save_prompt

    save_prompt(_prompt(version), folder / "p.safetensors")
    save_prompt(_prompt(version), folder / "p.npy")


def _peft(folder: Path, version: int) -> None:
    from spotfw.prompts import write_peft

    write_peft(_prompt(version), folder / f"peft{version}")


def _checkpoint(folder: Path, version: int) -> None:
    from spotfw.contracts import TuningState
    from spotfw.recipe.run_folder import RunFolder, Scored

    prompt = _prompt(version)
    history = [Scored(step=n, loss=1.0, score=2.0, metrics={}) for n in range(1, version + 2)]
    with RunFolder(str(folder / "run")) as run:
        run.begin({"task": "t", "settings": {}}, resume=True)
        run.save(TuningState(step=version + 1, prompt=prompt.array), prompt, history)
        if run.load() is None:
            raise AssertionError("a checkpoint that was saved is not there")


def _rows(folder: Path, version: int) -> None:
    from spotfw.study.rows import Row, write_rows

    write_rows(str(folder), [Row(kind="source", task=f"t{version}", score=1.0)])


def _bindings(folder: Path, version: int) -> None:
    from spotfw.files import write_atomically

    write_atomically(folder / "b.json", json.dumps({"version": version}).encode())


_WRITES: dict[str, Callable[[Path, int], None]] = {
    "library add": _add,
    "library export": _archive,
    "save prompt": _save,
    "peft": _peft,
    "checkpoint": _checkpoint,
    "study rows": _rows,
    "any file": _bindings,
}
