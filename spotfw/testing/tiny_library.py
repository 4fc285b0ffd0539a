"""A library filled without tuning: random prompts that cluster by task and family."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import attrs
import numpy as np

from spotfw.library import Library
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.tasks import Task
from spotfw.testing.tiny_model import FINGERPRINT, WIDTH

LENGTH = 4


def fill_library(
    folder: str | Path,
    tasks: Iterable[Task],
    *,
    seeds: int = 2,
    length: int = LENGTH,
    width: int = WIDTH,
    fingerprint: str = FINGERPRINT,
) -> Library:
    """A library with an entry for each task and seed; the same call gives the same bytes.

    A prompt is the sum of three random arrays, its family's, its task's and its own, so that
    metrics find prompts of one task, then of one family, most alike. Scores lie in 60-90.

    Args:
      folder: the library's.
      tasks: that the prompts name as theirs.
      seeds: entries for each task.
      length, width: of the prompts.
      fingerprint: of the frozen model that they name, by default the tiny model's.
    """
    library = Library(str(folder))
    for task in tasks:
        for seed in range(seeds):
            best = sum(
                scale * _drawn(length, width, *key)
                for scale, key in (
                    (1.0, ("family", task.family)),
                    (0.7, ("task", task.name)),
                    (0.5, ("own", task.name, str(seed))),
                )
            )
            provenance = Provenance(
                task=task.name,
                family=task.family,
                labels=task.labels,
                model="tiny",
                fingerprint=fingerprint,
                seed=seed,
                step=20,
                score=60.0 + zlib.crc32(f"{task.name} {seed}".encode()) % 30,
                started_from="sampled_vocab",
            )
            early = attrs.evolve(provenance, step=10)
            key = best + 0.1 * _drawn(length, width, "early", task.name, str(seed))
            library.add(SoftPrompt(best, provenance), SoftPrompt(key, early))
    return library


def _drawn(length: int, width: int, *key: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A random array that belongs to a key; one direction for all tokens, and a little noise."""
    random = np.random.RandomState(zlib.crc32(" ".join(key).encode()))
    return random.standard_normal((1, width)) + 0.2 * random.standard_normal((length, width))
