"""Why a section of the report has nothing: it was not asked for, or what it needs has not ended."""

from __future__ import annotations

from collections.abc import Sequence

from spotfw.study.grid.declaration import Study
from spotfw.study.rows import Row


def reasons(study: Study, rows: Sequence[Row]) -> dict[str, str]:
    """A reason for each section, as a clause, in case that it is empty.

    Args:
      study: what was asked for.
      rows: what has ended, of one model.

    Returns:
      reasons by section: ``methods``, ``selection``, ``transfers``, ``correlation``, ``rankings``.
    """
    ended = {row.kind for row in rows if row.error is None and row.score is not None}
    targets = _asked("targets", bool(study.targets)) or _ended(
        "target from scratch", ended, "baseline"
    )
    sources = _asked("sources", bool(study.sources)) or _ended("source prompt", ended, "source")
    oracle = "" if study.oracle else "the study does not ask for oracle = true"
    transfers = targets or sources or oracle or _ended("transfer", ended, "transfer")
    strategies = "" if study.strategies else "the study asks for no strategies"
    chosen = targets or sources or strategies or _ended("strategy", ended, "strategy")
    similar = targets or sources or "similarities are compared once sources and baselines are done"
    return {
        "methods": targets or "no line of it has ended on all targets of a column",
        "selection": chosen,
        "transfers": transfers or "no transfer has ended with a baseline beside it",
        "correlation": transfers or similar,
        "rankings": similar,
    }


def _asked(what: str, named: bool) -> str:
    return "" if named else f"the study names no {what}"


def _ended(what: str, ended: set[str], kind: str) -> str:
    return "" if kind in ended else f"no {what} has ended yet"
