"""All cells of a study, in an order in which they can be run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from spotfw.study.grid.cell import CODE, Cell, Prompt, TuningCell
from spotfw.study.grid.cells import (
    BaselineAblationCell,
    BaselineCell,
    GenericAblationCell,
    GenericCell,
    GenericSourceCell,
    SimilaritiesCell,
    SourceCell,
    StrategyCell,
    TargetRankingCell,
    TransferCell,
)
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.methods import Generic, ModelTuning
from spotfw.study.grid.model_cells import ModelSourceCell, ModelTuningCell
from spotfw.study.grid.names import Resolved
from spotfw.tasks.content import digest_of


def lay_out(study: Study, resolved: Resolved) -> tuple[Cell, ...]:
    """All cells of a study, sources first, then what waits for them."""
    return tuple(
        cell for model in study.models for cell in _OfModel(study, resolved, model).cells()
    )


@attrs.frozen
class _OfModel:
    """Lays out the cells of one model."""

    study: Study
    resolved: Resolved
    model: str

    def cells(self) -> Iterator[Cell]:
        study = self.study
        sources: dict[Prompt, SourceCell] = {}
        for seed in study.seeds:
            for reference in study.sources:
                source = SourceCell(**self._common(reference, seed, "source"))
                sources[source.task, seed] = source
        yield from sources.values()
        generics = {
            (generic.name, seed, steps): self._generic_source(generic, seed, sources, steps)
            for generic in study.generics
            for steps in (None, *generic.also_steps)
            for seed in study.seeds
        }
        yield from generics.values()
        baselines = [
            BaselineCell(**self._common(reference, seed, "target"))
            for reference in study.targets
            for seed in study.seeds
        ]
        yield from baselines
        for steps in study.also_steps:
            yield from (self._ablation(baseline, steps) for baseline in baselines)
        embedded = (*sources.values(), *baselines)
        if len(embedded) > 1:
            for metric in study.metrics:
                if metric not in self.resolved.of_target:
                    yield self._similarities(metric, embedded)
        for baseline in baselines:
            yield from self._of_target(baseline, sources, generics)
        for tuning in study.model_tunings:
            yield from self._of_all_weights(tuning)

    def _of_all_weights(self, tuning: ModelTuning) -> Iterator[Cell]:
        """All weights tuned: first on the mixture, where there is one, then on each target."""
        firsts: dict[int, ModelSourceCell] = {}
        own: dict[str, Any] = {"source": tuning.name, "weights": tuning.model}
        for seed in self.study.seeds if tuning.tasks else ():
            firsts[seed] = ModelSourceCell(
                model=self.model,
                content=self._content(*tuning.tasks, model=tuning.model),
                task="+".join(self.resolved.tasks[task].name for task in tuning.tasks),
                seed=seed,
                settings=self._settings(f"model source {tuning.name}", seed),
                members=tuning.tasks,
                rates=tuning.rates,
                **own,
            )
        yield from firsts.values()
        for reference in self.study.targets:
            for seed in self.study.seeds:
                first = firsts.get(seed)
                content = self._content(reference, model=tuning.model)
                content |= first.content if first else {}
                common = self._common(reference, seed, f"model tuning {tuning.name}")
                needs = (first.id,) if first else ()
                yield ModelTuningCell(**common | own | {"content": content, "needs": needs})

    def _of_target(
        self,
        baseline: BaselineCell,
        sources: Mapping[Prompt, SourceCell],
        generics: Mapping[tuple[str, int, int | None], GenericSourceCell],
    ) -> Iterator[Cell]:
        """All that is tuned on one target with one seed beside its baseline."""
        study = self.study
        common = self._common(baseline.reference, baseline.seed, "target")
        # A target that is a source too: its own prompts are left out (paper 3.2).
        pool = {prompt: cell for prompt, cell in sources.items() if prompt[0] != baseline.task}
        transfers = [
            TransferCell(
                **common | {"content": common["content"] | cell.content},
                source=name,
                source_seed=seed,
                needs=(cell.id,),
            )
            for (name, seed), cell in pool.items()
            if study.oracle
        ]
        yield from transfers
        if pool:
            for metric in self.resolved.of_target:
                yield self._target_ranking(metric, baseline, tuple(pool.values()))
        common["after"] = tuple(cell.id for cell in transfers)
        common["lane"] = f"{baseline.model} {baseline.task} {baseline.seed}"
        needs = (baseline.id, *(cell.id for cell in pool.values()))
        of_pool = {k: v for cell in pool.values() for k, v in cell.content.items()}
        for strategy in study.strategies:
            for metric in study.metrics:
                content = common["content"] | of_pool | self._content_of("metric", metric)
                content |= self._content_of("strategy", strategy)
                for k in study.ks:
                    yield StrategyCell(
                        **common | {"content": content},
                        strategy=strategy,
                        metric=metric,
                        k=k,
                        mixture=self._settings("mixture", baseline.seed),
                        pool=tuple(pool),
                        needs=needs,
                    )
        for generic in study.generics:
            for steps in (None, *generic.also_steps):
                source = generics[generic.name, baseline.seed, steps]
                changes: dict[str, Any] = {"content": common["content"] | source.content}
                if steps is not None:
                    changes["settings"] = {**common["settings"], "steps": steps}
                kind = GenericCell if steps is None else GenericAblationCell
                yield kind(**common | changes, source=generic.name, needs=(source.id,))

    def _ablation(self, baseline: BaselineCell, steps: int) -> BaselineAblationCell:
        common = self._common(baseline.reference, baseline.seed, "target")
        return BaselineAblationCell(**common | {"settings": {**common["settings"], "steps": steps}})

    def _generic_source(
        self,
        generic: Generic,
        seed: int,
        sources: Mapping[Prompt, SourceCell],
        steps: int | None = None,
    ) -> GenericSourceCell:
        names = tuple(self.resolved.tasks[task].name for task in generic.tasks)
        same = sources.get((names[0], seed)) if len(names) == 1 else None
        settings = self._settings(f"generic {generic.name}", seed)
        if steps is not None:
            settings["steps"] = steps
        task = "+".join(names)
        return GenericSourceCell(
            model=self.model,
            content=self._content(*generic.tasks),
            task=task,
            seed=seed,
            source=generic.name,
            settings=settings,
            members=generic.tasks,
            rates=generic.rates,
            # One task may be the very tuning of a source.
            after=(same.id,) if same is not None else (),
            lane=f"{self.model} {task} {seed}",
        )

    def _similarities(self, metric: str, embedded: tuple[TuningCell, ...]) -> SimilaritiesCell:
        return SimilaritiesCell(
            model=self.model,
            content={k: v for cell in embedded for k, v in cell.content.items()}
            | self._content_of("metric", metric),
            metric=metric,
            # As declared: what the tasks hold is in the content.
            pool=tuple((cell.declared, cell.seed) for cell in embedded),
            compared=embedded,
            after=tuple(cell.id for cell in embedded),
        )

    def _target_ranking(
        self, metric: str, baseline: BaselineCell, sources: tuple[SourceCell, ...]
    ) -> TargetRankingCell:
        compared = (baseline, *sources)
        return TargetRankingCell(
            model=self.model,
            content={k: v for cell in compared for k, v in cell.content.items()}
            | self._content_of("metric", metric),
            metric=metric,
            pool=tuple((cell.declared, cell.seed) for cell in compared),
            compared=compared,
            needs=(baseline.id,),
            after=tuple(cell.id for cell in sources),
            task=baseline.task,
            reference=baseline.reference,
            seed=baseline.seed,
            settings=baseline.settings,
        )

    def _common(self, reference: str, seed: int, role: str) -> dict[str, Any]:
        """What every cell that tunes one task is made with."""
        return {
            "model": self.model,
            "task": self.resolved.tasks[reference].name,
            "reference": reference,
            "seed": seed,
            "settings": self._settings(role, seed),
            "content": self._content(reference),
        }

    def _content(self, *references: str, model: str | None = None) -> dict[str, str]:
        """Digests of the model and of tasks, by what `Resolved.titles` calls them."""
        names = [f"model {model or self.model}", *(f"task {reference}" for reference in references)]
        return {self.resolved.titles[n]: digest_of(self.resolved.contents[n]) for n in names}

    def _content_of(self, kind: str, part: str) -> dict[str, str]:
        """Digests of what a metric or strategy reads and of its code, where there are any."""
        names = (f"{kind} {part}", f"{CODE}{kind} {part}")
        known = {n: self.resolved.contents[n] for n in names if n in self.resolved.contents}
        return {self.resolved.titles[n]: digest_of(content) for n, content in known.items()}

    def _settings(self, role: str, seed: int) -> dict[str, Any]:
        return {**self.resolved.settings[self.model, role], "seed": seed}
