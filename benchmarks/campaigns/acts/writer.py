"""A process of `concurrency`: works on a library and logs what it asked and was answered."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from spotfw import files
from spotfw.errors import SpotError, UnknownName
from spotfw.library import Library
from spotfw.prompts import Provenance, SoftPrompt


def pair(number: int) -> tuple[SoftPrompt, SoftPrompt]:
    """A prompt of the campaign and its task embedding; pairs of four share an embedding."""
    best = np.random.default_rng([1, number]).normal(size=(4, 8)).astype(np.float32)
    key = np.random.default_rng([2, number // 4]).normal(size=(4, 8)).astype(np.float32)
    origin = Provenance(task=f"task {number}", fingerprint="0123456789abcdef")
    return SoftPrompt(best, origin), SoftPrompt(key, Provenance(fingerprint="0123456789abcdef"))


def main() -> None:
    """``python -m benchmarks.campaigns.acts.writer FOLDER SEED OPERATIONS PROMPTS``."""
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    count, prompts = int(sys.argv[3]), int(sys.argv[4])
    ids = _ids(prompts)
    files.write_atomically(folder / "ids.json", json.dumps(ids).encode())
    library = Library(str(folder / "library"))
    random = Random(seed)
    with (folder / f"log-{seed}").open("a", buffering=1) as log:
        for _ in range(count):
            act = random.choice(("add", "add", "add", "remove", "list", "verify", "index"))
            number = random.randrange(prompts)
            begun = {"act": act, "prompt": number, "begun": time.time()}
            log.write(json.dumps(begun) + "\n")
            answer, error = None, None
            try:
                answer = _do(library, act, number, ids)
            except UnknownName:
                answer = False
            except (SpotError, Exception) as raised:
                error = f"{type(raised).__name__}: {raised}"[:300]
            operation = {**begun, "ended": time.time(), "answer": answer, "error": error}
            if act == "remove" and answer is False:
                operation["act"] = "remove of nothing"
            log.write(json.dumps(operation) + "\n")


def _do(library: Library, act: str, number: int, ids: list[str]) -> Any:
    acts: dict[str, Callable[[], Any]] = {
        "add": lambda: library.add(*pair(number)),
        "remove": lambda: bool(library.remove(ids[number])),
        "list": lambda: sorted(entry.id for entry in library.entries()),
        "verify": lambda: [f"{p.what}" for p in library.verify()],
        "index": lambda: files.remove(files.join(library.folder, "index.json")),
    }
    return acts[act]()


def _ids(prompts: int) -> list[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        library = Library(folder)
        return [library.add(*pair(number)) for number in range(prompts)]


if __name__ == "__main__":
    main()
