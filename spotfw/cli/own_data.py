"""A user's own file of labelled texts on the command line: read, split, transferred to."""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli.display import note, say

if TYPE_CHECKING:
    from spotfw.recipe.beside_scratch import BesideScratch, Reading
    from spotfw.recipe.session import Session
    from spotfw.tasks import Task
    from spotfw.tasks.tables.own_data import OwnData

#: Suffixes of files that are read as labelled texts where a task could be named.
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
#: Suffixes of files of texts that are not.
_OTHERS = (".txt", ".xlsx", ".xls", ".ods", ".parquet", ".feather", ".csv.gz", ".zip")

#: How alike a file's name must be to be meant.
_ALIKE = 0.85

text_column_option = click.option(
    "--text-column",
    "text_columns",
    metavar="C",
    multiple=True,
    help="Of a data file, the column of texts (several times: joined) [default: by its content].",
)
_LABEL = click.option(
    "--label-column",
    metavar="C",
    help="Of a data file, the column of labels [default: by its content].",
)


def column_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command ``--text-column`` and ``--label-column``."""
    return text_column_option(_LABEL(command))


def is_data_file(name: str) -> bool:
    """Whether a name is that of a file of rows."""
    return name.lower().endswith(SUFFIXES)


def is_data_task(name: str) -> bool:
    """Whether a file of rows is named where a task could be.

    Raises:
      WrongUse: it is a file of texts, but not of such a kind.
    """
    from spotfw.errors import WrongUse

    if name.lower().endswith(_OTHERS):
        raise WrongUse(
            f"{name} is no file of labelled texts that can be read, and no task. Write it as "
            ".csv, .tsv or .jsonl, with a column of texts and one of labels."
        )
    meant = _file_meant(name)
    if meant is not None:
        raise WrongUse(f"There is no file and no task {name}. Did you mean the file {meant!r}?")
    return is_data_file(name)


def _file_meant(name: str) -> str | None:
    """A data file here of nearly this name, where the name looks like a file's that is not here."""
    folder, base = os.path.split(name)
    suffix = os.path.splitext(base)[1].lower()
    if not suffix or suffix in (*SUFFIXES, ".toml") or os.path.exists(name):
        return None
    with contextlib.suppress(OSError):
        beside = [file for file in os.listdir(folder or ".") if is_data_file(file)]
        for close in difflib.get_close_matches(base, beside, n=1, cutoff=_ALIKE):
            return os.path.join(folder, close)
    return None


def refuse_columns(name: str, text_columns: Sequence[str], label_column: str | None) -> None:
    """Refuses columns of what is no file of rows."""
    from spotfw.errors import WrongUse

    if text_columns or label_column:
        raise WrongUse(
            f"--text-column and --label-column are of a data file ({', '.join(SUFFIXES[:3])}), but "
            f"{name} is the name of a task, which says its columns itself. Leave them out."
        )


def own_task(
    source: str, text_columns: Sequence[str], label_column: str | None, folder: str
) -> OwnData:
    """The task that a data file makes, below `folder`; says which columns, and how it is split."""
    from spotfw.tasks.tables.columns import choose_columns
    from spotfw.tasks.tables.own_data import write_own_task

    columns = choose_columns(Path(source), text_columns, label_column)
    if columns.why:
        note(columns.describe())
    data = write_own_task(Path(source), columns.texts, columns.label, Path(folder))
    note(f"{source}: {data.describe()}")
    return data


def transfer_own(
    session: Session,
    source: str,
    data: OwnData,
    *,
    strategy: str,
    k: int,
    metric: str,
    as_json: bool,
    settings: dict[str, Any],
    facts_of: Callable[[Any], dict[str, Any]],
) -> None:
    """Transfers to a user's own task, from scratch beside it, and says how to use the result."""
    from spotfw.cli.display import print_json
    from spotfw.recipe.beside_scratch import (
        few_steps,
        read_lengths,
        source_count,
        transfer_beside_scratch,
    )
    from spotfw.recipe.progress.watch import WatchAll
    from spotfw.tasks import Task
    from spotfw.tasks.tables.labelled_file import counted

    task = session.task(str(data.task_file))
    assert isinstance(task, Task)
    reading = read_lengths(session, task, **settings)
    _tell_cut(reading, task)
    settings = {"steps": few_steps(session), **reading.settings, **settings}
    sources = source_count(session, task, **settings)
    starts = min(k, sources)
    if k > sources:
        note(f"-k {k} is more than the {sources} tasks of which there are prompts to start from.")
    note(
        f"Prompts to tune: {1 + starts}, first one from scratch, then {starts} from the most "
        f"similar prompts of different tasks, for {counted(settings['steps'], 'step')} each; "
        "--steps N and -k N take fewer."
    )
    watch = WatchAll(f"tune {task.name}", tunings=1 + starts, steps=settings["steps"])
    with watch:
        outcome = transfer_beside_scratch(
            session, task, strategy, k, metric, observer=watch, **settings
        )
    if not watch.heard:
        note(
            "All of it was tuned before, so nothing was tuned now, and this is what came of it "
            "then. --seed N or other settings tune anew."
        )
    facts = facts_of(outcome.result) | {"strategy": strategy, "k": k, "metric": metric}
    facts |= _own_facts(outcome, data, reading)
    facts["predict"] = _predict_line(facts, reading, source)
    if as_json:
        print_json(facts)
    else:
        _print(facts, task)


def _tell_cut(reading: Reading, task: Task) -> None:
    from spotfw.recipe.fitting import cut_is_known

    if reading.cut:
        cut_is_known(task, reading.limit)
        note(
            f"{100 * reading.cut:.1f}% of the texts are longer than the {reading.limit} tokens "
            f"that are read of each (the longest has {reading.longest:,}), and are cut there. "
            "--max-input-length N reads more, and takes longer."
        )


def _own_facts(outcome: BesideScratch, data: OwnData, reading: Reading) -> dict[str, Any]:
    best = outcome.best
    scores = {folder: evaluation.score for folder, evaluation in outcome.test.items()}
    rows = [
        {
            "from": "from scratch",
            "score": outcome.scratch.score,
            "test": scores.get(outcome.scratch.folder),
            "step": outcome.scratch.best.provenance.step,
            "out": outcome.scratch.folder,
        }
    ]
    names = outcome.result.ranking.names()
    from spotfw.contracts.candidates import describe

    for other in outcome.result.outcomes:
        rows.append(
            {
                "from": describe(other.candidate, names),
                "score": other.tuned.score,
                "test": scores.get(other.tuned.folder),
                "step": other.tuned.best.provenance.step,
                "out": other.tuned.folder,
            }
        )
    for row in rows:
        row["best"] = row["out"] == best.folder
    return {
        "score": best.score,
        "outcomes": rows,
        "majority": dict(reading.majority),
        "cut": reading.cut,
        "task_file": str(data.task_file),
        "rows": dict(data.rows),
        "labels": dict(data.labels),
        "unusable": len(data.unusable),
        "best_prompt": os.path.join(best.folder, "best.safetensors"),
    }


def _predict_line(facts: dict[str, Any], reading: Reading, source: str) -> str:
    """The command that answers the file's own texts, as it stands."""
    words = ["spotfw", "predict", facts["best_prompt"], "--task", facts["task_file"]]
    if reading.settings.get("max_input_length", reading.limit) < reading.limit:
        # New texts may be longer than all of the file were.
        words += ["--max-input-length", str(reading.limit)]
    return shlex.join([*words, source])


def print_sources(facts: dict[str, Any]) -> None:
    """The first of a ranking, of what a transfer gave as plain values."""
    from spotfw.cli.display import print_table

    shown, count = facts["ranking"][: max(facts["k"], 5)], len(facts["ranking"])
    of_all = f", {len(shown)} of {count:,}" if len(shown) < count else ""
    print_table(
        ["rank", "source", "seed", "id", facts["measure"]],
        [[r["rank"], r["task"], r["seed"], r["id"], f"{r['similarity']:+.4f}"] for r in shown],
        title=f"Sources for {facts['target']} by {facts['metric']}{of_all}",
        whole=["id"],
    )


def _print(facts: dict[str, Any], task: Task) -> None:
    from spotfw.cli.display import print_table

    print_sources(facts)
    say()
    majority = facts["majority"]
    tested = "test" in facts["rows"]
    rows: list[list[object]] = [
        [r["from"], r["score"], *([r["test"]] if tested else []), r["step"], "best" * r["best"]]
        for r in facts["outcomes"]
    ]
    beside: list[object] = [majority["validation"], *([majority["test"]] if tested else [])]
    rows.append(["(always the most frequent label)", *beside, None, ""])
    print_table(
        ["started from", "validation", *(["test"] if tested else []), "step", ""],
        rows,
        title=f"{facts['target']}: {', '.join(task.metrics)} of the best checkpoint",
    )
    say(f"best prompt: {facts['best_prompt']}")
    say(
        "To use it (put another file of rows, or of texts one a line, in the last one's place):",
        wrapped=True,
    )
    say(f"  {facts['predict']}")
    if tested:
        note("The best was chosen on the validation part; the test part tells what to expect.")
    else:
        note(
            f"The best was chosen on the {facts['rows']['validation']} validation rows that are "
            "scored here, so expect less of new texts. From 200 rows on, a part is kept aside to "
            "tell how much less."
        )
