"""Turns a grid's folder into the CSV files that `findings` reads.

    python -m benchmarks.english.tables --grid FOLDER --export FOLDER --out benchmarks/english

rows.csv (tunings), signals.csv (source prompts on a target before tuning and after ten steps),
similarities.csv (early prompts compared), decoded.csv, and facts.csv with the majority class
and a logistic regression on bags of words, which the export is needed for.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.english import declaration as study
from benchmarks.english.baselines import facts
from benchmarks.english.output import Output
from spotfw.metrics import average_token_cosine, per_token_cosine

_TUNED = ("source", "scratch", "transfer", "average", "longer")
_ROW = (
    *("kind", "task", "source", "source_seed", "seed", "metric", "k", "step", "steps", "score"),
    *("accuracy", "selected", "first_losses", "last_loss", "chosen"),
)
_SIGNAL = (
    *("kind", "task", "source", "source_seed", "seed", "rows", "steps", "loss", "centred"),
    *("accuracy", "gradient_cosine", "gradient_norm", "seconds"),
)
_METRICS = {"average_token": average_token_cosine, "per_token": per_token_cosine}
_EARLY = (48, 104, 200)


def main() -> None:
    """Reads the command line and writes the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("grid", "export", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    grid = Output(options.grid)
    rows = list(grid.rows.values())
    _write(options.out / "rows.csv", _ROW, (_tuned(r) for r in rows if r["kind"] in _TUNED))
    signals = [row for row in rows if row["kind"] in ("signal", "drop")]
    _write(options.out / "signals.csv", _SIGNAL, signals)
    decoded = [{"role": row["role"], **_joined(row)} for row in rows if row["kind"] == "decoded"]
    _write(
        options.out / "decoded.csv",
        ("role", "task", "rows", "ranked", "written", "no_label", "same"),
        decoded,
    )
    _write(
        options.out / "similarities.csv",
        ("task", "seed", "source", "step", "metric", "similarity"),
        similarities(grid),
    )
    known = facts(options.export)
    _write(options.out / "facts.csv", tuple(known[0]), known)


def similarities(grid: Output) -> Iterable[dict[str, Any]]:
    """Every target's early prompt against every source's of its seed, by both metrics."""
    sources, targets = grid.prompts["sources"], grid.prompts["targets"]
    for target in study.TARGETS:
        for seed in study.SEEDS:
            for step in _EARLY:
                for source in study.SOURCES:
                    a = targets.get(f"{target.task}/{seed}/step{step}")
                    b = sources.get(f"{source.task}/{seed}/step{step}")
                    if a is None or b is None or source.task in target.unlike:
                        continue
                    for name, metric in _METRICS.items():
                        row = {"task": target.task, "seed": seed, "source": source.task}
                        likeness = f"{metric(a, b):.6f}"
                        yield row | {"step": step, "metric": name, "similarity": likeness}


def _tuned(row: Mapping[str, Any]) -> dict[str, Any]:
    compact = _joined(row)
    compact["score"] = f"{row['score']:.4f}"
    compact["accuracy"] = row["measures"].get("accuracy", "")
    return compact


def _joined(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, separators=(",", ":")) if isinstance(value, dict | list) else value
        for name, value in row.items()
    }


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, columns, extrasaction="ignore", restval="", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
