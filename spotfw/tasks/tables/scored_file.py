"""A user's file of labelled texts as it stands, all of it, for a prompt to be scored on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import attrs

from spotfw.errors import WrongUse
from spotfw.tasks.example import Example
from spotfw.tasks.file_columns import Columns
from spotfw.tasks.rows.records import UnusableRow
from spotfw.tasks.scoring import Scorer, ToLabel, metric_functions
from spotfw.tasks.tables.answers import LABEL
from spotfw.tasks.tables.definition import TableDefinition
from spotfw.tasks.tables.labelled_file import counted, listed, not_used, read_pairs
from spotfw.tasks.tables.template import Template
from spotfw.tasks.task import Task

#: The one split: all rows of the file.
ROWS = "rows"
_METRIC = "accuracy"


@attrs.frozen(kw_only=True)
class ScoredFile:
    """What a prompt is scored on.

    Attributes:
      task: with one split, `ROWS`, scored by accuracy.
      rows: how many it has.
      majority: accuracy of always the file's most frequent label, in percent.
      unusable: rows left out, each with its line and reason.
      unlearned: labels that the prompt never writes, each with its number of rows; no answer to
        these can be right.
    """

    task: Task
    rows: int
    majority: float
    unusable: tuple[UnusableRow, ...]
    unlearned: Mapping[str, int] = attrs.field(factory=dict)

    def describe(self) -> str:
        """How many rows are scored, and which are left out."""
        text = f"{counted(self.rows, 'row')} to score."
        if self.unusable:
            text += f" {not_used(self.unusable)}"
        if self.unlearned:
            text += (
                f" {counted(sum(self.unlearned.values()), 'row')} of these can only be wrong: the "
                f"prompt was not learned to write {_some(list(self.unlearned))}."
            )
        return text


def scored_file(
    source: Path,
    columns: Columns,
    definition: TableDefinition | None = None,
    labels: Collection[str] = (),
) -> ScoredFile:
    """Reads a file as a task to be scored on.

    Args:
      source: CSV, TSV or JSON lines.
      columns: of texts and of labels.
      definition: whose template the texts are put into, and whose labels those of the file are;
        without it, texts stand behind their column's name, as where a prompt was learned from
        such a file.
      labels: that the prompt was learned to write, as far as is known.

    Raises:
      SpotError: the file cannot be read.
      WrongUse: the template takes several columns, no row can be used, or none of the file's
        labels is one that the prompt writes.
    """
    template = None if definition is None else _template(definition)
    pairs, unusable = read_pairs(source, columns.texts, columns.label)
    if definition is not None:
        pairs = [(text, definition.labels.get(label, label)) for text, label in pairs]
        labels = definition.label_words
    if not pairs:
        raise WrongUse(
            f"No row of {source} can be scored: {listed(unusable) or 'it has none.'} Name other "
            "columns with --text-column and --label-column."
        )
    counts = Counter(label for _, label in pairs)
    if labels and not set(labels) & set(counts):
        raise WrongUse(
            f"The prompt writes {_some(labels)}, but {columns.label!r} of {source} has "
            f"{_some(list(counts))}: no answer could be right. Name the labels' column with "
            "--label-column, or the task's file, which says what its labels stand for, with --task."
        )
    if template is None:
        inputs = [columns.lead + text for text, _ in pairs]
    else:
        inputs = [template.fill({template.columns[0]: text}) for text, _ in pairs]
    examples = tuple(
        Example(inputs=text, targets=label) for text, (_, label) in zip(inputs, pairs, strict=True)
    )
    words = list(dict.fromkeys((*labels, *counts)))
    task = Task(
        name=source.stem or "file",
        family="other",
        type="classification",
        labels=tuple(words),
        metrics=(_METRIC,),
        splits={ROWS: len(pairs)},
        origin=str(source),
        examples=lambda split: examples,
        score=Scorer(metric_functions((_METRIC,), len(words)), ToLabel(tuple(words))),
    )
    majority = 100 * counts.most_common(1)[0][1] / len(pairs)
    unlearned = {label: n for label, n in counts.items() if labels and label not in labels}
    return ScoredFile(
        task=task,
        rows=len(pairs),
        majority=majority,
        unusable=tuple(unusable),
        unlearned=unlearned,
    )


def _template(definition: TableDefinition) -> Template:
    """The template that a text alone fills."""
    if len(definition.inputs.columns) > 1 or definition.kind != LABEL:
        raise WrongUse(
            f"The task {definition.name} of {definition.file} has no single column of texts with "
            "labels, so a file cannot stand for its rows. Name the file among its own [splits]."
        )
    return definition.inputs


def _some(labels: Collection[str]) -> str:
    shown = [repr(label[:30]) for label in list(labels)[:5]]
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return ", ".join(shown) + more
