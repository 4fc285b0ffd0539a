"""A study's results as tidy rows: a row for each finished or failed cell, in Parquet and CSV.

The cells' own files are the truth; these tables are written anew from them at any time.
They are read from the CSV, which holds every digit and needs no other package.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from spotfw import files
from spotfw.errors import SpotError
from spotfw.reading import MOST

if TYPE_CHECKING:
    import pandas

#: Kinds of rows, in the order in which they are written.
KINDS = (
    *("source", "generic source", "model source", "baseline", "baseline ablation", "transfer"),
    *("strategy", "generic", "generic ablation", "model tuning"),
)
#: Kinds of what targets start from; their tasks are no targets.
SOURCE_KINDS = ("source", "generic source", "model source")

ROWS, SIMILARITIES = "rows", "similarities"

_SCORE = "score_"

Made = TypeVar("Made")


@attrs.frozen(kw_only=True)
class Row:
    """One cell of a study: what was tuned, from what, and how well.

    Attributes:
      kind: ``source`` (a source's prompt), ``generic source`` (a prompt for every target),
        ``baseline`` (a target from scratch), ``transfer`` (a target from one source prompt),
        ``strategy`` (a target from what a strategy chose), ``generic`` (a target from a
        generic source's prompt); ``baseline ablation`` and ``generic ablation`` are the like
        for another number of updates; ``model source`` and ``model tuning`` are all weights,
        on a mixture of sources and on a target.
      study, model: names.
      parameters: weights of the frozen model, None where unknown.
      task_parameters: numbers that belong to the task alone: of a prompt, or all weights.
      task, family: what was tuned: the source's for sources, else the target's.
      source: the source task started from, or the name of a generic source or of a way of
        tuning all weights.
      source_family, source_seed, source_id: of that prompt; the id is the library's.
      strategy, metric, k: of a strategy; the metric is None where it ranked nothing.
      seed: of the tuning.
      step: of the best checkpoint.
      steps: updates of the tuning.
      score: of the best checkpoint on validation, the mean of its metrics, 0-100.
      scores: each metric's value.
      chosen: what a strategy's winner started from, in words.
      candidates: how many tunings a strategy chose among.
      wall_seconds, cpu_seconds: spent on what this cell tuned itself; a tuning shared by
        several cells counts where it was run.
      folder: of the run, relative to the study's folder.
      error: why the cell failed, None where it did not.
      versions: of what the result may depend on, JSON text.
      created: when the cell ended, ISO 8601 in UTC.
    """

    kind: str
    study: str = ""
    model: str = ""
    parameters: int | None = None
    task_parameters: int | None = None
    task: str = ""
    family: str = ""
    source: str | None = None
    source_family: str | None = None
    source_seed: int | None = None
    source_id: str | None = None
    strategy: str | None = None
    metric: str | None = None
    k: int | None = None
    seed: int = 0
    step: int | None = None
    steps: int | None = None
    score: float | None = None
    scores: Mapping[str, float] = attrs.field(factory=dict)
    chosen: str | None = None
    candidates: int | None = None
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    folder: str | None = None
    error: str | None = None
    versions: str = "{}"
    created: str = ""


@attrs.frozen(kw_only=True)
class Similarity:
    """How alike two task embeddings are by one metric.

    Attributes:
      model: of both.
      metric: its name.
      task_a, family_a, seed_a, role_a, id_a: the query: its task, the tuning's seed,
        ``source`` or ``target`` (its baseline's early checkpoint), and an id of the
        embedding's own.
      task_b, family_b, seed_b, role_b, id_b: what it is compared with.
      similarity: higher is more alike.
    """

    model: str = ""
    metric: str
    task_a: str
    family_a: str
    seed_a: int
    role_a: str
    id_a: str
    task_b: str
    family_b: str
    seed_b: int
    role_b: str
    id_b: str
    similarity: float


def write_rows(folder: str, rows: Sequence[Row]) -> None:
    """Writes ``rows.csv`` and ``rows.parquet`` into a study's folder, each whole or not at all.

    Raises:
      SpotError: pyarrow cannot be loaded (the CSV is written all the same), or the disk refuses.
    """
    metrics = sorted({name for row in rows for name in row.scores})
    columns = _columns(Row)
    if all(row.task_parameters is None for row in rows):
        # As the rows of cells that were run before there was such a column.
        del columns["task_parameters"]
    flat = [
        {name: getattr(row, name) for name in columns}
        | {_SCORE + name: row.scores.get(name) for name in metrics}
        for row in rows
    ]
    _write(folder, ROWS, flat, columns | dict.fromkeys(map(_SCORE.__add__, metrics), "float"))


def write_similarities(folder: str, similarities: Iterable[Similarity]) -> None:
    """Writes ``similarities.csv`` and ``similarities.parquet``; see `write_rows`."""
    _write(folder, SIMILARITIES, [attrs.asdict(s) for s in similarities], _columns(Similarity))


def read_rows(place: str, most: int = MOST) -> tuple[Row, ...]:
    """Rows of a study's folder, or of a CSV or Parquet file with their columns.

    Args:
      place: the folder or file.
      most: bytes that the file may have.

    Raises:
      SpotError: there is no such table, it is larger, or it is damaged.
    """
    return _read(place, ROWS, _columns(Row), _row, most)


def read_similarities(place: str, most: int = MOST) -> tuple[Similarity, ...]:
    """Similarities of a study's folder, or of a file; see `read_rows`."""
    columns = _columns(Similarity)
    return _read(
        place,
        SIMILARITIES,
        columns,
        lambda row: Similarity(**{k: v for k, v in row.items() if k in columns}),
        most,
    )


def rows_frame(rows: Sequence[Row]) -> pandas.DataFrame:
    """Rows as a data frame, with a column ``score_NAME`` for each metric."""
    import pandas

    names = list(_columns(Row))
    frame = pandas.DataFrame([{n: getattr(row, n) for n in names} for row in rows], columns=names)
    for metric in sorted({name for row in rows for name in row.scores}):
        frame[_SCORE + metric] = [row.scores.get(metric) for row in rows]
    return frame


def _row(values: dict[str, Any]) -> Row:
    scores = {
        name.removeprefix(_SCORE): value
        for name, value in values.items()
        if name.startswith(_SCORE) and value is not None
    }
    own = _columns(Row)
    return Row(**{k: v for k, v in values.items() if k in own}, scores=scores)


def _columns(kind: type[Any]) -> dict[str, str]:
    """Names of columns and their types: ``str``, ``int`` or ``float``, with ``?`` if optional."""
    return {
        field.name: str(field.type).replace(" | None", "?")
        for field in attrs.fields(kind)
        if field.name != "scores"
    }


def _write(folder: str, name: str, rows: list[dict[str, Any]], columns: dict[str, str]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_atomically(files.join(folder, f"{name}.csv"), text.getvalue().encode())
    files.write_atomically(files.join(folder, f"{name}.parquet"), _parquet(rows, columns))


def _parquet(rows: list[dict[str, Any]], columns: dict[str, str]) -> bytes:
    pyarrow = _pyarrow()
    aliases = {"str": "string", "int": "int64", "float": "double"}
    schema = pyarrow.schema(
        [(n, pyarrow.type_for_alias(aliases[t.rstrip("?")])) for n, t in columns.items()]
    )
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), stream)
    return stream.getvalue()


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise SpotError(
            f"Parquet needs pyarrow, which cannot be loaded here ({error}). The CSV beside it "
            "holds the same. Install a pyarrow that fits this NumPy."
        ) from error
    return pyarrow


def _read(
    place: str,
    name: str,
    columns: dict[str, str],
    make: Callable[[dict[str, Any]], Made],
    most: int,
) -> tuple[Made, ...]:
    whole = place.endswith((".csv", ".parquet"))
    path = place if whole else files.join(place, f"{name}.csv")
    data = files.read_bytes(path, most)
    try:
        if path.endswith(".parquet"):
            rows: list[dict[str, Any]] = _pyarrow().parquet.read_table(io.BytesIO(data)).to_pylist()
        else:
            lines = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
            rows = [{k: _value(v, columns.get(k, "float?")) for k, v in x.items()} for x in lines]
        for needed in {"kind", "task_a", "similarity"} & set(columns):
            if rows and needed not in rows[0]:
                raise ValueError(f"no column {needed}")
        for row in rows:
            _check(row, columns)
        return tuple(map(make, rows))
    # Arrow's own errors are of several of these kinds.
    except (
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        NotImplementedError,
        OSError,
        MemoryError,
        csv.Error,
    ) as error:
        raise SpotError(
            f"The table {path} is damaged or is no study's ({type(error).__name__}: "
            f"{str(error)[:200]}). `spotfw study resume` writes it anew from the study's cells."
        ) from error


def _check(row: dict[str, Any], columns: dict[str, str]) -> None:
    """Refuses (ValueError) values of another type than their column's."""
    kinds: dict[str, Any] = {"str": str, "int": int, "float": (int, float)}
    for name, value in row.items():
        kind = columns.get(name or "", "float?" if str(name).startswith(_SCORE) else "")
        if not kind or (value is None and kind.endswith("?")):
            continue
        if isinstance(value, bool) or not isinstance(value, kinds[kind.rstrip("?")]):
            raise ValueError(f"{str(value)!r:.40} in the column {name}")


def _value(text: str, kind: str) -> Any:
    if text == "" and kind.endswith("?"):
        return None
    return {"str": str, "int": int, "float": float}[kind.rstrip("?")](text)


def parse_versions(row: Row) -> dict[str, str]:
    """The versions that a row names."""
    versions: dict[str, str] = json.loads(row.versions or "{}")
    return versions
