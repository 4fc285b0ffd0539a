"""``spotfw predict``: run a prompt on texts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli.options import given, json_option, model_options, open_session, settings_options
from spotfw.cli.own_data import is_data_file, text_column_option
from spotfw.config import LENGTHS
from spotfw.errors import WrongUse

if TYPE_CHECKING:
    from spotfw.prompts import SoftPrompt
    from spotfw.recipe.session import Session
    from spotfw.tasks import Task


@click.command(short_help="Run a prompt on lines of text.")
@click.argument("prompt")
@click.argument("file", metavar="[FILE]", required=False)
@model_options(default=None)
@click.option("--task", metavar="T", help="A task's file, whose template each text is put into.")
@text_column_option
@click.option(
    "--scores",
    is_flag=True,
    help="With each answer each label's share, 0 to 1: its likelihood of that of all labels.",
)
@json_option
@settings_options(only=("eval_batch_size", *LENGTHS))
def predict(
    prompt: str,
    file: str | None,
    model: str | None,
    task: str | None,
    text_columns: tuple[str, ...],
    scores: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Decode an answer for each line of FILE, or of standard input, with PROMPT in front.

    PROMPT is a prompt's file, a PEFT adapter's folder, or a finished run's folder. A line is
    the task's whole input text as `spotfw tasks show NAME --examples 3` shows it; with --task
    it is the text alone, and FILE may also be a .csv, .tsv or .jsonl file of rows (of a prompt
    that was learned from such a file, without --task too). There is one line of output for each
    of input; a blank one, or one that is not UTF-8, gets an empty one
    (with --json null), and is named on stderr. With --scores a tab and LABEL SHARE follow for
    each label, the most likely first. In a terminal the beginning of the text stands beside it,
    and of the labels as many as there is room for.

    \b
    Example:
      spotfw predict runs/film/best.safetensors < lines.txt
      spotfw predict runs/mine/best.safetensors --task my_reviews.toml new.csv
    """
    from spotfw.cli.display import note, print_json
    from spotfw.cli.inputs import definition_of, learned_from, read_inputs
    from spotfw.cli.lines import named
    from spotfw.cli.predictions import print_predictions
    from spotfw.errors import SpotError

    if file is None and sys.stdin is not None and sys.stdin.isatty():
        note("Reading lines of text from the keyboard; end with Ctrl-D.")
    template = None if task is None else task_of_file(task)
    loaded, session, settings = open_prompt(prompt, model, options)
    known = learned_from(loaded, prompt)
    learned = known.columns
    lines = read_inputs(file, template, text_columns, learned)
    place = file or "standard input"
    sound = lines.sound
    by_row = learned is not None and file is not None and is_data_file(file)
    if sound and task is None and not by_row:
        shown = f"as `spotfw tasks show {known.task or 'NAME'} --examples 3` shows it"
        if learned is not None:
            shown = f"such as {f'{learned.lead}some text'!r}"
        note(
            f"Each line is the model's whole input, {shown}. For texts alone, name the task with "
            "--task: its template is put around them."
        )
    labels = _labels(prompt, known.labels, template) if scores else ()
    given_back = iter(session.predict(loaded, sound, **settings) if sound else [])
    shares: Iterator[Iterable[float]] = iter(
        session.label_shares(loaded, sound, labels, **settings) if scores else ()
    )
    rows: list[dict[str, Any]] = []
    for text in lines.texts:
        answered = bool(text and text.strip())
        rows.append({"input": text, "output": next(given_back) if answered else None})
        if scores:
            rows[-1]["scores"] = _by_label(labels, next(shares)) if answered else None
    if as_json:
        print_json(rows)
    else:
        lead = learned.lead if learned is not None and by_row else ""
        if template is not None:
            lead = definition_of(template).inputs.parts[0][0]
        print_predictions(rows, lead)
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


def _labels(path: str, learned: Sequence[str], template: Task | None) -> tuple[str, ...]:
    """The labels to compare: the task's, else those that were learned."""
    labels = learned if template is None else template.labels
    if not labels:
        raise WrongUse(
            f"--scores compares labels, but {path} does not say which it was learned to "
            "write. Name a task that has labels with --task."
        )
    return tuple(labels)


def _by_label(labels: Sequence[str], shares: Iterable[float]) -> dict[str, float]:
    return {label: float(share) for label, share in zip(labels, shares, strict=True)}


def task_of_file(name: str) -> Task:
    """The task whose template texts are put into."""
    from spotfw.plugins import default_plugins
    from spotfw.tasks import Task

    task = default_plugins().task(name)
    if not isinstance(task, Task):
        raise WrongUse(f"{name} is a mixture. Name a task's file with --task.")
    return task


def open_prompt(
    path: str, model: str | None, options: dict[str, Any]
) -> tuple[SoftPrompt | None, Session, dict[str, Any]]:
    """A prompt's file, a session with its model, and the settings that were given.

    Of tuned weights there is no prompt: the session is with these.
    """
    from spotfw import files
    from spotfw.cli.tune_model import tuned_model
    from spotfw.errors import UnknownName
    from spotfw.prompts import load_prompt

    weights = tuned_model(path)
    if weights is not None:
        if model is not None:
            raise WrongUse(f"{path} holds all weights of a model itself. Leave --model out.")
        session = open_session(weights.folder, None, options)
        return None, session, {**weights.lengths, **given(options)}
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
