"""``spotfw evaluate PROMPT FILE.csv``: the file as a task, and how it is read, said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spotfw.cli.display import note
from spotfw.cli.inputs import definition_of, learned_from
from spotfw.errors import WrongUse

if TYPE_CHECKING:
    from spotfw.prompts import SoftPrompt
    from spotfw.recipe.session import Session
    from spotfw.tasks import Task
    from spotfw.tasks.file_columns import Columns
    from spotfw.tasks.tables.scored_file import ScoredFile


def evaluate_file(
    loaded: SoftPrompt | None,
    session: Session,
    settings: dict[str, Any],
    prompt: str,
    source: str,
    template: Task | None,
    columns: tuple[Sequence[str], str | None],
    split: str | None,
    as_json: bool,
) -> None:
    """Scores a prompt on all rows of a file, beside always its most frequent label.

    Raises:
      WrongUse: a split is named, or see `scored_file`.
    """
    from spotfw.cli.display import print_json, print_table
    from spotfw.tasks.tables.scored_file import ROWS

    if split is not None:
        raise WrongUse(f"--split is of a task, but of {source} all rows are scored. Leave it out.")
    scored = file_to_score(source, loaded, learned_from(loaded, prompt).columns, template, *columns)
    evaluation = session.evaluate(loaded, scored.task, ROWS, **settings)
    if as_json:
        print_json(
            {
                "prompt": prompt,
                "task": source,
                "split": ROWS,
                "score": evaluation.score,
                "metrics": dict(evaluation.metrics),
                "examples": evaluation.examples,
                "majority": scored.majority,
                "unusable": len(scored.unusable),
            }
        )
        return
    rows: list[list[object]] = [[name, value] for name, value in evaluation.metrics.items()]
    rows.append(["(always the most frequent label)", scored.majority])
    print_table(["metric", ROWS], [*rows, ["examples", evaluation.examples]], title=source)


def file_to_score(
    source: str,
    prompt: SoftPrompt | None,
    learned: Columns | None,
    template: Task | None,
    text_columns: Sequence[str],
    label_column: str | None,
) -> ScoredFile:
    """A file's rows to score a prompt on; says which columns, and what is left out.

    Args:
      source: the file.
      prompt: whose labels are those that can be right; None for none.
      learned: columns of the file that was learned from.
      template: a task's file, into whose template texts are put.
      text_columns, label_column: as named; else those learned with, else by content.
    """
    from spotfw.tasks.tables.columns import choose_columns
    from spotfw.tasks.tables.scored_file import scored_file

    if template is not None:
        learned = template.file_columns or learned
    columns = choose_columns(Path(source), text_columns, label_column, learned)
    if columns.why:
        note(columns.describe())
    definition = None if template is None else definition_of(template)
    labels = () if prompt is None else prompt.provenance.labels
    scored = scored_file(Path(source), columns, definition, labels)
    note(f"{source}: {scored.describe()}")
    return scored
