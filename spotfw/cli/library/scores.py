"""Known transfer results beside a ranking: read, and printed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spotfw.ranking import Ranking
    from spotfw.ranking.scores import RankingScores


def read_scores(path: str) -> dict[str, float]:
    """Scores by task or id, of a CSV with the columns ``task`` or ``id``, and ``score``.

    Raises:
      SpotError: there is no such file, a column is missing, a line has no number, or a name
        is given twice; the message says which line.
    """
    from spotfw import files
    from spotfw.errors import SpotError

    text = files.read_bytes(path, 2**26).decode("utf-8-sig", errors="replace")
    lines = csv.DictReader(io.StringIO(text, newline=""))
    try:
        header, rows = lines.fieldnames or [], [(lines.line_num, line) for line in lines]
    except csv.Error as error:
        raise SpotError(
            f"The file {path} is not valid CSV: line {lines.line_num}: {error}. Write it with the "
            "columns task (or id) and score."
        ) from error
    name = next((column for column in ("id", "task") if column in header), None)
    if name is None or "score" not in header:
        raise SpotError(
            f"The file {path} has the columns {', '.join(header) or 'none'}; it needs task (or id) "
            "and score."
        )
    scores: dict[str, float] = {}
    for number, line in rows:
        where = f"{path}, line {number}"
        key = line[name]
        try:
            score = float(line["score"] or "")
        except ValueError:
            raise SpotError(
                f"{where}: the score {line['score']!r} is not a number. Give one, or leave out "
                "the line."
            ) from None
        if not key or key in scores:
            raise SpotError(
                f"{where}: the {name} {key!r} is {'given twice' if key else 'empty'}. Give one "
                "line for each source."
            )
        scores[key] = score
    return scores


def print_scores(scores: RankingScores) -> None:
    """Prints the figures, and which are undefined and why."""
    from spotfw.cli.display import note, print_table, say

    say()
    print_table(
        ["measure", "value"],
        [
            [name, f"{value:.4f}" if name not in scores.undefined else "-"]
            for name, value in scores.figures().items()
        ],
        title=f"Against known results of {scores.count} sources",
    )
    for why in dict.fromkeys(scores.undefined.values()):
        names = [name for name, reason in scores.undefined.items() if reason == why]
        note(f"Undefined: {', '.join(names)}: {why}.")
    if scores.missing:
        note(f"Without a known score, and so left out: {', '.join(scores.missing)}.")
    if scores.unused:
        note(f"Scores of what is not in the ranking: {', '.join(scores.unused)}.")


def note_left_out(ranking: Ranking) -> None:
    """Says what the metrics say of themselves, and which prompts were not compared, if any."""
    from spotfw.cli.display import note

    for said in ranking.notes:
        note(said)
    # That the query's own entry is left out is as expected.
    left_out = {why: count for why, count in ranking.left_out.items() if why != "excluded"}
    if left_out:
        reasons = ", ".join(f"{count} {why}" for why, count in left_out.items())
        note(f"Prompts that were not compared: {reasons}.")
