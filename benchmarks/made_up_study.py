"""A made-up study of the paper's size, for looking at reports: nothing in it was tuned.

Sources of a target's family help it more and are more alike; numbers come from a seed.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import numpy as np

from spotfw.study.grid.declaration import Study, parse_study
from spotfw.study.rows import Row, Similarity

#: Task -> family, in the shape of the paper's table 2.
SOURCES = {
    "span_corruption": "language modeling",
    "doc_nli": "NLI",
    "yelp_polarity": "sentiment analysis",
    "glue_mnli": "NLI",
    "glue_qqp": "paraphrase detection",
    "glue_qnli": "NLI",
    "super_glue_record": "question answering",
    "crisscrossed_captions": "semantic similarity",
    "squad_v1_1": "question answering",
    "drop": "question answering",
    "glue_sst2": "sentiment analysis",
    "winogrande_xl": "commonsense reasoning",
    "hellaswag": "commonsense reasoning",
    "super_glue_multirc": "question answering",
    "cosmos_qa": "commonsense reasoning",
    "race_high": "question answering",
}
TARGETS = {
    "super_glue_boolq": "question answering",
    "glue_cola": "grammatical acceptability",
    "glue_stsb": "semantic similarity",
    "super_glue_wic": "word sense disambiguation",
    "customer_reviews": "sentiment analysis",
    "glue_mrpc": "paraphrase detection",
    "super_glue_rte": "NLI",
    "super_glue_wsc": "coreference resolution",
    "super_glue_copa": "question answering",
    "super_glue_cb": "NLI",
}
METRICS = ("average_token_cosine", "per_token_cosine")
STRATEGIES = ("best_of_top_k", "top_k_weighted_average", "top_k_multitask_mixture")
KS = (1, 3, 6, 9, 12, 15)


def made_up(
    sources: Sequence[str] = tuple(SOURCES),
    targets: Sequence[str] = tuple(TARGETS),
    seeds: Sequence[int] = (0, 1, 2),
    models: Sequence[tuple[str, int]] = (("t5_base", 222_903_552),),
    seed: int = 0,
) -> tuple[Study, list[Row], list[Similarity]]:
    """The study, its rows (two cells failed, ten are missing) and its similarities."""
    study = parse_study(
        {
            "name": "A made-up study",
            "models": [name for name, _ in models],
            "sources": list(sources),
            "targets": list(targets),
            "seeds": list(seeds),
            "metrics": list(METRICS),
            "strategies": list(STRATEGIES),
            "ks": list(KS),
            "oracle": True,
            "settings": {"prompt_length": 100, "learning_rate": 0.3, "batch_size": 32},
            "source": {"steps": 262_144},
            "target": {"steps": 100_000},
            "benchmarks": {"first two": list(targets[:2]), "all": list(targets)},
            "generic": [{"name": "all sources", "tasks": list(sources)}],
        }
    )
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    similarities: list[Similarity] = []
    for place, (model, size) in enumerate(models):
        own = _Maker(model, size, list(seeds), rng, study.name, 4.0 * place)
        alike = own.similarities(sources, targets)
        rows += own.rows(sources, targets, alike)
        similarities += alike
    lost = [row for row in rows if row.kind == "strategy"][-10:]
    rows = [row for row in rows if row not in lost] if len(rows) > 100 else rows
    return study, rows, similarities


class _Maker:
    """Makes up one model's numbers."""

    def __init__(
        self,
        model: str,
        size: int,
        seeds: list[int],
        rng: np.random.Generator,
        study: str,
        better: float,
    ) -> None:
        self._model, self._size, self._seeds = model, size, seeds
        self._rng, self._study, self._better = rng, study, better

    def similarities(self, sources: Sequence[str], targets: Sequence[str]) -> list[Similarity]:
        runs = [("source", t, s) for t in sources for s in self._seeds]
        runs += [("target", t, s) for t in targets for s in self._seeds]
        families = sorted({*SOURCES.values(), *TARGETS.values()})
        middles = {family: self._rng.normal(size=12) for family in families}
        tasks = dict.fromkeys(t for _, t, _ in runs)
        places = {t: middles[_family(t)] + 0.8 * self._rng.normal(size=12) for t in tasks}
        points = {run: places[run[1]] + 0.35 * self._rng.normal(size=12) for run in runs}
        similarities = []
        for metric, shrink in zip(METRICS, (1.0, 0.12), strict=True):
            for a, b in itertools.combinations(runs, 2):
                x, y = points[a], points[b]
                cosine = float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
                similarities.append(
                    Similarity(
                        model=self._model,
                        metric=metric,
                        role_a=a[0], task_a=a[1], seed_a=a[2], family_a=_family(a[1]),
                        id_a=f"{a[1]}-{a[2]}",
                        role_b=b[0], task_b=b[1], seed_b=b[2], family_b=_family(b[1]),
                        id_b=f"{b[1]}-{b[2]}",
                        similarity=shrink * cosine + 0.01 * float(self._rng.normal()) * shrink,
                    )
                )  # fmt: skip
        return similarities

    def rows(
        self, sources: Sequence[str], targets: Sequence[str], alike: Sequence[Similarity]
    ) -> list[Row]:
        near = {
            (pair.task_b, pair.seed_b, pair.task_a, pair.seed_a): pair.similarity
            for pair in alike
            if (pair.role_a, pair.role_b, pair.metric) == ("source", "target", METRICS[0])
        }
        rows = [
            self._row("source", task, s, 80 + 10 * self._rng.random())
            for task in sources
            for s in self._seeds
        ]
        for task in targets:
            level = min(95.0, 50 + 43 * self._rng.random() + self._better)
            for s in self._seeds:
                scratch = level + 1.2 * self._rng.normal()
                rows.append(self._row("baseline", task, s, scratch))
                gains: dict[tuple[str, int], float] = {}
                for source, t in itertools.product(sources, self._seeds):
                    close = near.get((task, s, source, t), 0.0)
                    gain = (100 - scratch) * (0.25 * close + 0.07 * self._rng.normal() - 0.02)
                    gains[source, t] = gain
                    rows.append(
                        self._row(
                            "transfer", task, s, scratch + gain, source=source,
                            source_family=_family(source), source_seed=t,
                        )
                    )  # fmt: skip
                order = sorted(gains, key=lambda p: -near.get((task, s, *p), 0.0))
                for strategy, metric, k in itertools.product(STRATEGIES, METRICS, KS):
                    tops = [gains[prompt] for prompt in order[:k]]
                    best = strategy == STRATEGIES[0]
                    gain = max(tops) if best else 0.8 * float(np.mean(tops))
                    gain += 0.2 * float(self._rng.normal())
                    rows.append(
                        self._row(
                            "strategy", task, s, scratch + gain, strategy=strategy,
                            metric=metric, k=k, chosen=order[0][0], candidates=k if best else 1,
                        )
                    )  # fmt: skip
                rows.append(self._row("generic", task, s, scratch + 2, source="all sources"))
        rows.append(self._row("generic source", "+".join(sources), 0, 71.0, source="all sources"))
        failed = (
            "The evaluation of <glue_cola> gave no number: Matthews correlation of a constant "
            "prediction is not defined. Tune longer."
        )
        rows.append(self._row("transfer", targets[0], 0, None, source="hellaswag", error=failed))
        rows.append(self._row("strategy", targets[0], 0, float("nan"), strategy="best_of_top_k"))
        return rows

    def _row(self, kind: str, task: str, seed: int, score: float | None, **more: object) -> Row:
        wall = 200 + 40 * self._rng.random()
        values = {
            "kind": kind, "study": self._study, "model": self._model, "parameters": self._size,
            "task": task, "family": _family(task), "seed": seed, "step": 90_000,
            "steps": 262_144 if kind == "source" else 100_000,
            "score": None if score is None else float(np.clip(score, 0, 99.5) + 0 * score),
            "wall_seconds": wall, "cpu_seconds": 1.8 * wall,
            "folder": f"runs/{kind}-{task[:40]}-{seed}",
            "versions": json.dumps({"spotfw": "0.1.0", "tensorflow": "2.15.1"}),
            "created": "2026-01-05T12:00:00+00:00",
        }  # fmt: skip
        return Row(**(values | more))  # type: ignore[arg-type]


def _family(task: str) -> str:
    return SOURCES.get(task) or TARGETS.get(task) or "mixture"
