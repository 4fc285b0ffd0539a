"""The command line: ``python -m spotfw_english.pretraining``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from spotfw.errors import SpotError
from spotfw_english.pretraining.sizes import NAMED


@click.group()
def main() -> None:
    """Pre-trains a small T5 1.1 on text of your own, as the model `english` was."""


@main.command()
@click.argument("sources", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def labels(sources: Path, out: Path) -> None:
    """Collects into OUT the labels that SOURCES carry: NLTK's pros_cons and movie_reviews,
    wiki-split, OpenTriviaQA and self_dialogue_corpus, each unpacked under its name."""
    from spotfw_english.pretraining.labels import collect, write_labels

    write_labels(collect(sources), out)


@main.command()
@click.argument("text", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--labels", "label_file", type=click.Path(path_type=Path), help="See `labels`.")
@click.option("--size", type=click.Choice(list(NAMED)), default="english", show_default=True)
@click.option("--pieces", default=10_012, show_default=True, help="Of the vocabulary.")
@click.option("--steps", default=11_651, show_default=True, type=click.IntRange(1))
@click.option("--rows", default=256, show_default=True, type=click.IntRange(2), help="A step.")
@click.option("--input-tokens", default=256, show_default=True, type=click.IntRange(32))
@click.option("--target-tokens", default=64, show_default=True, type=click.IntRange(16))
@click.option("--optimizer", type=click.Choice(["muon", "adam"]), default="muon")
@click.option("--rate", default=2e-2, show_default=True)
@click.option("--workers", default=0, show_default=True, help="Processes that make batches.")
@click.option("--save-every", default=1_000, show_default=True, help="Steps.")
@click.option("--seed", default=11, show_default=True)
def train(text: Path, out: Path, label_file: Path | None, **options: Any) -> None:
    """Trains on the files NAME.txt and NAME.txt.xz in the folder TEXT, one paragraph a line.

    Run the same command again after an interruption: it goes on from its last checkpoint. The
    trained model is OUT/model, which `spotfw` takes as --model.
    """
    from spotfw_english.pretraining.running import pretrain

    def show(row: Mapping[str, Any]) -> None:
        click.echo(", ".join(f"{key} {value}" for key, value in row.items()), err=True)

    pretrain(text, out, label_file, observer=show, **options)
    click.echo(str(out / "model"))


def command() -> None:
    """Runs the group; what a user can mend is one line."""
    try:
        main()
    except SpotError as error:
        raise SystemExit(f"Error: {error}") from None


if __name__ == "__main__":
    command()
