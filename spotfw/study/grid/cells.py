"""The cells of a study: every tuning it asks for, and what each one waits for.

A cell's id is made of all that its result depends on, so that a study with more seeds or
targets finds the cells it has already.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from spotfw.study.grid.declaration import Generic, Study
from spotfw.tasks import Mixture, Task

SOURCE, GENERIC_SOURCE, BASELINE = "source", "generic source", "baseline"
TRANSFER, STRATEGY, GENERIC = "transfer", "strategy", "generic"
#: Not a tuning: all embeddings compared by one metric.
SIMILARITIES = "similarities"

#: A source prompt: its task's name and its seed.
Prompt = tuple[str, int]


@attrs.frozen(kw_only=True)
class Cell:
    """One tuning of a study (of a strategy, as many as it chooses).

    Attributes:
      kind: as in `spotfw.study.rows.Row`, or ``similarities``.
      model: name or folder.
      task: name of what is tuned.
      reference: how the study names that task, which may be a file.
      seed: of the tuning.
      source, source_seed: the source prompt started from; for generics its name.
      strategy, metric, k: of a strategy.
      settings: of the tuning, whole.
      mixture: settings of tuning on a mixture, for strategies.
      members, rates: of a generic source.
      pool: the source prompts a strategy may choose among.
      needs: ids of cells whose results it takes; if one fails, so does it.
      after: ids of cells that only must have ended before, well or not.
      lane: cells of one lane share tunings, so that they never run at the same time.
    """

    kind: str
    model: str
    task: str = ""
    reference: str = ""
    seed: int = 0
    source: str | None = None
    source_seed: int | None = None
    strategy: str | None = None
    metric: str | None = None
    k: int | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    mixture: Mapping[str, Any] | None = None
    members: tuple[str, ...] = ()
    rates: tuple[float, ...] | None = None
    pool: tuple[Prompt, ...] = ()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    lane: str = ""

    @functools.cached_property
    def id(self) -> str:
        """A name for files: kind, task, and a digest of all that the result depends on."""
        apart = {"reference", "needs", "after", "lane"}
        values = attrs.asdict(self, filter=lambda field, _: field.name not in apart)
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        head = re.sub(r"[^\w.-]+", "_", f"{self.kind}-{self.task}").rstrip("-")[:60]
        return f"{head}-{digest}"

    def __str__(self) -> str:
        words = [self.kind, self.task]
        if self.source is not None:
            words += ["from", self.source]
        if self.source_seed is not None:
            words.append(f"(seed {self.source_seed})")
        if self.strategy is not None:
            words.append(f"by {self.strategy}, k={self.k},")
        if self.metric is not None:
            words.append(self.metric)
        return " ".join(filter(None, words)) + f", seed {self.seed}"


@attrs.frozen(kw_only=True)
class Found:
    """What the names of a study stand for.

    Attributes:
      tasks: of each reference.
      settings: whole settings by (model, role); roles are ``source``, ``target``,
        ``mixture`` and ``generic NAME``.
    """

    tasks: Mapping[str, Task | Mixture]
    settings: Mapping[tuple[str, str], Mapping[str, Any]]


def grid(study: Study, found: Found) -> tuple[Cell, ...]:
    """All cells of a study, sources first, in an order in which they can be run."""
    return tuple(cell for model in study.models for cell in _of_model(study, found, model))


def _of_model(study: Study, found: Found, model: str) -> Iterator[Cell]:
    make = functools.partial(_cell, study, found, model)
    sources = {
        (cell.task, cell.seed): cell
        for seed in study.seeds
        for task in study.sources
        for cell in [make(SOURCE, task, seed)]
    }
    yield from sources.values()
    generics = {
        (generic.name, seed): _generic_source(study, found, model, generic, seed, sources)
        for generic in study.generics
        for seed in study.seeds
    }
    yield from generics.values()
    baselines = {
        (task, seed): make(BASELINE, task, seed) for task in study.targets for seed in study.seeds
    }
    yield from baselines.values()
    everything = (*sources.values(), *baselines.values())
    if len(everything) > 1:
        for metric in study.metrics:
            yield Cell(
                kind=SIMILARITIES,
                model=model,
                metric=metric,
                pool=tuple((c.id, c.seed) for c in everything),
                after=tuple(c.id for c in everything),
            )
    for (task, seed), baseline in baselines.items():
        yield from _of_target(study, make, task, seed, baseline, sources, generics)


def _of_target(
    study: Study,
    make: functools.partial[Cell],
    task: str,
    seed: int,
    baseline: Cell,
    sources: Mapping[Prompt, Cell],
    generics: Mapping[Prompt, Cell],
) -> Iterator[Cell]:
    # A target that is a source too: its own prompts are left out (paper 3.2).
    pool = {prompt: cell for prompt, cell in sources.items() if prompt[0] != baseline.task}
    transfers = [
        make(TRANSFER, task, seed, source=name, source_seed=source_seed, needs=(cell.id,))
        for (name, source_seed), cell in pool.items()
        if study.oracle
    ]
    yield from transfers
    shared = {
        "after": tuple(cell.id for cell in transfers),
        "lane": f"{baseline.model} {baseline.task} {seed}",
    }
    needs = (baseline.id, *(cell.id for cell in pool.values()))
    for strategy in study.strategies:
        for metric in study.metrics:
            for k in study.ks:
                yield make(
                    STRATEGY,
                    task,
                    seed,
                    strategy=strategy,
                    metric=metric,
                    k=k,
                    pool=tuple(pool),
                    needs=needs,
                    **shared,
                )
    for generic in study.generics:
        needs = (generics[generic.name, seed].id,)
        yield make(GENERIC, task, seed, source=generic.name, needs=needs, **shared)


def _cell(
    study: Study, found: Found, model: str, kind: str, reference: str, seed: int, **more: Any
) -> Cell:
    role = "source" if kind == SOURCE else "target"
    if kind == STRATEGY:
        more["mixture"] = dict(found.settings[model, "mixture"]) | {"seed": seed}
    return Cell(
        kind=kind,
        model=model,
        task=found.tasks[reference].name,
        reference=reference,
        seed=seed,
        settings=dict(found.settings[model, role]) | {"seed": seed},
        **more,
    )


def _generic_source(
    study: Study,
    found: Found,
    model: str,
    generic: Generic,
    seed: int,
    sources: Mapping[Prompt, Cell],
) -> Cell:
    names = tuple(found.tasks[task].name for task in generic.tasks)
    same = sources.get((names[0], seed)) if len(names) == 1 else None
    return Cell(
        kind=GENERIC_SOURCE,
        model=model,
        task="+".join(names),
        seed=seed,
        source=generic.name,
        settings=dict(found.settings[model, f"generic {generic.name}"]) | {"seed": seed},
        members=generic.tasks,
        rates=generic.rates,
        # One task may be the very tuning of a source.
        after=(same.id,) if same is not None else (),
        lane=f"{model} {'+'.join(names)} {seed}",
    )
