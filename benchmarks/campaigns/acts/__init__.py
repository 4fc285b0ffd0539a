"""Campaigns that are not of files: who else is at work, and what is around a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.campaigns.acts import concurrency, full_disk, stdio
from benchmarks.campaigns.acts.hostile import campaign as hostile
from benchmarks.campaigns.verdict import Case

#: Name -> (cases, seed) -> what came of each.
ACTS: dict[str, Callable[[int, int], Iterator[Case]]] = {
    "concurrency": concurrency.cases,
    "full disk": full_disk.cases,
    "hostile plugins": hostile.cases,
    "stdio": stdio.cases,
    "stdio while tuning": stdio.tunings,
}
