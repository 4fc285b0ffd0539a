"""Writes the grid's source prompts as a prompt library, each with its provenance.

    python -m benchmarks.english.release --grid FOLDER --export FOLDER --fingerprint HEX \\
        --out FOLDER [--all]

An entry a source and seed: the best checkpoint is its value, an early one its key. Without
--all only those whose data's terms allow it.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.english import declaration as study
from benchmarks.english.output import Output
from spotfw.library import Library
from spotfw.prompts import Provenance, SoftPrompt

#: Majority class and bag of words of each task, as `tables` writes them.
FACTS = Path(__file__).parent / "facts.csv"


def main() -> None:
    """Reads the command line and fills the library."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("grid", "export", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--fingerprint", required=True, help="of the frozen model, by spotfw")
    parser.add_argument("--embedding-step", type=int, default=104)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    grid = Output(options.grid)
    machine = json.loads((options.grid / "machine.json").read_text(encoding="utf-8"))
    tasks = json.loads((options.export / "tasks.json").read_text(encoding="utf-8"))
    beside = baselines(FACTS)
    library = Library(options.out, indexed=False)
    for source in study.SOURCES:
        if not (source.shippable or options.all):
            continue
        for seed in study.SEEDS:
            row = grid.rows[f"source:{source.task}:{seed}"]
            facts = tasks[f"source:{source.task}"]
            steps = {"best": int(row["step"]), "embedding": options.embedding_step}
            best, embedding = (
                SoftPrompt(
                    grid.prompts["sources"][
                        f"{source.task}/{seed}/{'best' if kind == 'best' else f'step{step}'}"
                    ],
                    _provenance(
                        row, facts, beside[source.task], machine, step, kind, options.fingerprint
                    ),
                )
                for kind, step in steps.items()
            )
            library.add(best, embedding)


def baselines(path: Path) -> dict[str, dict[str, float]]:
    """By source, the scores of the majority class and of a bag of words, where there are any."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {
            row["task"]: {
                name: float(row[name]) for name in ("majority", "bag_of_words") if row[name]
            }
            for row in csv.DictReader(stream)
            if row["role"] == "source"
        }


def _provenance(
    row: dict[str, Any],
    facts: dict[str, Any],
    beside: Mapping[str, float],
    machine: dict[str, Any],
    step: int,
    kind: str,
    fingerprint: str,
) -> Provenance:
    """What is known of a prompt; scores are of reported rows, for the best checkpoint only."""
    scored = kind == "best" and facts["kind"] != "lm"
    return Provenance(
        task=facts["task"],
        family=facts["family"],
        labels=tuple(facts["labels"]),
        model="english",
        fingerprint=fingerprint,
        seed=int(row["seed"]),
        step=step,
        score=float(row["score"]) if scored else None,
        metrics=row["measures"] if kind == "best" else {},
        settings={
            "prompt_length": study.PROMPT_LENGTH,
            "batch_size": machine["settings"]["batch"],
            "learning_rate": machine["settings"]["rate"],
            "steps": int(row["steps"]),
            "dropout": 0.0,
            "max_input_length": study.MAX_INPUT,
        },
        started_from="sampled_vocab",
        versions={"torch": machine["torch"], "python": machine["python"]},
        extra={
            "licence_of_data": facts["licence"],
            "citation": facts["citation"],
            "training_rows": facts["parts"]["train"],
            "reported_rows": facts["parts"]["report"],
            "baselines": dict(beside),
            "arithmetic": machine["arithmetic"],
            "card": machine["card"],
        },
    )


if __name__ == "__main__":
    main()
