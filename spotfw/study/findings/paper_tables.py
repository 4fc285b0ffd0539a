"""The paper's tables 1, 3, 4 and 5 from a study's rows of one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from spotfw.study.findings.ablations import ablated, ablation_scores
from spotfw.study.findings.arithmetic import (
    Change,
    Method,
    Scores,
    Spread,
    average,
    baseline_scores,
    change,
    finished,
    named_scores,
    oracle_scores,
    pair_scores,
    reduction,
    spread,
    strategy_scores,
    task_means,
    whole_part,
)
from spotfw.study.findings.tables import Cell, Table, mean_cell
from spotfw.study.rows import SOURCE_KINDS, Row

#: Table 5 shows transfers above this relative error reduction, in percent.
THRESHOLD = 10.0
SCRATCH = "from scratch"


def targets_of(rows: Iterable[Row]) -> list[str]:
    """The targets, in the order in which the rows first name them."""
    return list(dict.fromkeys(r.task for r in rows if r.kind not in SOURCE_KINDS))


def method_name(method: Method) -> str:
    """A strategy in words: ``best of top k, k = 3``."""
    words = method.strategy.replace("_", " ")
    return words if method.k is None else f"{words}, k = {method.k}"


def methods(rows: Sequence[Row]) -> dict[tuple[str, str | None, int | None], Scores]:
    """Every way of starting, by (name, metric, k), the oracle last, before it all weights.

    What was also tuned for other numbers of updates has them in its name, below the usual one.
    """
    ways: dict[tuple[str, str | None, int | None], Scores] = {}
    other = ablation_scores(rows)
    if finished(rows, "baseline"):
        ways[SCRATCH, None, None] = baseline_scores(rows)
    ways |= {(ablated(SCRATCH, n), None, None): s for (name, n), s in other.items() if not name}
    generics = named_scores(rows, "generic")
    for name in dict.fromkeys([*generics, *(name for name, _ in other if name)]):
        title = f"SPoT {name}"
        if name in generics:
            ways[title, None, None] = generics[name]
        ways |= {(ablated(title, n), None, None): s for (of, n), s in other.items() if of == name}
    for method, scores in strategy_scores(rows).items():
        ways[method.strategy.replace("_", " "), method.metric, method.k] = scores
    for name, scores in named_scores(rows, "model tuning").items():
        ways[name, None, None] = scores
    oracle = oracle_scores(rows)
    return ways | ({("oracle", None, _prompts(rows)): oracle} if oracle else {})


def table1(rows: Sequence[Row], benchmarks: Mapping[str, Sequence[str]] | None = None) -> Table:
    """Each method's average on each benchmark, mean and deviation over seeds (table 1).

    Args:
      rows: of one model.
      benchmarks: the targets of each benchmark; without any, one average over all targets.
    """
    columns = dict(benchmarks or {}) or {"average": targets_of(rows)}
    ways = methods(rows)
    notes = []
    for key, scores in ways.items():
        for column, tasks in columns.items():
            notes += _partial(f"{_title(*key)}, {column}", scores, tasks)
    cells = {
        key: [average(scores, tasks) for tasks in columns.values()] for key, scores in ways.items()
    }
    best = [
        max((mean.mean for row in cells.values() if (mean := row[c])), default=None)
        for c in range(len(columns))
    ]
    return Table(
        name="table1",
        title="Average score of each method",
        columns=["method", "metric", "k", *columns],
        rows=[
            [
                *key,
                *(
                    mean_cell(mean, mark="best" if mean and mean.mean == best[c] else "")
                    for c, mean in enumerate(row)
                ),
            ]
            for key, row in cells.items()
        ],
        notes=["Mean and standard deviation over seeds, 0-100. As the paper's table 1.", *notes],
    )


def table3(rows: Sequence[Row], targets: Sequence[str] | None = None) -> Table:
    """From scratch, the oracle and every strategy: absolute and relative change (table 3)."""
    tasks = list(targets or targets_of(rows))
    baseline = baseline_scores(rows)
    notes = [
        "Absolute change in points; relative change is the mean over targets of the relative "
        "error reduction, in percent. Mean and standard deviation over seeds. As the paper's "
        "table 3."
    ]
    lines: list[list[object]] = []
    if baseline:
        scratch = mean_cell(average(baseline, tasks))
        lines.append([SCRATCH, None, None, None, None, scratch])
        notes += _partial(SCRATCH, baseline, tasks)
    entries: list[tuple[str, str | None, int | None, Scores]] = []
    oracle = oracle_scores(rows)
    if oracle:
        entries.append(("oracle", None, _prompts(rows), oracle))
    entries += [
        (method.strategy.replace("_", " "), method.metric, method.k, scores)
        for method, scores in strategy_scores(rows).items()
    ]
    errorless: set[str] = set()
    for title, metric, k, scores in entries:
        gain = change(baseline, scores, tasks)
        lines.append([title, metric, k, *_change_cells(gain, average(scores, tasks))])
        notes += _partial(_title(title, metric, k), scores, tasks, baseline)
        errorless |= set(gain.errorless) if gain else set()
    if errorless:
        notes.append(
            f"Left out of the relative change: {', '.join(sorted(errorless))}, because from "
            "scratch no error is left to reduce."
        )
    columns = ["method", "metric", "k", "absolute change", "relative change (%)", "average score"]
    title = "What each strategy gives over tuning from scratch"
    return Table(name="table3", title=title, columns=columns, rows=_best_last(lines), notes=notes)


def table4(rows: Sequence[Row], targets: Sequence[str] | None = None) -> Table:
    """Each source's score on each target, and from scratch (table 4).

    A cell is the mean and standard deviation over all runs of its pair, every source prompt
    with every seed that was run. Transfers above from scratch are marked ``positive``, the
    best of a column ``best`` where it is.
    """
    tasks = list(targets or targets_of(rows))
    scratch = task_means(baseline_scores(rows))
    pairs = {pair: spread(scores) for pair, scores in pair_scores(rows).items()}
    sources = list(dict.fromkeys(source for source, _ in pairs))
    best = {
        t: max((pair.mean for (_, task), pair in pairs.items() if task == t and pair), default=None)
        for t in tasks
    }

    def cell(source: str, task: str) -> Cell:
        pair = pairs.get((source, task))
        if pair is None or task not in scratch or pair.mean <= scratch[task].mean:
            return mean_cell(pair)
        return mean_cell(pair, mark="best" if pair.mean == best[task] else "positive")

    lines: list[list[object]] = [[s, *(cell(s, t) for t in tasks)] for s in sources]
    if scratch:
        lines.insert(0, [SCRATCH, *(mean_cell(scratch.get(t)) for t in tasks)])
    counts = sorted({pair.count for pair in pairs.values() if pair})
    runs = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else "".join(map(str, counts))
    return Table(
        name="table4",
        title="Every source's prompt on every target",
        columns=["source", *tasks],
        rows=lines,
        notes=[
            f"Mean and standard deviation over the runs of a pair{f' ({runs})' if runs else ''}. "
            "Shaded: above from scratch; bold: the best of the column. As the paper's table 4."
        ],
    )


def table5(rows: Sequence[Row], threshold: float = THRESHOLD) -> Table:
    """Transfers with more than `threshold` percent relative error reduction (table 5)."""
    scratch = task_means(baseline_scores(rows))
    pairs = {pair: spread(scores) for pair, scores in pair_scores(rows).items()}
    gains = [
        (value, source, task, scratch[task].mean, pair.mean)
        for (source, task), pair in pairs.items()
        if pair
        and task in scratch
        and (value := reduction(scratch[task].mean, pair.mean)) is not None
        and value > threshold
    ]
    gains.sort(key=lambda item: (-item[0], item[1], item[2]))
    return Table(
        name="table5",
        title=f"Transfers with more than {threshold:g} % relative error reduction",
        columns=["source", "target", SCRATCH, "with transfer", "relative error reduction (%)"],
        rows=[[source, task, low, high, value] for value, source, task, low, high in gains],
        notes=[f"{len(gains)} of {len(pairs)} transfers. As the paper's table 5."],
    )


def reductions(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    """The relative error reduction of each transfer (source, target), in percent, of means."""
    scratch = task_means(baseline_scores(rows))
    reduced = {}
    for (source, task), scores in pair_scores(rows).items():
        pair = spread(scores)
        if pair and task in scratch:
            value = reduction(scratch[task].mean, pair.mean)
            if value is not None:
                reduced[source, task] = value
    return reduced


def _prompts(rows: Sequence[Row]) -> int:
    """Source prompts that the oracle tried on a target, at most."""
    tried: dict[tuple[str, int], int] = {}
    for row in finished(rows, "transfer"):
        tried[row.task, row.seed] = tried.get((row.task, row.seed), 0) + 1
    return max(tried.values(), default=0)


def _change_cells(gain: Change | None, alone: Spread | None) -> list[object]:
    if gain is None:
        return [None, None, mean_cell(alone)]
    return [
        mean_cell(gain.absolute, sign=True),
        mean_cell(gain.relative, sign=True),
        mean_cell(gain.score),
    ]


def _best_last(lines: list[list[object]]) -> list[list[object]]:
    """Marks the best average that is not the oracle's."""
    scores = [
        line[-1].value
        for line in lines
        if isinstance(line[-1], Cell) and isinstance(line[-1].value, float) and line[0] != "oracle"
    ]
    best = max(scores, default=None)
    marked = []
    for line in lines:
        last = line[-1]
        if isinstance(last, Cell) and last.value == best and best is not None:
            line = [*line[:-1], Cell(last.value, last.std, mark="best")]
        marked.append(line)
    return marked


def _title(title: str, metric: str | None, k: int | None) -> str:
    return ", ".join(part for part in (title, metric, f"k = {k}" if k else None) if part)


def _partial(
    name: str, scores: Scores, tasks: Sequence[str], baseline: Scores | None = None
) -> list[str]:
    """Notes on an average that leaves out targets or seeds whose cells are missing.

    With a baseline, also those that it has no score of.
    """
    seeds = {seed for _, seed in scores}
    kept = {key: score for key, score in scores.items() if not baseline or key in baseline}
    used, whole = whole_part(kept, tasks)
    if not used:
        return [f"{name}: no average, because cells are missing."]
    parts = []
    if len(used) < len(tasks):
        parts.append(f"{len(used)} of {len(tasks)} targets")
    if len(whole) < len(seeds):
        parts.append(f"seeds {', '.join(map(str, whole))} of {', '.join(map(str, sorted(seeds)))}")
    return [f"{name}: over {' and '.join(parts)}, because cells are missing."] if parts else []
