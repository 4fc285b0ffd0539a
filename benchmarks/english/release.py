"""Writes the grid's source prompts as spotfw's prompt files, each with its provenance.

    python -m benchmarks.english.release --grid FOLDER --export FOLDER --fingerprint HEX \\
        --out FOLDER [--all]

Two files a source and seed: TASK.seed.best (the value) and TASK.seed.embedding (the key, an
early checkpoint). Without --all only those whose data's terms allow it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.english import declaration as study
from benchmarks.english.output import Output
from spotfw.prompts import Provenance, SoftPrompt, save_prompt


def main() -> None:
    """Reads the command line and writes the files."""
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
    options.out.mkdir(parents=True, exist_ok=True)
    for source in study.SOURCES:
        if not (source.shippable or options.all):
            continue
        for seed in study.SEEDS:
            row = grid.rows[f"source:{source.task}:{seed}"]
            facts = tasks[f"source:{source.task}"]
            steps = {"best": int(row["step"]), "embedding": options.embedding_step}
            for kind, step in steps.items():
                tensor = "best" if kind == "best" else f"step{step}"
                prompt = SoftPrompt(
                    grid.prompts["sources"][f"{source.task}/{seed}/{tensor}"],
                    _provenance(row, facts, machine, step, kind, options.fingerprint),
                )
                save_prompt(prompt, options.out / f"{source.task}.{seed}.{kind}.safetensors")


def _provenance(
    row: dict[str, Any],
    facts: dict[str, Any],
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
            "arithmetic": machine["arithmetic"],
            "card": machine["card"],
        },
    )


if __name__ == "__main__":
    main()
