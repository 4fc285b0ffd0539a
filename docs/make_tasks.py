"""Writes paper_tasks.md from ``spotfw tasks list --json``: ``python docs/make_tasks.py``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("paper_tasks.md")

#: Groups in the order of the paper's appendix B, then what else the catalogue has.
GROUPS = (
    "C4",
    "GLUE",
    "SuperGLUE",
    "NLI",
    "paraphrasing/similarity",
    "sentiment",
    "MRQA",
    "RAINBOW",
    "translation",
    "summarization",
    "GEM",
)
RELEASED = "released inputs"
OTHERS = ("study source", "study target", "appendix B", "beyond the paper", RELEASED)

_TOP = """# The paper's tasks

<!-- Made by `python docs/make_tasks.py` from `spotfw tasks list --json`. Change the catalogue. -->

Every data set of the paper's Table 2 and appendix B by name. Those with `_vNNN` in their name are
t5.data's own tasks; they have short names too (`glue_mnli`, `super_glue_cb`, `squad`,
`cnn_dailymail`, `c4`, `wmt_ende` ...). The others come from the plugin `spotfw-paper-tasks`.

- `spotfw tasks list --group "study target"` lists a group, `spotfw tasks show NAME` one task.
- `spotfw tasks bind NAME FOLDER` says where a task's rows are; see [tasks.md](tasks.md).
- `python -m benchmarks.paper_tasks` takes every task from its rows to a score, one line each.

Numbers of rows are as published. A task of several groups is listed in each of them.
"""

_MIXTURES = """
## Mixtures of Table 1

Tasks are mixed in proportion to their training examples, each counted as at most 2^19;
`spotfw tasks show NAME` prints each member's share. Where SPoT's release writes inputs otherwise
than t5 would, the mixtures take its tasks (`spot_snli`); ANLI's rounds together have ANLI's share.

The paper counts 55 labelled data sets and does not say how. Two readings of its appendix B come to
55: SQuAD by itself and as MRQA's, RTE as GLUE's and as SuperGLUE's, and ANLI as one; or SQuAD and
RTE once, and ANLI's rounds as three. Which it is, is open. `spot_all` has the tasks of both.
"""

_RELEASED = """\
GLUE's and MRQA's inputs are the same here and in SPoT's release (google-research/prompt-tuning,
`prompt_tuning/spot`). Where it has others, its tasks stand beside ours, by its names without their
versions:

| | here | as released |
|---|---|---|
| ANLI | `anli premise: ... hypothesis: ...` | three tasks, `anli_r1 hypothesis: ... context: ...` |
| SNLI | `snli premise: ... hypothesis: ...` | `snli hypothesis: ... premise: ...` |
| DocNLI | hypothesis first; F1 and accuracy | hypothesis first; accuracy |
| summaries | `summarize: ...` | `aeslc summarize: ...` |

One revision also has files for sentiment, similarity, RAINBOW and GEM. The release's list of tasks
does not take them in, and RAINBOW's cannot be loaded, so they are not followed. They write
`cr text: ...` for customer reviews, `goemotions comment: ...` with the emotions joined by a
backslash, and a choice's own text as the target of multiple choice, and score these and CxC's
numbers by accuracy.
"""


def listing() -> list[dict[str, Any]]:
    """What the command prints, with no plugin but the paper's and no tasks of this folder."""
    plugins = {"SPOTFW_PLUGINS": "spotfw-paper-tasks", "SPOTFW_TASKS": "", "SPOTFW_DATA": ""}
    ran = subprocess.run(
        [sys.executable, "-m", "spotfw", "tasks", "list", "--json"],
        env={**os.environ, **plugins},
        capture_output=True,
        text=True,
        check=True,
    )
    entries: list[dict[str, Any]] = json.loads(ran.stdout)
    return entries


def page(listed: Iterable[Mapping[str, Any]]) -> str:
    """The whole page.

    Args:
      listed: the objects of ``spotfw tasks list --json``.
    """
    entries = list(listed)
    tasks = [entry for entry in entries if "tasks" not in entry]
    mixtures = [entry for entry in entries if "tasks" in entry]
    parts = [_TOP, _study(tasks)]
    for group in GROUPS:
        parts.append(_section(group, [t for t in tasks if group in t["groups"]]))
    released = [t for t in tasks if RELEASED in t["groups"]]
    parts += [_section("As SPoT's release has them", released), _RELEASED]
    rest = [t for t in tasks if not {*t["groups"]} & {*GROUPS, RELEASED}]
    parts.append(_section("Others", rest))
    members = [[f"`{m['name']}`", _words(f"`{t}`" for t in m["tasks"])] for m in mixtures]
    for row, mixture in zip(members, mixtures, strict=True):
        if len(mixture["tasks"]) > 20:
            row[1] = f"{len(mixture['tasks'])} tasks: {mixture['description']}"
    parts += [_MIXTURES, _table(("mixture", "tasks"), members)]
    return "\n".join(parts) + "\n"


def _study(tasks: list[dict[str, Any]]) -> str:
    lines = ["## The study of section 3", ""]
    for group, title in (("study source", "Sources"), ("study target", "Targets")):
        chosen = [t for t in tasks if group in t["groups"]]
        chosen.sort(key=lambda t: -(t["splits"].get("train") or 0))
        lines.append(f"{title} ({len(chosen)}): {_words('`' + t['name'] + '`' for t in chosen)}.\n")
    return "\n".join(lines)


def _section(title: str, tasks: list[dict[str, Any]]) -> str:
    head = ("task", "type", "labels", "metrics", "rows", "data", "licence", "citation")
    rows = [
        [
            f"`{t['name']}`",
            t["type"],
            _labels(t["labels"]),
            _words(t["metrics"]),
            _words(k if n is None else f"{k} {n:,}" for k, n in t["splits"].items()),
            t["data"],
            t["licence"],
            t["citation"],
        ]
        for t in tasks
    ]
    return f"## {title} ({len(tasks)})\n\n{_table(head, rows)}\n"


def _labels(labels: list[str]) -> str:
    more = f" ... {len(labels)} in all" if len(labels) > 6 else ""
    return _words(labels[:6]) + more


def _words(words: Iterable[str]) -> str:
    return ", ".join(words)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    columns = list(head)
    return "\n".join([line(columns), "|" + "---|" * len(columns), *map(line, rows)])


if __name__ == "__main__":
    PAGE.write_text(page(listing()), encoding="utf-8")
