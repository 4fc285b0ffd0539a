"""``spotfw tune``, ``evaluate`` and ``predict``: learn a prompt, score it, run it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli.display import say
from spotfw.cli.options import given, model_options, open_session, settings_options

if TYPE_CHECKING:
    from spotfw.prompts import SoftPrompt
    from spotfw.recipe.session import Session

#: Settings that are as they were in tuning, unless they are given.
_LENGTHS = ("max_input_length", "max_target_length")


@click.command(short_help="Learn a prompt on a task or mixture.")
@click.argument("task")
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
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@settings_options()
def tune(
    task: str,
    model: str,
    init: str,
    out: str,
    resume: bool,
    library: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Learn a prompt on TASK: a task's or mixture's name, or a TOML file that describes one.

    A setting that is not given is the model's own where it has one, else the default shown.
    A run killed at any moment goes on with --resume, bit for bit as if it had not been.

    \b
    Example:
      spotfw tasks
      spotfw tune film_reviews --steps 500 --seed 1 --out runs/film
      spotfw tune my_task.toml --init prompt:runs/film/best.safetensors --out runs/mine
    """
    from spotfw.cli.display import print_json, print_table
    from spotfw.cli.watch import Watch

    session = open_session(model, library, options)
    asked = session.task(task)
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
@click.argument("task")
@model_options(default=None)
@click.option("--split", default="validation", show_default=True, help="What to score on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@settings_options(only=("max_eval_examples", "eval_batch_size", *_LENGTHS))
def evaluate(
    prompt: str, task: str, model: str | None, split: str, as_json: bool, **options: Any
) -> None:
    """Score PROMPT on TASK.

    PROMPT is a prompt's file, a PEFT adapter's folder, or a finished run's folder, whose best
    prompt is taken.

    \b
    Example:
      spotfw evaluate runs/film film_reviews --split test
    """
    from spotfw.cli.display import print_json, print_table

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
@model_options(default=None)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@settings_options(only=("eval_batch_size", *_LENGTHS))
def predict(prompt: str, model: str | None, as_json: bool, **options: Any) -> None:
    """Decode an answer for each line of standard input, with PROMPT in front.

    PROMPT is a prompt's file, a PEFT adapter's folder, or a finished run's folder. A line is
    the task's whole input text as `spotfw tasks show NAME --examples 3` shows it. There is one
    line of output for each of input; a blank one, or one that is not UTF-8, gets an empty one
    (with --json null), and is named on stderr.

    \b
    Example:
      spotfw predict runs/film/best.safetensors < lines.txt
    """
    from spotfw.cli.display import note, print_json
    from spotfw.cli.lines import named, read_lines
    from spotfw.errors import SpotError

    if sys.stdin is not None and sys.stdin.isatty():
        note("Reading lines of text from the keyboard; end with Ctrl-D.")
    lines = read_lines()
    loaded, session, settings = _open(prompt, model, options)
    sound = lines.sound
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
        note(f"Blank, and not answered: {named(lines.blank)} of standard input.")
    if lines.undecodable:
        raise SpotError(
            f"Not UTF-8, and not answered: {named(lines.undecodable)} of standard input. The other "
            "lines are answered above. Save the text as UTF-8: iconv -f LATIN1 -t UTF-8."
        )


def _open(
    path: str, model: str | None, options: dict[str, Any]
) -> tuple[SoftPrompt, Session, dict[str, Any]]:
    """A prompt's file, a session with its model, and the settings that were given."""
    from spotfw import files
    from spotfw.errors import UnknownName, WrongUse
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
