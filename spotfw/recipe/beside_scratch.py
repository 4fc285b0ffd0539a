"""A transfer with the same target tuned from scratch beside it, scored on rows not chosen by.

What `spotfw transfer FILE.csv` does: the target is tuned from scratch to its early checkpoint,
which ranks the sources; then it goes on beside the tunings from the best few of different tasks,
and all are scored on the test part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from spotfw.config import TARGET_STEPS
from spotfw.contracts import Candidate, Evaluation
from spotfw.library.retrieval import comparable
from spotfw.prompts import SoftPrompt
from spotfw.ranking import Ranking, in_order
from spotfw.recipe.candidates import TransferResult, choose
from spotfw.recipe.evaluation import TRAIN, VALIDATION
from spotfw.recipe.rounds import Rounds, all_of, one_round
from spotfw.recipe.session import SCRATCH, Session
from spotfw.recipe.transfer import check_k
from spotfw.recipe.tuned import Observer, TunedPrompt, Tuning
from spotfw.tasks import Task
from spotfw.tasks.survey import Survey, survey

#: Updates of each tuning at most, where a model has steps of its own: on `english` the best of
#: four tunings on 600 rows all were checkpoints at step 150 of 400.
FEW_STEPS = 300

#: Scored once all is tuned, where the task has it.
TEST = "test"

T = TypeVar("T")


@attrs.frozen(kw_only=True, eq=False)
class BesideScratch:
    """What came of it.

    Attributes:
      scratch: the target tuned from scratch.
      result: the transfer.
      test: of each tuning, by its folder, the best prompt's scores on the test part; empty
        where the task has none.
    """

    scratch: TunedPrompt
    result: TransferResult
    test: Mapping[str, Evaluation]

    @property
    def best(self) -> TunedPrompt:
        """The tuning with the highest validation score, from scratch among them."""
        return max((self.scratch, self.result.best.tuned), key=lambda tuned: tuned.score)


def transfer_beside_scratch(
    session: Session,
    target: Task,
    strategy: str,
    k: int,
    metric: str,
    *,
    observer: Observer | None = None,
    **settings: Any,
) -> BesideScratch:
    """Tunes the target from scratch, and from the most similar prompts of different tasks.

    Args:
      session: with a library of sources.
      target: the task.
      strategy: ``NAME[:key=value,...]``; it chooses among the most similar prompt of each task.
      k: how many of these it may use.
      metric: name of a similarity metric.
      observer: hears of progress.
      **settings: of all the target's tunings; see `few_steps`.

    Raises:
      SpotError: as `Session.transfer`.
    """
    check_k(k)  # before the target is tuned from scratch
    settings.setdefault("steps", few_steps(session))
    plugins = session.plugins
    part = plugins.strategy(strategy)

    def of_different_tasks(ranking: Ranking, k: int) -> tuple[Candidate, ...]:
        with plugins.blaming("strategy", strategy):
            return choose(part, first_of_each_task(ranking), k)

    scratch = session.tuning(target, init=SCRATCH, observer=observer, **settings)

    def transfers(embedding: SoftPrompt) -> list[Rounds[TransferResult]]:
        return [
            session.transfer_rounds(
                target,
                of_different_tasks,
                k,
                metric,
                embedding=embedding,
                observer=observer,
                **settings,
            )
        ]

    tuned_alone, (result,) = session.carry_out(then_beside(scratch, transfers))
    test: dict[str, Evaluation] = {}
    if TEST in target.splits:
        scored = {**settings, "max_eval_examples": None}
        tuned = [tuned_alone, *(outcome.tuned for outcome in result.outcomes)]
        prompts = [prompt.best for prompt in tuned]
        evaluations = session.evaluate_all(prompts, target, TEST, **scored)
        test = dict(zip([prompt.folder for prompt in tuned], evaluations, strict=True))
    return BesideScratch(scratch=tuned_alone, result=result, test=test)


def then_beside(
    scratch: Tuning, plans: Callable[[SoftPrompt], Sequence[Rounds[T]]]
) -> Rounds[tuple[TunedPrompt, list[T]]]:
    """A tuning to its embedding, and then the rest of it beside what the embedding is for.

    Args:
      scratch: the tuning.
      plans: gives what goes on beside it, once its embedding is known.

    Returns:
      what came of the tuning and of each plan.
    """
    settings, every = scratch.settings, scratch.settings.checkpoint_every
    until = -(-settings.embedding_step // every) * every
    (early,) = yield from one_round([attrs.evolve(scratch, until=until)])
    beside: list[Rounds[Any]] = [one_round([scratch]), *plans(early.embedding)]
    (tuned,), *results = yield from all_of(beside)
    return tuned, results


def few_steps(session: Session) -> int:
    """Updates of each tuning where none are asked for: so many that a person can wait for them.

    A model without settings of its own has the paper's.
    """
    steps = session.target_steps
    return steps if steps == TARGET_STEPS else min(steps, FEW_STEPS)


def source_count(session: Session, target: Task, **settings: Any) -> int:
    """How many prompts of different tasks there are to choose among for a target.

    Args:
      session: with a library of sources.
      target: the task, whose own prompts do not count.
      **settings: of its tunings.
    """
    shape = session.settings(**settings).prompt_length, session.model.width
    entries, fingerprint = session.library.entries(), session.model.fingerprint
    sources, _ = comparable(entries, shape, fingerprint, target.name)
    return len({(e.provenance.task is None, e.provenance.task or e.id) for e in sources})


def first_of_each_task(ranking: Ranking) -> Ranking:
    """Of each task's prompts the most similar; those that name no task count one by one."""
    first: dict[tuple[bool, str], Any] = {}
    for item in ranking:
        first.setdefault((item.task is None, item.task or item.id), item)
    return attrs.evolve(ranking, items=in_order(first.values()))


@attrs.frozen(kw_only=True)
class Reading:
    """How a task's texts meet the lengths that a model reads and writes.

    Attributes:
      settings: ``max_input_length`` and ``max_target_length`` that cut no more than the given
        ones would; shorter where all texts are, for what is not there costs time too.
      limit: tokens that are read of a text at most.
      longest: tokens of the longest text.
      cut: share of the texts that are longer than the limit, 0 to 1.
      majority: by split, accuracy in percent of the training part's most frequent label.
    """

    settings: Mapping[str, int]
    limit: int
    longest: int
    cut: float
    majority: Mapping[str, float]


def read_lengths(session: Session, target: Task, **given: Any) -> Reading:
    """Reads all splits of a task and sees how long its texts and labels are.

    Args:
      session: whose model's vocabulary counts tokens.
      target: a task with labels.
      **given: settings asked for by name, which stay as they are.
    """
    vocabulary = session.model.init_context(1).vocabulary
    surveys: list[Survey] = [survey(target, split, vocabulary) for split in target.splits]
    lengths = [length for split_survey in surveys for length in split_survey.inputs.tolist()]
    targets = max(int(split_survey.targets.max()) for split_survey in surveys)
    limit = session.settings(**given).max_input_length
    chosen: dict[str, int] = {}
    if "max_input_length" not in given:
        # In steps, so that a few rows more do not make another run of it.
        chosen["max_input_length"] = min(limit, -(-max(lengths) // 16) * 16)
    if "max_target_length" not in given:
        chosen["max_target_length"] = targets
    counts = {split_survey.split: split_survey.labels for split_survey in surveys}
    most = max(counts[TRAIN], key=lambda label: counts[TRAIN][label])
    return Reading(
        settings=chosen,
        limit=limit,
        longest=max(lengths),
        cut=sum(length > limit for length in lengths) / len(lengths),
        majority={
            split: 100 * Counter(counts[split])[most] / sum(counts[split].values())
            for split in (VALIDATION, TEST)
            if split in counts
        },
    )
