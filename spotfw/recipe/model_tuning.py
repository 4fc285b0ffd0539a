"""ModelTuning: all weights of a model tuned on a task, the paper's baseline (2.1.1).

Every `checkpoint_every` steps all weights are kept and scored on validation, without a prompt; the
best become a model's folder. Tuned first on a mixture and then, from that folder, on each target,
it is the paper's multi-task ModelTuning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from spotfw.config import LENGTHS, ModelTuningSettings, TuningSettings
from spotfw.contracts import Evaluation, FrozenModel, WeightTuneRequest, WeightTuning
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.model_settings import OWN, as_kept
from spotfw.plugins.models import weight_engines
from spotfw.recipe.evaluation import VALIDATION, evaluate
from spotfw.recipe.fitting import check_before_tuning
from spotfw.recipe.model_run import ModelRun, Score, TunedModel
from spotfw.recipe.model_run_folder import METHOD, ModelRunFolder
from spotfw.recipe.record import run_record
from spotfw.recipe.tensorboard import Events
from spotfw.recipe.tuned import Observer
from spotfw.tasks import Mixture, Task

#: Of a model's own settings of prompts, how long a tuning is and where it is scored; and with
#: these those that serve here too.
DURATION = ("steps", "checkpoint_every")
OF_MODEL = (
    *DURATION,
    *("batch_size", "eval_batch_size", "max_train_examples", "max_eval_examples"),
    *LENGTHS,
)


def scored_by_answers(
    model: FrozenModel, task: Task | Mixture, settings: TuningSettings
) -> Evaluation:
    """The task's metrics of what the model writes without a prompt."""
    return evaluate(model, None, task, VALIDATION, settings)


def chosen_settings(own: Mapping[str, Any], **changes: Any) -> ModelTuningSettings:
    """The paper's settings, with a model's own of `OF_MODEL` over them, then `changes`.

    Raises:
      UnknownName: there is no such setting.
      WrongUse: a value makes no sense.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    of_model = {name: own[name] for name in OF_MODEL if name in own}
    if "batch_tokens" in given:
        of_model.pop("batch_size", None)
    settings = ModelTuningSettings.from_dict({**of_model, **given})
    tokens, length = settings.batch_tokens, settings.max_input_length
    if "batch_tokens" in given and settings.batch_size is None and tokens < length:
        raise WrongUse(
            f"A batch of batch_tokens {tokens:,} does not hold an input, which may have "
            f"max_input_length {length:,} tokens. Take {length:,} or more, or say by batch_size "
            "how many examples an update has."
        )
    # Written out, so that a run says how many examples an update had.
    return attrs.evolve(settings, batch_size=settings.rows)


def tune_model(
    model: FrozenModel,
    task: Task | Mixture,
    settings: ModelTuningSettings,
    *,
    plugins: Plugins,
    out: str,
    asked: str | None = None,
    resume: bool = False,
    observer: Observer | None = None,
    announce: Callable[[str], None] = lambda line: None,
    score: Score = scored_by_answers,
    purpose: str = METHOD,
    score_before: bool = False,
    own: Mapping[str, Any] | None = None,
) -> TunedModel:
    """Tunes all weights on a task or mixture and keeps everything in a run folder.

    Args:
      model: whose weights are the start; it stays as it is.
      task: what to learn; a mixture is scored by its members' mean. Its splits are looked at by
        the caller.
      settings: the recipe, with its `batch_size`.
      plugins: who hears of the run.
      out: the run's folder, local.
      asked: what the model was asked for by, where that is not a folder.
      resume: go on with the run in `out`, if there is one.
      observer: hears of progress.
      announce: called with a line on the disk that is needed and on the optimizer's state.
      score: how good a checkpoint is on validation.
      purpose: of the tuning, in the record's place of an initializer: runs of two purposes, which
        are scored in other ways, are two runs.
      score_before: score the model before the first step too.
      own: settings that suit the model, which its tuned weights keep.

    Raises:
      WrongUse: the engine tunes no weights, or the folder holds another run.
      SpotError: the task, settings or disk cannot be used, or the loss is no number; what was
        saved stays.
    """
    if not isinstance(model, WeightTuning):
        able = [f"--backend {name}" for name in weight_engines(plugins)]
        raise WrongUse(
            "The engine that opened this model tunes prompts in front of it, and no weights. Take "
            "one that does"
            + (
                f": {' or '.join(able)}."
                if able
                else ", such as torch: `pip install spotfw-torch`."
            )
        )
    data = settings.of_data()
    columns = task.file_columns if isinstance(task, Task) else None
    record = {
        **run_record(model, task, settings, initializer=purpose, start=None, asked=asked),
        "method": METHOD,
        # So that a new file like the one the weights were tuned on is read alike, by them alone.
        **({"file_columns": columns.to_dict()} if columns is not None else {}),
    }
    with ModelRunFolder(out) as folder, contextlib.ExitStack() as curves:
        history = folder.load()
        step = history[-1].step if history else 0
        if step > settings.steps:
            raise WrongUse(
                f"The run in {out} has done {step} steps already, but only {settings.steps} are "
                f"asked for. Ask for {step} or more, or choose another folder with --out."
            )
        if step < settings.steps:
            answers = score is scored_by_answers
            check_before_tuning(model, task, data, asked, answers=answers)
        folder.begin(record, resume=resume)
        about = {**record, OWN: as_kept(own)} if own else record
        run = ModelRun(folder, task, settings, history, observer, plugins, record, score, about)
        if step == settings.steps:
            run.before = folder.before()
            return run.result(model)
        _look_at_disk(model, folder, settings, step, announce)
        request = WeightTuneRequest(
            task=task,
            settings=settings,
            step=step,
            checkpoint=folder.checkpoint(step) if step else None,
        )
        plugins.call("spotfw_run_started", run=run.record)
        run.events = curves.enter_context(Events(folder.path, step))
        try:
            if score_before:
                before = run.score_before(model)
                announce(f"Before the first step the model scores {before.score:.4g}.")
            for progress in model.tune_weights(request):
                run.take(progress)
            result = run.result(model)
        except Exception as error:
            with contextlib.suppress(Exception):  # the error may be a full disk's
                folder.keep_failure(error)
            plugins.call("spotfw_run_failed", run=run.record, error=error)
            raise
        plugins.call("spotfw_run_finished", run=run.record, scores={"score": result.score})
        return result


def _look_at_disk(
    model: WeightTuning,
    folder: ModelRunFolder,
    settings: ModelTuningSettings,
    step: int,
    announce: Callable[[str], None],
) -> None:
    size = model.checkpoint_bytes(settings)
    checkpoints = (
        -(-settings.steps // settings.checkpoint_every) - step // settings.checkpoint_every
    )
    at_once = folder.check_space(size, checkpoints=checkpoints)
    announce(
        f"A checkpoint of all weights takes {size:,} bytes; up to {at_once} lie in {folder.path}."
    )
    if not step and not model.has_optimizer_state:
        announce("The model's folder has no state of its optimizer: Adafactor starts afresh.")
