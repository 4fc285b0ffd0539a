"""What a prompt is run on, by a task's template: plain lines, or rows of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spotfw import files
from spotfw.cli.lines import Lines, lines_of, read_lines
from spotfw.cli.own_data import is_data_file
from spotfw.errors import WrongUse

if TYPE_CHECKING:
    from spotfw.tasks import Task
    from spotfw.tasks.tables.definition import TableDefinition
    from spotfw.tasks.tables.template import Template


def read_inputs(path: str | None, task: Task | None, text_columns: Sequence[str]) -> Lines:
    """Whole input texts, each by itself; what has no text is blank.

    Args:
      path: a file of lines, or of rows by its suffix; None for standard input.
      task: of a task file, whose template is filled; None where a line is a whole input.
      text_columns: of rows, the columns that stand for the template's only one.

    Raises:
      WrongUse: the template needs what lines do not have, or there is none.
      SpotError: the file cannot be read.
    """
    template = None if task is None else definition_of(task).inputs
    if path is not None and is_data_file(path):
        if template is None:
            raise WrongUse(
                f"The rows of {path} become the model's input by a task's template. Name the "
                "task's file with --task."
            )
        return _rows(Path(path), template, text_columns)
    lines = read_lines() if path is None else lines_of(files.read_bytes(path))
    if template is None:
        return lines
    if len(template.columns) > 1:
        raise WrongUse(
            f"An input of the task has several columns ({', '.join(template.columns)}), which a "
            "line does not. Name a .csv, .tsv or .jsonl file that has them."
        )
    (column,) = template.columns
    return Lines(
        tuple(
            template.fill({column: text.strip()}) if text and text.strip() else text
            for text in lines.texts
        )
    )


def definition_of(task: Task) -> TableDefinition:
    """What a task's file says.

    Raises:
      WrongUse: the task is of no file.
    """
    from spotfw.tasks.tables.definition import read_definitions

    if not task.origin.endswith(".toml"):
        raise WrongUse(
            f"The task {task.name} has no template for new texts: --task takes a task file "
            "(.toml). Leave it out, and give whole inputs as `spotfw tasks show` shows them."
        )
    definitions = {d.name: d for d in read_definitions(Path(task.origin))}
    return definitions[task.name]


def _rows(path: Path, template: Template, text_columns: Sequence[str]) -> Lines:
    from spotfw.tasks.tables.labelled_file import labelled_records

    texts: list[str | None] = []
    columns: tuple[str, ...] = tuple(text_columns)
    for _, record in labelled_records(path):
        if isinstance(record, str):
            texts.append("")
            continue
        columns = columns or _columns(path, template, record)
        texts.append(_filled(path, template, columns, record))
    return Lines(tuple(texts))


def _columns(path: Path, template: Template, record: dict[str, Any]) -> tuple[str, ...]:
    """The template's own columns, or the one that its text begins with, as transfer writes it."""
    from spotfw.tasks.tables.labelled_file import unknown_column

    if all(column in record for column in template.columns):
        return template.columns
    # A file's own task has its texts behind the name of the column they came from.
    lead = template.parts[0][0]
    named = lead.removesuffix(": ") if lead.endswith(": ") else None
    if len(template.columns) == 1 and named in record:
        return (str(named),)
    absent = next(column for column in template.columns if column not in record)
    raise unknown_column(path, named or absent, list(record), "--text-column")


def _filled(
    path: Path, template: Template, columns: tuple[str, ...], record: dict[str, Any]
) -> str:
    from spotfw.tasks.tables.labelled_file import joined_texts, unknown_column

    missing = [column for column in columns if column not in record]
    if missing:
        raise unknown_column(path, missing[0], list(record), "--text-column")
    cells = [" ".join(str("" if record[c] is None else record[c]).split()) for c in columns]
    if not all(cells):
        return ""
    if len(template.columns) == 1:
        return template.fill({template.columns[0]: joined_texts(columns, cells)})
    return template.fill(dict(zip(columns, cells, strict=True)))
