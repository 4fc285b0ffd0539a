"""What a prompt is run on, by a task's template: plain lines, or rows of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from spotfw import files
from spotfw.cli.lines import Lines, lines_of, read_lines
from spotfw.cli.own_data import is_data_file
from spotfw.errors import WrongUse
from spotfw.tasks.file_columns import Columns
from spotfw.tasks.rows.records import ABSENT, Record, cell

if TYPE_CHECKING:
    from spotfw.prompts import SoftPrompt
    from spotfw.tasks import Task
    from spotfw.tasks.tables.definition import TableDefinition
    from spotfw.tasks.tables.template import Template


@attrs.frozen
class Learned:
    """What a prompt or weights were learned from.

    Attributes:
      task: its name; empty where that is not known.
      labels: that they were learned to write.
      columns: of the file that the task was, where it was one.
    """

    task: str
    labels: tuple[str, ...]
    columns: Columns | None


def learned_from(prompt: SoftPrompt | None, path: str) -> Learned:
    """What a prompt or tuned weights say of their task.

    Args:
      prompt: None where `path` is that of tuned weights.
      path: what was named.
    """
    if prompt is None:
        from spotfw.cli.tune_model import tuned_model

        weights = tuned_model(path)
        assert weights is not None
        return Learned(weights.task, weights.labels, weights.columns)
    about = prompt.provenance
    return Learned(
        about.task or "", about.labels, Columns.from_dict(about.extra.get("file_columns"))
    )


def read_inputs(
    path: str | None,
    task: Task | None,
    text_columns: Sequence[str],
    learned: Columns | None = None,
) -> Lines:
    """Whole input texts, each by itself; what has no text is blank.

    Args:
      path: a file of lines, or of rows by its suffix; None for standard input.
      task: of a task file, whose template is filled; None where a line is a whole input.
      text_columns: of rows, the columns that stand for the template's only one.
      learned: of the file that the prompt was learned from; without a task, rows are read so.

    Raises:
      WrongUse: the template needs what lines do not have, or there is none.
      SpotError: the file cannot be read.
    """
    definition = None if task is None else definition_of(task)
    if path is not None and is_data_file(path):
        if definition is not None:
            return _rows(Path(path), definition, text_columns)
        if learned is None:
            raise WrongUse(
                f"The rows of {path} become the model's input by a task's template. Name the "
                "task's file with --task."
            )
        return _rows_as_learned(Path(path), tuple(text_columns) or learned.texts, learned)
    lines = read_lines() if path is None else lines_of(files.read_bytes(path))
    if definition is None:
        return lines
    template = definition.inputs
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


def _rows(path: Path, definition: TableDefinition, text_columns: Sequence[str]) -> Lines:
    """The rows of a file as inputs, each cell read as it is for a tuning."""
    from spotfw.tasks.tables.labelled_file import labelled_records
    from spotfw.tasks.tables.rows import read_inputs

    records = list(labelled_records(path))
    template = definition.inputs
    columns = tuple(text_columns) or _learned(definition, records)
    needed = [c for c in template.columns if c not in definition.optional_columns]
    own = not columns and _has(needed, records)
    if not own:
        columns = columns or _columns(path, template, records)
    if columns and len(template.columns) > 1:
        raise WrongUse(
            f"An input of the task has several columns ({', '.join(template.columns)}), for which "
            f"--text-column cannot stand. Leave it out, and name the columns of {path} so."
        )

    def filled(record: Mapping[str, Any]) -> str:
        if own:
            return read_inputs(definition, record)
        return template.fill({template.columns[0]: _joined(record, columns)})

    return _each(records, filled)


def _rows_as_learned(path: Path, columns: Sequence[str], learned: Columns) -> Lines:
    """The rows of a file as inputs, as those of the file that a prompt was learned from."""
    from spotfw.tasks.tables.labelled_file import labelled_records, unknown_column

    records = list(labelled_records(path))
    names = dict.fromkeys(name for _, r in records if isinstance(r, dict) for name in r)
    absent = [column for column in columns if not _has([column], records)]
    if names and absent:
        raise unknown_column(path, absent[0], list(names), "--text-column")
    return _each(records, lambda record: learned.lead + _joined(record, columns))


def _joined(record: Mapping[str, Any], columns: Sequence[str]) -> str:
    from spotfw.tasks.tables.labelled_file import joined_texts, read_text

    return joined_texts(columns, [read_text(record, column) for column in columns])


def _each(records: Sequence[Record], filled: Callable[[Mapping[str, Any]], str]) -> Lines:
    """What `filled` makes of each record, blank where it has no input, or why it makes nothing."""
    from spotfw.tasks.rows.kinds import WrongCell
    from spotfw.tasks.tables.rows import NoInput

    texts: list[str | None] = []
    faults: dict[int, str] = {}
    for number, record in records:
        try:
            if isinstance(record, str):
                raise WrongCell(record)
            texts.append(filled(record))
        except NoInput:
            texts.append("")
        except WrongCell as why:
            texts.append(None)
            faults[number] = str(why)
    return Lines(tuple(texts), numbers=tuple(number for number, _ in records), faults=faults)


def _learned(definition: TableDefinition, records: Sequence[Record]) -> tuple[str, ...]:
    """The columns of the file that the task was made of, where these records have them too."""
    learned = definition.file_columns
    return learned.texts if learned is not None and _has(learned.texts, records) else ()


def _has(columns: Sequence[str], records: Sequence[Record]) -> bool:
    """Whether a record has all these columns."""
    return any(
        all(cell(record, column) is not ABSENT for column in columns)
        for _, record in records
        if isinstance(record, dict)
    )


def _columns(path: Path, template: Template, records: Sequence[Record]) -> tuple[str, ...]:
    """The column that a template's text begins with, as transfer writes it."""
    from spotfw.tasks.tables.labelled_file import unknown_column

    names = dict.fromkeys(name for _, r in records if isinstance(r, dict) for name in r)
    # A file's own task has its texts behind the name of the column they came from.
    lead = template.parts[0][0]
    named = lead.removesuffix(": ") if lead.endswith(": ") else None
    if not names or (len(template.columns) == 1 and named in names):
        return (named or template.columns[0],)
    absent = next((column for column in template.columns if column not in names), "")
    raise unknown_column(path, named or absent, list(names), "--text-column")
