"""``spotfw models``: frozen models by name, what is in a folder, and conversion."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from spotfw.cli import completion
from spotfw.cli.display import say_fact
from spotfw.cli.options import (
    bare_listing,
    given,
    json_option,
    open_session,
    settings_options,
)
from spotfw.cli.tune_model import batch_tokens_option, check_batch


@click.group(short_help="Frozen models: list, show, convert, adapt.", invoke_without_command=True)
@json_option
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """Frozen models: those known by name, which are listed without a command, and folders."""
    bare_listing(context, list_models, as_json)


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """The models that plugins give by name.

    Any folder with a T5 1.1 checkpoint serves as a model too; see `spotfw models show`.
    """
    from spotfw.cli.display import note, print_json, print_table
    from spotfw.plugins import default_plugins

    rows = [
        {
            "name": part.name,
            "description": part.value.description,
            "settings": dict(part.value.settings),
            "origin": part.owner,
        }
        for part in default_plugins().components("model")
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(
            ["name", "description", "from"],
            [[row["name"], row["description"], row["origin"]] for row in rows],
        )
    else:
        note(
            "No plugin gives a model by name. Give the folder of a T5 1.1 checkpoint instead, or "
            "make one from a Hugging Face folder with `spotfw models convert SRC DST`."
        )


@models.command(short_help="One model: dimensions, vocabulary, fingerprint.")
@click.argument("folder", metavar="DIR", shell_complete=completion.parts("model"))
@json_option
def show(folder: str, as_json: bool) -> None:
    """Dimensions, parameters, vocabulary, step and fingerprint of the model in DIR.

    DIR is a Mesh TF checkpoint folder (local or gs://), a Hugging Face T5 1.1 folder, or the
    name of a model that `spotfw models list` knows. Of a model by name, and of weights tuned from
    one, also the settings that are used in place of the paper's wherever it is named. Parameters
    count the output layer by itself, as T5 1.1 has it, where its values equal the embeddings too.
    """
    from spotfw.cli.display import print_json
    from spotfw.plugins import default_plugins
    from spotfw.plugins.model_settings import own_settings
    from spotfw.plugins.models import model_folder

    # Known before TensorFlow is loaded, so that a misspelt name is answered at once.
    settings = dict(own_settings(folder, default_plugins()))
    folder = model_folder(folder, default_plugins())

    from spotfw.backends.mesh.folders.describe import describe

    facts = describe(folder) | {"settings": settings}
    if as_json:
        print_json(facts)
    else:
        _print(facts)


@models.command()
@click.argument("src")
@click.argument("dst")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="What to write; bfloat16 rounds.",
)
@json_option
def convert(src: str, dst: str, dtype: str, as_json: bool) -> None:
    """Turn the T5 1.1 in SRC into the other kind of folder, DST.

    A Hugging Face folder (config.json, safetensors) becomes a Mesh TF checkpoint folder, and
    the other way round. DST must not exist or be empty; it appears whole or not at all. The
    way there and back is exact.
    """
    import attrs

    from spotfw.cli.display import Progress, note, print_json
    from spotfw.plugins import default_plugins
    from spotfw.plugins.models import model_folder

    src = model_folder(src, default_plugins())

    from spotfw.backends.mesh.folders import convert as conversion

    with contextlib.ExitStack() as stack:
        bars: list[Progress] = []

        def progress(done: int, total: int) -> None:
            if not bars:  # how many tensors there are is known only now
                bars.append(stack.enter_context(Progress("convert", total, unit="tensors")))
            bars[0].update(done)

        converted = conversion.convert(src, dst, dtype, progress)
    if as_json:
        print_json(attrs.asdict(converted))
    else:
        what = {"mesh": "Mesh TensorFlow checkpoint", "huggingface": "Hugging Face folder"}
        note(
            f"{what[converted.kind]} in {dst}: {converted.parameters:,} parameters, "
            f"fingerprint {converted.fingerprint}."
        )
    for text in converted.notes:
        note(text)


@models.command(short_help="Tune all weights to write on where a text is cut.")
@click.argument("model", shell_complete=completion.parts("model"))
@click.argument("text", metavar="TEXT.txt|TASK")
@click.option("--out", required=True, metavar="DIR", help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the run in DIR from its last checkpoint.")
@click.option("--steps", type=int, default=100_000, show_default=True, help="Number of updates.")
@click.option("--backend", metavar="NAME", help="The engine [default: one that tunes weights].")
@click.option("--threads", type=click.IntRange(0), help="Threads an operation [default: all].")
@batch_tokens_option()
@settings_options(
    only=(
        *("batch_size", "learning_rate", "dropout", "checkpoint_every", "seed"),
        *("max_input_length", "max_target_length", "max_eval_examples"),
    ),
    learning_rate=0.001,
    checkpoint_every=5_000,
    max_target_length="that of inputs",
    texts={
        "seed": "Of the order of the data and dropout",
        "max_input_length": "Text tokens kept of an input",
    },
)
@json_option
def adapt(
    model: str,
    text: str,
    out: str,
    resume: bool,
    steps: int,
    batch_tokens: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """LM adaptation: tune all weights of MODEL on prefix LM, which makes prompts work better.

    TEXT.txt (or .md) is UTF-8, its paragraphs parted by blank lines; each piece is cut in two,
    and the model learns to write the second half after the first. TASK is a task or a task's
    file. One piece in 20 is held out, and the checkpoint that finds these likeliest is kept in
    DIR/model, a model like any other.

    \b
    Example:
      spotfw models adapt playground my_text.txt --steps 500 --out runs/adapted
    """
    from spotfw.cli.tune_model import show_tuned_model, with_engine
    from spotfw.recipe.progress.watch import Watch

    check_batch(batch_tokens, options["batch_size"])
    with_engine(model, options, out if resume else None)
    session = open_session(model, None, options)
    settings = {**given(options), "steps": steps, "batch_tokens": batch_tokens}
    with Watch() as watch:
        tuned = session.adapt_model(text, out=out, resume=resume, observer=watch, **settings)
    show_tuned_model(tuned, as_json)


def _print(facts: dict[str, Any]) -> None:
    kind = {"mesh": "Mesh TensorFlow checkpoint", "huggingface": "Hugging Face folder"}
    heads, width = facts["num_heads"], facts["d_kv"]
    pieces = facts["pieces"]
    lines = {
        "folder": facts["folder"],
        "kind": kind[facts["kind"]],
        "step": facts["step"],
        "layers": f"{facts['encoder_layers']} encoder, {facts['decoder_layers']} decoder",
        "d_model": facts["d_model"],
        "d_ff": facts["d_ff"],
        "heads": f"{heads} of {width}",
        "vocabulary": f"{facts['vocabulary_size']:,} ids"
        + (f", {pieces:,} pieces in the folder's sentencepiece model" if pieces else ""),
        "parameters": f"{facts['parameters']:,} ({facts['dtype']})",
        "fingerprint": facts["fingerprint"],
        "settings": ", ".join(f"{k} {v}" for k, v in facts["settings"].items()) or None,
    }
    for name, value in lines.items():
        if value is not None:
            say_fact(name, value)
