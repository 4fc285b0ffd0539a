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
        is there twice; it says which line.
    """
    from spotfw import files
    from spotfw.errors import SpotError

    text = files.read_bytes(path, 2**26).decode("utf-8-sig", errors="replace")
    lines = csv.DictReader(io.StringIO(text, newline=""))
    try:
        header, rows = lines.fieldnames or [], [(lines.line_num, line) for line in lines]
    except csv.Error as error:
        raise SpotError(
            f"The file {path} is no CSV: line {lines.line_num}: {error}. Write it anew, with the "
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
                f"{where}: the score {line['score']!r} is no number. Give one, or leave the line "
                "away."
            ) from None
        if not key or key in scores:
            raise SpotError(
                f"{where}: the {name} {key!r} is {'there twice' if key else 'empty'}. Give one "
                "line for each source."
            )
        scores[key] = score
    return scores


def print_scores(found: RankingScores) -> None:
    """Prints the figures, and what has none and why."""
    from spotfw.cli.display import note, print_table, say

    say()
    print_table(
        ["measure", "value"],
        [
            [name, f"{value:.4f}" if name not in found.undefined else "-"]
            for name, value in found.figures().items()
        ],
        title=f"Against known results of {found.count} sources",
    )
    for why in dict.fromkeys(found.undefined.values()):
        names = [name for name, reason in found.undefined.items() if reason == why]
        note(f"Undefined: {', '.join(names)}: {why}.")
    if found.missing:
        note(f"Without a known score, and so left out: {', '.join(found.missing)}.")
    if found.unused:
        note(f"Scores of what is not in the ranking: {', '.join(found.unused)}.")


def note_left_out(ranking: Ranking) -> None:
    """Says which prompts were not compared, if any."""
    from spotfw.cli.display import note

    # The query's own entry is no news.
    told = {why: count for why, count in ranking.left_out.items() if why != "excluded"}
    if told:
        reasons = ", ".join(f"{count} {why}" for why, count in told.items())
        note(f"Prompts that were not compared: {reasons}.")
