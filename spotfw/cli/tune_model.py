"""``spotfw tune --method model``: all weights tuned, the paper's ModelTuning."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import click

from spotfw.cli.display import note, say
from spotfw.cli.options import OPENING
from spotfw.config import LENGTHS, ModelTuningSettings, TuningSettings
from spotfw.errors import WrongUse

if TYPE_CHECKING:
    from spotfw.recipe.model_run import TunedModel
    from spotfw.recipe.session import Session
    from spotfw.tasks import Mixture, Task
    from spotfw.tasks.file_columns import Columns

#: Settings that only one of the methods has.
_OF_PROMPTS = {f.name for f in attrs.fields(TuningSettings)} - {
    f.name for f in attrs.fields(ModelTuningSettings)
}

method_option = click.option(
    "--method",
    type=click.Choice(["prompt", "model"]),
    default="prompt",
    show_default=True,
    help="What is tuned: a prompt, or all weights of the model, with the defaults of "
    "ModelTuning: rate 0.001, and of a model without settings of its own 262,144 steps with a "
    "checkpoint every 5,000.",
)


def batch_tokens_option(when: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--batch-tokens``; `when` stands before its help, where not every use takes it."""
    text = (
        "input tokens an update, in place of --batch-size [default: the model's batch size, else "
        "65,536 tokens]."
    )
    text = f"{when}: {text}" if when else text[:1].upper() + text[1:]
    return click.option("--batch-tokens", type=int, metavar="N", help=text)


def check_method(method: str, given: Mapping[str, Any]) -> None:
    """Refuses options that the method does not know.

    Args:
      method: ``prompt`` or ``model``.
      given: options that were given, by name.

    Raises:
      WrongUse: one of them makes no sense.
    """
    foreign = ["batch_tokens"]
    if method == "model":
        foreign = ["init", "library", *sorted(_OF_PROMPTS)]
    seeds = given.get("seeds")
    if method == "model" and seeds:
        one_by_one = ", then ".join(f"--seed {seed}" for seed in seeds)
        raise WrongUse(
            f"--seeds does not go with --method model. Tune one run for each seed: {one_by_one}, "
            "each with an --out of its own."
        )
    wrong = [name for name in foreign if given.get(name) is not None]
    if wrong:
        option = wrong[0].replace("_", "-")
        raise WrongUse(
            f"--{option} does not go with --method {method}. Leave it out: "
            + ("all weights are tuned, without a prompt." if method == "model" else "it counts in")
            + ("" if method == "model" else " --batch-size.")
        )


def check_batch(batch_tokens: int | None, batch_size: int | None) -> None:
    """Refuses a batch's size that is named twice.

    Raises:
      WrongUse: both are given.
    """
    if batch_tokens is not None and batch_size is not None:
        raise WrongUse(
            f"--batch-tokens {batch_tokens} and --batch-size {batch_size} both say how large a "
            "batch is: one in tokens, the other in examples. Leave one of them out."
        )


def with_engine(model: str, options: dict[str, Any], out: str | None = None) -> None:
    """Names in the options an engine that tunes all weights, where the user names none.

    Args:
      model: a name or a folder.
      options: of the command.
      out: folder of a run to go on with, which keeps its engine.

    Raises:
      WrongUse: it does not have an option that was given, or the run has another than is named.
    """
    from spotfw.contracts import OptionNames
    from spotfw.plugins import default_plugins
    from spotfw.plugins.models import choose_backend, weight_backend, weight_engines
    from spotfw.recipe.begun import check_engine
    from spotfw.recipe.model_run_folder import can_go_on, engine_of

    plugins = default_plugins()
    begun = None if out is None else engine_of(out)
    if begun not in weight_engines(plugins):
        begun = None
    named = options.get("backend")
    if named is not None:
        # Before it opens the model, of which it may not read the folder either.
        if out is not None and can_go_on(out):
            check_engine(out, begun, named.partition(":")[0])
        return
    chosen = options["backend"] = begun or weight_backend(model, plugins)
    if begun and begun != weight_backend(model, plugins):
        note(f"Engine: {chosen}, with which the run in {out} was begun.")
    elif chosen != choose_backend(model, plugins):
        note(f"Engine: {chosen}, because it tunes weights. --backend NAME takes another.")
    engine = plugins.backend(chosen)
    for name in OPENING:
        if (
            options.get(name) is not None
            and isinstance(engine, OptionNames)
            and name not in engine.options
        ):
            option = name.replace("_", "-")
            raise WrongUse(
                f"--{option} does not go with tuning all weights: {chosen} does that here, which "
                "has no such option. Leave it out."
            )


def tune_weights(
    session: Session,
    task: Task | Mixture,
    out: str,
    resume: bool,
    as_json: bool,
    settings: dict[str, Any],
) -> None:
    """Tunes all weights, and shows the checkpoints."""
    from spotfw.recipe.progress.watch import Watch

    with Watch() as watch:
        tuned = session.tune_model(task, out=out, resume=resume, observer=watch, **settings)
    show_tuned_model(tuned, as_json)


def show_tuned_model(tuned: TunedModel, as_json: bool) -> None:
    """The checkpoints of a tuning of all weights, and where the best lie."""
    from spotfw.cli.display import print_json, print_table
    from spotfw.recipe.progress.figures import number

    best, before = tuned.best, tuned.before
    if as_json:
        history = [
            {"step": h.step, "loss": h.loss, "score": h.score, "metrics": dict(h.metrics)}
            for h in tuned.history
        ]
        print_json(
            {
                "task": tuned.task,
                "out": tuned.folder,
                "score": tuned.score,
                "metrics": dict(best.metrics),
                "best_step": best.step,
                "model": tuned.model,
                "parameters": tuned.parameters,
                "history": history,
                **(
                    {"before": {"score": before.score, "metrics": dict(before.metrics)}}
                    if before is not None
                    else {}
                ),
            }
        )
        return
    first = [] if before is None else [[0, None, before.score, *before.metrics.values(), ""]]
    print_table(
        ["step", "loss", "score", *best.metrics, ""],
        [
            *first,
            *[
                [
                    h.step,
                    h.loss,
                    h.score,
                    *h.metrics.values(),
                    "best" if h.step == best.step else "",
                ]
                for h in tuned.history
            ],
        ],
    )
    say(f"best weights: {tuned.model} (step {best.step}, score {number(tuned.score)})")


@attrs.frozen
class TunedWeights:
    """What a folder of tuned weights says of itself.

    Attributes:
      folder: where they lie.
      lengths: that they were tuned with.
      columns: of the file that they were tuned on, None where it was no such file.
      task: name of the task that they were tuned on.
      labels: of the task, none where the folder does not say.
    """

    folder: str
    lengths: dict[str, Any]
    columns: Columns | None
    task: str
    labels: tuple[str, ...]


def tuned_model(path: str) -> TunedWeights | None:
    """The folder of tuned weights that a run's folder or the folder itself names.

    Returns:
      None where `path` is something else.

    Raises:
      WrongUse: what it says of itself is damaged, or the run has not ended.
    """
    from spotfw import files
    from spotfw.reading import MOST_JSON, parse_json
    from spotfw.recipe.model_run_folder import ABOUT, MODEL, checkpoint_steps
    from spotfw.tasks.file_columns import Columns

    for folder in (path, os.path.join(path, MODEL)):
        about = os.path.join(folder, ABOUT)
        if os.path.isfile(about):
            try:
                said = parse_json(files.read_bytes(about, MOST_JSON))
                lengths = {name: said["settings"][name] for name in LENGTHS}
                TuningSettings.from_dict(lengths)
                task, labels = said.get("task", ""), said.get("labels", [])
                if not isinstance(labels, list) or not all(
                    isinstance(name, str) for name in (task, *labels)
                ):
                    raise ValueError("its task and labels must be texts")
            except (ValueError, KeyError, TypeError, WrongUse) as error:
                raise WrongUse(
                    f"The file {about} is damaged ({error}). It says how the weights were tuned: "
                    "put it back, or remove it and tune prompts on the folder by --model."
                ) from error
            columns = Columns.from_dict(said.get("file_columns"))
            if columns is not None:
                columns = attrs.evolve(columns, why=", as where the weights were tuned")
            return TunedWeights(folder, lengths, columns, task, tuple(labels))
    steps = checkpoint_steps(path)
    if steps:
        raise WrongUse(
            f"The run in {path} tunes all weights and has done {steps[-1]} steps, but not ended: "
            "its model is not there yet. Go on with it by the command it was begun with and "
            "--resume."
        )
    return None
