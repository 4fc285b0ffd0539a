"""``spotfw tune`` and ``evaluate``: learn a prompt, score it."""

from __future__ import annotations

import os
from typing import Any

import click

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.options import given, json_option, model_options, open_session, settings_options
from spotfw.cli.own_data import (
    column_options,
    is_data_task,
    own_task,
    refuse_columns,
)
from spotfw.cli.predict import open_prompt, task_of_file
from spotfw.cli.scored_file import evaluate_file
from spotfw.cli.seeds import facts_of, seeds_of, tune_seeds
from spotfw.cli.tune_model import (
    batch_tokens_option,
    check_batch,
    check_method,
    method_option,
    tune_weights,
    with_engine,
)
from spotfw.config import LENGTHS
from spotfw.errors import WrongUse


@click.command(short_help="Learn a prompt, or all weights, on a task or mixture.")
@click.argument("task", shell_complete=completion.tasks)
@model_options(default="playground")
@method_option
@click.option(
    "--init",
    metavar="NAME[:ARGUMENT]",
    help="How it starts: sampled_vocab, class_label, text:TEXT, prompt:FILE or a plugin's. "
    "[default: sampled_vocab]",
)
@click.option("--out", metavar="DIR", help="Folder of the run [required].")
@click.option("--resume", is_flag=True, help="Go on with the run in DIR from its last checkpoint.")
@click.option("--library", metavar="DIR", help="Also keep the prompt in this library.")
@click.option(
    "--seeds",
    metavar="N,N,...",
    callback=seeds_of,
    help="Tune under each of these seeds, side by side; DIR gets a folder for each.",
)
@column_options
@json_option
@batch_tokens_option("With --method model")
@settings_options()
def tune(
    task: str,
    model: str,
    method: str,
    init: str | None,
    out: str | None,
    resume: bool,
    library: str | None,
    seeds: tuple[int, ...] | None,
    text_columns: tuple[str, ...],
    label_column: str | None,
    as_json: bool,
    batch_tokens: int | None,
    **options: Any,
) -> None:
    """Learn a prompt on TASK: a task's or mixture's name, or a TOML file that describes one.

    TASK may also be a .csv, .tsv or .jsonl file of labelled texts, which is split into parts
    beside DIR.

    A setting that is not given is the model's own where it has one, else the default shown.
    A run killed at any moment goes on with --resume, bit for bit as if it had not been.

    With --method model all weights are tuned instead (ModelTuning); DIR/model is then a model
    like any other.

    \b
    Example:
      spotfw tasks
      spotfw tune film_reviews --steps 500 --seed 1 --out runs/film
      spotfw tune film_reviews --steps 500 --seeds 0,1,2 --out runs/film_reviews
      spotfw tune my.toml --init prompt:runs/film/best.safetensors --out runs/mine
      spotfw tune film_reviews --method model --steps 200 --out runs/film-all
    """
    from spotfw.cli.display import print_json, print_table
    from spotfw.recipe.progress.watch import Watch

    named = {"init": init, "library": library, "seeds": seeds, "batch_tokens": batch_tokens}
    check_method(method, {**named, **options})
    if method == "model":
        check_batch(batch_tokens, options["batch_size"])
        with_engine(model, options, out if resume else None)
    session = open_session(model, library, options)
    own = is_data_task(task)
    if not own:
        refuse_columns(task, text_columns, label_column)
        asked = session.task(task)
    # A name that is misspelt is said before what is missing.
    if out is None:
        raise WrongUse(
            f"Where should the run of {task} lie? Name a folder with --out, such as --out "
            f"runs/{os.path.basename(task).partition('.')[0]}."
        )
    if own:
        beside = os.path.dirname(os.path.normpath(out)) or "."
        made = own_task(task, text_columns, label_column, beside)
        asked = session.task(str(made.task_file))
    if method == "model":
        settings = {**given(options), "batch_tokens": batch_tokens}
        tune_weights(session, asked, out, resume, as_json, settings)
        return
    init = init or "sampled_vocab"
    if seeds is not None:
        kept = library is not None
        tune_seeds(session, asked, seeds, as_json, init, out, resume, given(options), kept)
        return
    with Watch() as watch:
        tuned = session.tune(
            asked, init=init, out=out, resume=resume, observer=watch, **given(options)
        )
    best = tuned.best.provenance
    result = facts_of(tuned)
    if library is not None:
        result["id"] = session.add(tuned)  # it is there already: this says by which id
    if as_json:
        history = [
            {"step": h.step, "loss": h.loss, "score": h.score, "metrics": dict(h.metrics)}
            for h in tuned.history
        ]
        print_json({**result, "history": history})
        return
    print_table(
        ["step", "loss", "score", *best.metrics, ""],
        [
            [h.step, h.loss, h.score, *h.metrics.values(), "best" if h.step == best.step else ""]
            for h in tuned.history
        ],
    )
    say(f"best prompt: {result['best']} (step {best.step}, score {tuned.score:.2f})")
    if library is not None:
        say(f"in the library {library}: {result['id']}")


@click.command(short_help="Score a prompt on a task.")
@click.argument("prompt")
@click.argument("task", shell_complete=completion.tasks)
@model_options(default=None)
@click.option("--split", help="What to score on [default: validation; all rows of a data file].")
@column_options
@click.option(
    "--task",
    "template",
    metavar="T",
    help="A task's file, whose template each text of a data file is put into.",
)
@json_option
@settings_options(only=("max_eval_examples", "eval_batch_size", *LENGTHS))
def evaluate(
    prompt: str,
    task: str,
    model: str | None,
    split: str | None,
    text_columns: tuple[str, ...],
    label_column: str | None,
    template: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Score PROMPT on TASK.

    PROMPT is a prompt's file, a PEFT adapter's folder, or a finished run's folder, whose best
    prompt is taken, or its best weights, without a prompt. TASK may also be a .csv, .tsv or
    .jsonl file of labelled texts, all of which are scored.

    \b
    Example:
      spotfw evaluate runs/film film_reviews --split test
      spotfw evaluate runs/mine new.csv --text-column review --label-column stars
    """
    from spotfw.cli.display import print_json, print_table

    if is_data_task(task):
        evaluate_file(
            *open_prompt(prompt, model, options),
            prompt,
            task,
            None if template is None else task_of_file(template),
            (text_columns, label_column),
            split,
            as_json,
        )
        return
    refuse_columns(task, text_columns, label_column)
    if template is not None:
        raise WrongUse(f"--task goes with a data file, but {task} is a task itself. Leave it out.")
    split = split or "validation"
    loaded, session, settings = open_prompt(prompt, model, options)
    evaluation = session.evaluate(loaded, task, split, **settings)
    if as_json:
        print_json(
            {
                "prompt": prompt,
                "task": task,
                "split": split,
                "score": evaluation.score,
                "metrics": dict(evaluation.metrics),
                "examples": evaluation.examples,
            }
        )
        return
    rows: list[list[object]] = [[name, value] for name, value in evaluation.metrics.items()]
    print_table(
        ["metric", split], [*rows, ["score", evaluation.score], ["examples", evaluation.examples]]
    )
