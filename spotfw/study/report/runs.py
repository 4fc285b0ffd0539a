"""The page's sections on what was run: cells, failures, logs, settings, versions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from spotfw.study.findings.coverage import Coverage, is_failed
from spotfw.study.findings.tables import Cell, Table
from spotfw.study.grid.declaration import Study
from spotfw.study.report import markup
from spotfw.study.report.markup import escape
from spotfw.study.rows import Row, parse_versions


def total(values: Iterable[float | None]) -> float:
    """The sum of those that are known."""
    return sum(value for value in values if value is not None)


def cells(rows: Sequence[Row], covered: Sequence[Coverage]) -> str:
    counts = Table(
        name="coverage",
        title="Cells",
        columns=["kind", "asked for", "done", "failed", "missing", "minutes"],
        rows=[
            [
                c.kind,
                c.asked,
                c.done,
                c.failed,
                c.missing,
                total(row.wall_seconds for row in rows if row.kind == c.kind) / 60,
            ]
            for c in covered
        ],
    )
    failed = [row for row in rows if is_failed(row)]
    parts = ["<h2 id=runs>Runs</h2>", markup.table(counts)]
    if failed:
        errors = "".join(
            f'<tr><th scope="row">{escape(row.kind)}</th><td>{escape(row.task)}</td>'
            f"<td>{escape(_started(row))}</td><td>{row.seed}</td>"
            f'<td class="error">{escape(row.error or "the score is not a number")}</td></tr>'
            for row in failed
        )
        parts.append(
            '<h3 id="failed">Failed cells</h3><div class="wide" tabindex="0" role="region" '
            'aria-label="Failed cells"><table data-table="failed"><thead><tr>'
            + "".join(
                f'<th scope="col"><button type="button">{name}</button></th>'
                for name in ("kind", "task", "started from", "seed", "error")
            )
            + f"</tr></thead><tbody>{errors}</tbody></table></div>"
        )
    parts.append(
        "<h3>Every run</h3><p>Loss, scores and speed of each are TensorBoard logs in its folder: "
        "in the study's folder, <code>tensorboard --logdir runs</code>.</p>"
    )
    for c in covered:
        own = [row for row in rows if row.kind == c.kind and not is_failed(row)]
        if own:
            title = f"{len(own):,} {c.kind} {'cell' if len(own) == 1 else 'cells'}"
            parts.append(markup.folded(title, _runs(own)))
    return "\n".join(parts)


def _runs(rows: Sequence[Row]) -> str:
    names = ("task", "started from", "seed", "score", "step", "minutes", "log")
    head = "".join(
        f'<th scope="col"{" class=n" if name in names[2:6] else ""}>'
        f'<button type="button">{name}</button></th>'
        for name in names
    )
    body = "\n".join(
        f'<tr><th scope="row">{escape(row.task)}</th><td>{escape(_started(row))}</td>'
        + "".join(_number(value) for value in (row.seed, row.score, row.step, _minutes(row)))
        + f"<td>{_log(row)}</td></tr>"
        for row in rows
    )
    return (
        f'<div class="wide tall" tabindex="0" role="region" aria-label="runs"><table '
        f'data-table="runs-{escape(rows[0].kind.replace(" ", "-"))}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _number(value: float | int | None) -> str:
    cell = Cell(value)
    data = f' data-value="{value}"' if cell.is_number else ""
    return f'<td class="n"{data}>{escape(cell.text)}</td>'


def _minutes(row: Row) -> float | None:
    return None if row.wall_seconds is None else row.wall_seconds / 60


def _log(row: Row) -> str:
    if not row.folder:
        return ""
    # The page lies in the study's folder report; run folders are relative to the study's folder.
    return f'<a href="../{quote(row.folder.replace(chr(92), "/"))}/">log</a>'


def _started(row: Row) -> str:
    """What a cell began from, in words."""
    if row.kind == "strategy":
        words = [(row.strategy or "").replace("_", " ")]
        if row.k is not None:
            words.append(f"k = {row.k}")
        if row.metric:
            words.append(row.metric)
        return ", ".join(words) + (f": {row.chosen}" if row.chosen else "")
    if row.kind == "transfer":
        seed = "" if row.source_seed is None else f" (seed {row.source_seed})"
        return f"{row.source}{seed}"
    return row.source or "scratch"


def settings(study: Study) -> str:
    roles = {
        "all": study.settings,
        "sources": study.source,
        "targets": study.target,
        "mixtures": study.mixture,
        "model": study.open,
    }
    used = {role: values for role, values in roles.items() if values}
    names = list(dict.fromkeys(name for values in used.values() for name in values))
    table = Table(
        name="settings",
        title="Settings of the tunings",
        columns=["setting", *used],
        rows=[[name, *(_plain(values.get(name)) for values in used.values())] for name in names],
        notes=["What the study sets, over the model's own settings and the paper's defaults."],
    )
    declared = json.dumps(study.to_dict(), indent=2, ensure_ascii=False, default=str)
    return "\n".join(
        [
            "<h2 id=settings>Settings and versions</h2>",
            markup.table(table),
            markup.folded("The study as declared", f"<pre>{escape(declared)}</pre>"),
        ]
    )


def _plain(value: Any) -> str | int | None:
    return value if value is None or type(value) is int else str(value)


def versions(rows: Sequence[Row]) -> str:
    by_name: dict[str, dict[str, int]] = {}
    for row in rows:
        for name, version in _versions_of(row).items():
            counts = by_name.setdefault(name, {})
            counts[str(version)] = counts.get(str(version), 0) + 1
    mixed = [name for name, counts in by_name.items() if len(counts) > 1]
    table = Table(
        name="versions",
        title="Versions",
        columns=["what", "version"],
        rows=[
            [
                name,
                ", ".join(
                    version if len(counts) == 1 else f"{version} ({count} cells)"
                    for version, count in sorted(counts.items())
                ),
            ]
            for name, counts in sorted(by_name.items())
        ],
        notes=[f"The cells were not all run with the same {', '.join(mixed)}."] if mixed else [],
    )
    return markup.table(table)


def _versions_of(row: Row) -> Mapping[str, Any]:
    try:
        versions = parse_versions(row)
    except ValueError:
        return {}
    return versions if isinstance(versions, dict) else {}
