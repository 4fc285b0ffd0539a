"""Tunings on the torch engine: cohorts, checkpoints, scores."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import spotfw_torch as st
from benchmarks.english import measures
from benchmarks.english.bundle import Array, Part, TaskData
from benchmarks.english.grouped_order import grouped_order

#: Tokens decoded at most: of SQuAD's and ReCoRD's answers, and of WSC's referents.
_DECODED = {"text": 24, "referent": 8}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of all tunings. `pass_positions`: encoder positions of one pass, to bound memory."""

    batch: int = 16
    rate: float = 0.1
    pass_positions: int = 400_000


@dataclasses.dataclass(frozen=True, eq=False)
class Start:
    """A tuning to do.

    Attributes:
      name: unlike any other's.
      examples, lengths: what it is tuned on, and its inputs' lengths.
      seed: of the order of the data.
      prompt, moment, step: where it starts, or goes on.
      order: step -> rows; None for the grouped order.
    """

    name: str
    examples: st.Examples
    seed: int
    prompt: Array
    moment: Array | None = None
    step: int = 0
    order: Callable[[int], npt.NDArray[np.int64]] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Course:
    """What came of one: prompts by step, the last state, and losses of the steps done here."""

    prompts: Mapping[int, Array]
    moment: Array
    step: int
    losses: Array


class Data:
    """Examples of tasks for the engine, made once each."""

    def __init__(self) -> None:
        self.made: dict[tuple[int, ...], st.Examples] = {}
        self._parts: list[Part] = []
        self._order = functools.lru_cache(maxsize=None)(self._ordered)

    def examples(self, part: Part) -> st.Examples:
        """A part's inputs and targets."""
        return self.joined([part])

    def joined(self, parts: Sequence[Part]) -> st.Examples:
        """Several parts' inputs and targets, one after the other."""
        key = tuple(id(part) for part in parts)
        if key not in self.made:
            self._parts.extend(parts)  # an id is a name only while its object lives
            self.made[key] = st.Examples.of(
                [ids for part in parts for ids in part.inputs],
                [ids for part in parts for ids in part.targets],
            )
        return self.made[key]

    def order(
        self, examples: st.Examples, batch: int, seed: int
    ) -> Callable[[int], npt.NDArray[np.int64]]:
        """The grouped order, shared by members with the same data and seed."""
        key = next(k for k, v in self.made.items() if v is examples)
        return self._order(key, batch, seed)

    def _ordered(self, key: tuple[int, ...], batch: int, seed: int) -> Callable[[int], Any]:
        order = grouped_order(self.made[key].input_lengths, batch, seed)
        return functools.lru_cache(maxsize=2)(order)


def tune_together(
    model: Any,
    data: Data,
    starts: Sequence[Start],
    checkpoints: Sequence[int],
    settings: Settings,
    deadline: float = float("inf"),
) -> dict[str, Course]:
    """Tunes one cohort to the last checkpoint, or to the first after `deadline`.

    Args:
      checkpoints: steps whose prompts are kept, rising, after the starts' own step.
      deadline: of `time.monotonic`.
    """
    length = len(starts[0].prompt)
    longest = max(int(start.examples.input_lengths.max()) for start in starts)
    size = settings.batch * (length + longest)
    cohort = st.Cohort(
        model, length, settings.batch, members_at_once=max(1, settings.pass_positions // size)
    )
    for start in starts:
        cohort.join(
            st.Member(
                name=start.name,
                prompt=start.prompt,
                moment=start.moment,
                step=start.step,
                examples=start.examples,
                seed=start.seed,
                batch_size=settings.batch,
                rate=settings.rate,
                # As the study was tuned on the GPU, whose rows and prompts are kept.
                scale_weight_decay=True,
                order=start.order or data.order(start.examples, settings.batch, start.seed),
            )
        )
    prompts: dict[str, dict[int, Array]] = {start.name: {} for start in starts}
    losses: dict[str, list[Array]] = {start.name: [] for start in starts}
    last: dict[str, Any] = {}
    step = starts[0].step
    for target in checkpoints:
        while step < target and len(cohort):
            for _ in range(min(50, target - step)):
                cohort.step()
            step += min(50, target - step)
            for report in cohort.report():
                losses[report.name].append(report.losses)
                if report.state is not None:
                    last[report.name] = report.state
        for name, state in cohort.states().items():
            prompts[name][target] = state.prompt
            last[name] = state
        if time.monotonic() > deadline or not len(cohort):
            break
    return {
        name: Course(
            prompts=prompts[name],
            moment=last[name].moment,
            step=last[name].step,
            losses=np.concatenate([np.zeros(0, np.float32), *losses[name]]),
        )
        for name in prompts
    }


@dataclasses.dataclass(frozen=True)
class Scored:
    """Of one prompt on one part: the task's score, each measure, and what it predicted (int16)."""

    score: float
    measures: dict[str, float]
    predicted: npt.NDArray[np.int16] | None = None


def score_prompts(
    model: Any,
    data: Data,
    task: TaskData,
    part: Part,
    prompts: Sequence[Array],
    decode: Callable[[Sequence[int]], str],
    choosing: bool = False,
) -> list[Scored]:
    """Scores each prompt on a part of a task.

    Labels are ranked by likelihood. STS-B's number is the likelihoods' mean over 0.0 .. 5.0.
    SQuAD and ReCoRD are decoded; so is WSC, but `choosing` a checkpoint goes by the loss of
    right referents. Unlabelled text is scored by its loss, negative.
    """
    if task.kind in ("labels", "number"):
        scores = st.label_scores(model, prompts, part.inputs, task.label_ids)
        return [_of_labels(task, part, likelihoods) for likelihoods in scores]
    if task.kind == "lm" or (choosing and task.kind == "referent"):
        nats, tokens = st.example_losses(model, prompts, data.examples(part))
        right = np.array([label != 0 for label in part.referent_labels] or [True] * len(part))
        mean = nats[:, right].sum(1) / tokens[right].sum()
        return [Scored(-float(loss), {"loss": float(loss)}) for loss in mean]
    written = st.greedy(model, prompts, part.inputs, _DECODED[task.kind])
    return [_of_texts(task, part, [decode(row.tolist()) for row in rows]) for rows in written]


def _of_labels(task: TaskData, part: Part, scores: Array) -> Scored:
    predicted = scores.argmax(1)
    if task.kind == "labels":
        measured = measures.class_scores(part.gold, predicted, len(task.label_ids))
    else:
        values = np.array([float(label) for label in task.facts["labels"]])
        share = np.exp(scores - scores.max(1, keepdims=True)).astype(np.float64)
        mean = (share * values).sum(1) / share.sum(1)
        measured = measures.number_scores(values[part.gold], mean)
        likeliest = measures.number_scores(values[part.gold], values[predicted])
        measured |= {f"likeliest_{name}": value for name, value in likeliest.items()}
    return Scored(
        measures.task_score(task.facts["metrics"], measured), measured, predicted.astype(np.int16)
    )


def _of_texts(task: TaskData, part: Part, texts: Sequence[str]) -> Scored:
    if task.kind == "referent":
        referents = [answers[0] for answers in part.answers]
        measured = measures.referent_scores(referents, part.referent_labels, texts)
    else:
        measured = measures.answer_scores(part.answers, texts)
    return Scored(measures.task_score(task.facts["metrics"], measured), measured)
