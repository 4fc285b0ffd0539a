"""``spotfw tune``, ``evaluate`` and ``predict``: learn a prompt, score it, run it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.options import given, model_options, open_session, settings_options
from spotfw.cli.own_data import (
    column_options,
    is_data_task,
    own_task,
    refuse_columns,
    text_column_option,
)
from spotfw.cli.scored_file import evaluate_file
from spotfw.cli.seeds import seeds_of, tune_seeds
from spotfw.config import LENGTHS
from spotfw.errors import WrongUse

if TYPE_CHECKING:
    from spotfw.prompts import SoftPrompt
    from spotfw.recipe.session import Session
    from spotfw.tasks import Task


@click.command(short_help="Learn a prompt on a task or mixture.")
@click.argument("task", shell_complete=completion.tasks)
@model_options(default="playground")
@click.option(
    "--init",
    default="sampled_vocab",
    show_default=True,
    metavar="NAME[:ARGUMENT]",
    help="How it starts: sampled_vocab, class_label, text:TEXT, prompt:FILE or a plugin's.",
)
@click.option("--out", required=True, metavar="DIR", help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the run in DIR from its last checkpoint.")
@click.option("--library", metavar="DIR", help="Also keep the prompt in this library.")
@click.option(
    "--seeds",
    metavar="N,N,...",
    callback=seeds_of,
    help="Tune under each of these seeds, side by side; DIR gets a folder for each.",
)
@column_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@settings_options()
def tune(
    task: str,
    model: str,
    init: str,
    out: str,
    resume: bool,
    library: str | None,
    seeds: tuple[int, ...] | None,
    text_columns: tuple[str, ...],
    label_column: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Learn a prompt on TASK: a task's or mixture's name, or a TOML file that describes one.

    TASK may also be a .csv, .tsv or .jsonl file of labelled texts, which is split into parts
    beside DIR.

    A setting that is not given is the model's own where it has one, else the default shown.
    A run killed at any moment goes on with --resume, bit for bit as if it had not been.

    \b
    Example:
      spotfw tasks
      spotfw tune film_reviews --steps 500 --seed 1 --out runs/film
      spotfw tune film_reviews --steps 500 --seeds 0,1,2 --out runs/film_reviews
      spotfw tune my_task.toml --init prompt:runs/film/best.safetensors --out runs/mine
    """
    from spotfw.cli.display import print_json, print_table
    from spotfw.recipe.progress.watch import Watch

    session = open_session(model, library, options)
    if is_data_task(task):
        beside = os.path.dirname(os.path.normpath(out)) or "."
        task = str(own_task(task, text_columns, label_column, beside).task_file)
    else:
        refuse_columns(task, text_columns, label_column)
    asked = session.task(task)
    if seeds is not None:
        tune_seeds(session, asked, seeds, as_json, init, out, resume, given(options))
        return
    with Watch() as watch:
        tuned = session.tune(
            asked, init=init, out=out, resume=resume, observer=watch, **given(options)
        )
    best = tuned.best.provenance
    result = {
        "task": best.task,
        "out": tuned.folder,
        "score": tuned.score,
        "metrics": dict(best.metrics),
        "best_step": best.step,
        "embedding_step": tuned.embedding.provenance.step,
        "best": os.path.join(tuned.folder, "best.safetensors"),
        "embedding": os.path.join(tuned.folder, "embedding.safetensors"),
    }
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
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
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
    prompt is taken. TASK may also be a .csv, .tsv or .jsonl file of labelled texts, all of which
    are scored.

    \b
    Example:
      spotfw evaluate runs/film film_reviews --split test
      spotfw evaluate runs/mine new.csv --text-column review --label-column stars
    """
    from spotfw.cli.display import print_json, print_table

    if is_data_task(task):
        evaluate_file(
            *_open(prompt, model, options),
            prompt,
            task,
            None if template is None else _task_file(template),
            (text_columns, label_column),
            split,
            as_json,
        )
        return
    refuse_columns(task, text_columns, label_column)
    if template is not None:
        raise WrongUse(f"--task goes with a data file, but {task} is a task itself. Leave it out.")
    split = split or "validation"
    loaded, session, settings = _open(prompt, model, options)
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


@click.command(short_help="Run a prompt on lines of text.")
@click.argument("prompt")
@click.argument("file", metavar="[FILE]", required=False)
@model_options(default=None)
@click.option("--task", metavar="T", help="A task's file, whose template each text is put into.")
@text_column_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@settings_options(only=("eval_batch_size", *LENGTHS))
def predict(
    prompt: str,
    file: str | None,
    model: str | None,
    task: str | None,
    text_columns: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Decode an answer for each line of FILE, or of standard input, with PROMPT in front.

    PROMPT is a prompt's file, a PEFT adapter's folder, or a finished run's folder. A line is
    the task's whole input text as `spotfw tasks show NAME --examples 3` shows it; with --task
    it is the text alone, and FILE may also be a .csv, .tsv or .jsonl file of rows. There is one
    line of output for each of input; a blank one, or one that is not UTF-8, gets an empty one
    (with --json null), and is named on stderr.

    \b
    Example:
      spotfw predict runs/film/best.safetensors < lines.txt
      spotfw predict runs/mine/best.safetensors --task my_reviews.toml new.csv
    """
    from spotfw.cli.display import note, print_json
    from spotfw.cli.inputs import read_inputs
    from spotfw.cli.lines import named
    from spotfw.errors import SpotError

    if file is None and sys.stdin is not None and sys.stdin.isatty():
        note("Reading lines of text from the keyboard; end with Ctrl-D.")
    lines = read_inputs(file, None if task is None else _task_file(task), text_columns)
    place = file or "standard input"
    loaded, session, settings = _open(prompt, model, options)
    sound = lines.sound
    if sound and task is None:
        shown = loaded.provenance.task or "NAME"
        note(
            f"Each line is the model's whole input, as `spotfw tasks show {shown} --examples 3` "
            "shows it. For texts alone, name the task with --task: its template is put around them."
        )
    given_back = iter(session.predict(loaded, sound, **settings) if sound else [])
    answers = [next(given_back) if text and text.strip() else None for text in lines.texts]
    if as_json:
        pairs = zip(lines.texts, answers, strict=True)
        print_json([{"input": text, "output": answer} for text, answer in pairs])
    else:
        for answer in answers:
            # One line of output for each of input, whatever the model says.
            say(" ".join((answer or "").splitlines()))
    if lines.blank:
        note(f"Blank, and not answered: {named(lines.blank)} of {place}.")
    if lines.faults:
        shown = "; ".join(f"line {n}: {why}" for n, why in [*lines.faults.items()][:5])
        more = f"; and {len(lines.faults) - 5} more" if len(lines.faults) > 5 else ""
        raise SpotError(
            f"{len(lines.faults)} of {len(lines.texts)} rows of {place} cannot be used, and are "
            f"not answered: {shown}{more}. The other rows are answered above."
        )
    if lines.undecodable:
        raise SpotError(
            f"Not UTF-8, and not answered: {named(lines.undecodable)} of {place}. The other "
            "lines are answered above. Save the text as UTF-8, without NUL characters: "
            "iconv -f LATIN1 -t UTF-8."
        )


def _task_file(name: str) -> Task:
    """The task whose template texts are put into."""
    from spotfw.plugins import default_plugins
    from spotfw.tasks import Task

    task = default_plugins().task(name)
    if not isinstance(task, Task):
        raise WrongUse(f"{name} is a mixture. Name a task's file with --task.")
    return task


def _open(
    path: str, model: str | None, options: dict[str, Any]
) -> tuple[SoftPrompt, Session, dict[str, Any]]:
    """A prompt's file, a session with its model, and the settings that were given."""
    from spotfw import files
    from spotfw.errors import UnknownName
    from spotfw.prompts import load_prompt

    best_of_run = files.join(path, "best.safetensors")
    prompt = load_prompt(best_of_run if files.exists(best_of_run) else path)
    place = model or prompt.provenance.model
    if place is None:
        raise WrongUse(f"The prompt {path} does not say which model it is for. Name it by --model.")
    try:
        session = open_session(place, None, options)
    except UnknownName as error:
        if model is None:
            origin = f"The prompt {path} was tuned on the model {place!r}."
            error.args = (f"{origin} {error} Name the model by --model.",)
        raise
    return prompt, session, {**given(options), "prompt_length": prompt.length}
