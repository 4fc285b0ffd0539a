"""Real text: prompts on real tasks, and what transfer gives, on a small English T5.

``python -m benchmarks.real_input [--json FILE] [--out DIR]``

Sources are SST-2, QQP and MNLI, one prompt each. Targets are customer reviews, MRPC, CB
and RTE, three seeds each: from scratch (class labels), from the source that the metric
ranks first, and from each source, for the same few steps. Scores are on validation. Runs
in `--out` are kept, and a second call goes on where the first stopped.

Needs ``../shared/models/english-tiny`` and ``../shared/data`` beside the repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.engines import need
from benchmarks.rows import Row, parser, report
from spotfw.cli.display import note, print_table
from spotfw.contracts import StartFromPrompt
from spotfw.recipe.session import SCRATCH, Session
from spotfw.recipe.tuning import Report

_HERE = Path(__file__).parent / "real_tasks"
_SHARED = Path(__file__).resolve().parents[2] / "shared"

SOURCES = ("sst2", "qqp", "mnli")
TARGETS = ("customer_reviews", "mrpc", "cb", "rte")
#: The model is small and was trained without dropout: it has no capacity to spare for it.
SMALL = {"prompt_length": 20, "batch_size": 16, "max_input_length": 96, "dropout": 0.0}
SOURCE = {**SMALL, "batch_size": 32, "steps": 200, "checkpoint_every": 50, "embedding_step": 100}
TARGET = {**SMALL, "steps": 100, "checkpoint_every": 50, "embedding_step": 100}

#: What another code base got, one seed (../shared/models/english-tiny/README.md).
THEIRS = {"sst2": 72.0, "scratch": 66.7, "transferred": 72.0}


def main() -> int:
    """Runs what is missing and prints the table."""
    made = parser("real_input", "Transfer on real text with a small English T5.")
    made.add_argument("--out", default="runs/real_input", help="keeps model, runs and library")
    made.add_argument("--seeds", type=int, default=3)
    given = made.parse_args()
    if not _SHARED.is_dir():
        note(f"This needs the folder {_SHARED}, which is not here.")
        return 1
    need("mesh")
    from spotfw.backends.mesh.folders.convert import hf_to_mesh

    model = os.path.join(given.out, "model")
    if not os.path.isdir(model):
        hf_to_mesh(str(_SHARED / "models" / "english-tiny"), model)
    session = Session(
        model=model,
        library=os.path.join(given.out, "library"),
        runs=os.path.join(given.out, "runs"),
        observer=_tell,
        # More threads take more processor time than they save on a model of this size.
        threads=1,
        backend="mesh",
    )
    sources = {}
    for name in SOURCES:
        note(f"source {name}")
        sources[name] = session.tune(_path(name), **SOURCE)
    scores: dict[str, dict[str, list[float]]] = {}
    for name in TARGETS:
        columns: dict[str, list[float]] = {}
        for seed in range(given.seeds):
            note(f"target {name}, seed {seed}")
            for column, score in _tune_target(session, name, seed).items():
                columns.setdefault(column, []).append(score)
        scores[name] = columns
    print_table(
        ["target", *next(iter(scores.values()))],
        [[name, *(_cell(v) for v in columns.values())] for name, columns in scores.items()],
        title=f"Validation score, mean and standard deviation over {given.seeds} seeds",
    )
    return report(
        "real_input",
        _rows({n: t.score for n, t in sources.items()}, scores),
        given.json,
        ("tensorflow", "mesh-tensorflow", "t5"),
        sources={n: t.score for n, t in sources.items()},
        targets=scores,
        settings={"source": SOURCE, "target": TARGET},
    )


def _path(name: str) -> str:
    return str(_HERE / f"{name}.toml")


def _tune_target(session: Session, name: str, seed: int) -> dict[str, float]:
    """Score from scratch, from each source, and from the one ranked first."""
    settings = {**TARGET, "seed": seed}
    scratch = session.tune(_path(name), init=SCRATCH, keep=False, **settings)
    result = session.transfer(_path(name), "oracle", embedding=scratch, **settings)
    by_id = {
        outcome.candidate.id: outcome.tuned.score
        for outcome in result.outcomes
        if isinstance(outcome.candidate, StartFromPrompt)
    }
    from_source = {str(ranked.task): by_id[ranked.id] for ranked in result.ranking}
    return {
        "from scratch": scratch.score,
        **{f"from {task}": from_source[task] for task in sorted(from_source)},
        "from the first ranked": by_id[result.ranking[0].id],
    }


def _rows(sources: dict[str, float], scores: dict[str, dict[str, list[float]]]) -> list[Row]:
    """Held against the other code base's figures, and transfer against from scratch."""

    def against(what: str, ours: float, theirs: float) -> Row:
        return Row(what, ours, theirs, "points", ours / theirs, "no worse", ours >= theirs)

    reviews = scores["customer_reviews"]
    rows = [
        against("sst2, from sampled vocabulary", sources["sst2"], THEIRS["sst2"]),
        against(
            "customer_reviews, from scratch", _mean(reviews["from scratch"]), THEIRS["scratch"]
        ),
        against(
            "customer_reviews, from sst2", _mean(reviews["from glue_sst2"]), THEIRS["transferred"]
        ),
    ]
    for name, columns in scores.items():
        ours, theirs = _mean(columns["from the first ranked"]), _mean(columns["from scratch"])
        rows.append(
            Row(
                f"{name}, from the first ranked over from scratch",
                ours,
                theirs,
                "points",
                ours / theirs,
                "",
                None,
            )
        )
    return rows


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values):.1f}"


def _tell(report: Report) -> None:
    if report.score is not None:
        note(f"  {report.task} step {report.step}/{report.steps}: {report.score:.1f}")


if __name__ == "__main__":
    sys.exit(main())
