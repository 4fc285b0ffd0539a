"""The TOML of a task made from a user's own files, checked key by key.

Only the TOML is read here, never the data: listing tasks stays cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import attrs

from spotfw.errors import WrongUse, did_you_mean
from spotfw.tasks.file_columns import Columns
from spotfw.tasks.scoring.named import MEAN_F1, reported_name
from spotfw.tasks.tables.answers import ANSWERS, LABEL, NUMBER, TEXT, check_metrics
from spotfw.tasks.tables.document import NAME, TaskDocument, read_document
from spotfw.tasks.tables.labels import read_labels
from spotfw.tasks.tables.template import Template, parse_template

#: Suffix -> format of a data file.
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv"}

#: Metrics of a task that names none, by what its answers are.
DEFAULT_METRICS = {
    LABEL: ("accuracy",),
    NUMBER: ("pearson_corrcoef", "spearman_corrcoef"),
    ANSWERS: ("squad",),
    TEXT: ("sequence_accuracy",),
}
_DEFAULT_TYPES = {LABEL: "classification", NUMBER: "regression", ANSWERS: "qa", TEXT: "generation"}

#: What a task may say it asks.
TYPES = tuple(_DEFAULT_TYPES.values())


@attrs.frozen(kw_only=True)
class TableDefinition:
    """A task as its TOML file defines it; `docs/tasks.md` explains each key.

    Attributes:
      labels: what the label column may hold -> the word the model writes; a list in the
        file gives both its words and their places.
      kind: what answers are: one of `table_metrics`' kinds.
      file_columns: of the file that the rows were taken from, as they are named there.
      splits: files of each split, resolved against the TOML file's folder, with formats.
      file: the TOML file.
      table: the task's keys as they stand in the file.
    """

    name: str
    file: Path
    inputs: Template
    targets: Template
    kind: str
    type: str
    metrics: tuple[str, ...]
    splits: Mapping[str, tuple[tuple[Path, str], ...]]
    family: str = "other"
    description: str = ""
    label_column: str | None = None
    labels: Mapping[str, str] = attrs.field(factory=dict)
    answers_column: str | None = None
    columns: tuple[str, ...] = ()
    optional_columns: tuple[str, ...] = ()
    file_columns: Columns | None = None
    round_to: float = 0.0
    strict: bool = False
    table: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def needed_columns(self) -> tuple[str, ...]:
        """Columns every row must have, in the order of their use."""
        made = {LABEL: {"label"}, NUMBER: {"label"}, ANSWERS: {"answer"}}.get(self.kind, set())
        answer = self.label_column if self.kind in (LABEL, NUMBER) else self.answers_column
        used = [*self.inputs.columns, *(c for c in self.targets.columns if c not in made)]
        used += [answer] if answer else []
        return tuple(c for c in dict.fromkeys(used) if c not in self.optional_columns)

    @property
    def label_words(self) -> tuple[str, ...]:
        """The words the model may write, in order, without doubles."""
        return tuple(dict.fromkeys(self.labels.values()))


def read_definitions(source: Path | TaskDocument) -> list[TableDefinition]:
    """The tasks of a TOML file: one at its top level, or several as ``[[task]]``.

    Raises:
      WrongUse: the file is absent, is not TOML, or a key is unknown, missing or wrong.
    """
    document = source if isinstance(source, TaskDocument) else read_document(source)
    return [_Reader(document.path, table).read() for table in document.tasks]


class _Reader:
    """Takes one task's keys out of a TOML table, saying which file and key when one is wrong."""

    def __init__(self, path: Path, table: Mapping[str, Any]) -> None:
        self.path = path
        self.table = table

    def read(self) -> TableDefinition:
        self._check_keys()
        name = self._text("name", required=True)
        if not NAME.fullmatch(name):
            self._fail("name", f"is {name!r}; use only letters, digits, '_', '.' and ':'")
        self.name = name
        label_column = self._text("label_column") or None
        answers_column = self._text("answers_column") or None
        labels = self._labels()
        kind = self._kind(labels, label_column, answers_column)
        inputs = self._template("inputs", "")
        secret = {label_column, answers_column}
        secret |= {"label"} if label_column else set()
        secret |= {"answer"} if answers_column else set()
        if secret & set(inputs.columns):
            self._fail("inputs", "shows the model the answer's column, so it would learn to copy")
        metrics = self._texts("metrics") or DEFAULT_METRICS[kind]
        words = len(set(labels.values()))
        # Scores name this metric by its number of classes; a file may too.
        metrics = tuple(MEAN_F1 if m == reported_name(MEAN_F1, words) else m for m in metrics)
        check_metrics(metrics, kind, words, f"task {name!r} of {self.path}")
        round_to = self._number("round_to", 0.2 if kind == NUMBER else 0.0)
        return TableDefinition(
            name=name,
            file=self.path,
            inputs=inputs,
            targets=self._targets(kind, label_column),
            kind=kind,
            type=self._text("type") or _DEFAULT_TYPES[kind],
            metrics=metrics,
            splits=self._splits(),
            family=self._text("family") or "other",
            description=self._text("description"),
            label_column=label_column,
            labels=labels,
            answers_column=answers_column,
            columns=self._texts("columns"),
            optional_columns=self._texts("optional_columns"),
            file_columns=self._file_columns(),
            round_to=round_to,
            strict=self._flag("strict"),
            table=self.table,
        )

    def _check_keys(self) -> None:
        known = {*attrs.fields_dict(TableDefinition), "format"} - {"file", "kind", "table"}
        for key in self.table:
            if key not in known:
                hint = did_you_mean(key, known, most=1)
                raise WrongUse(
                    f"The task file {self.path} has an unknown key {key!r}.{hint} Known keys: "
                    f"{', '.join(sorted(known))}."
                )

    def _fail(self, key: str, what: str) -> NoReturn:
        task = f"task {self.name!r}: " if hasattr(self, "name") else ""
        raise WrongUse(f"In the task file {self.path}, {task}the key {key!r} {what}.")

    def _get(self, key: str, kinds: type | tuple[type, ...], what: str, default: Any) -> Any:
        value = self.table.get(key, default)
        wrong_bool = isinstance(value, bool) and kinds is not bool
        if not isinstance(value, kinds) or wrong_bool:
            self._fail(key, f"must be {what}, but is {value!r}")
        return value

    def _text(self, key: str, *, required: bool = False) -> str:
        if required and key not in self.table:
            self._fail(key, "is missing")
        value: str = self._get(key, str, "text in quotes", "")
        if key in self.table and not value.strip():
            self._fail(key, "is empty")
        return value

    def _flag(self, key: str) -> bool:
        value: bool = self._get(key, bool, "true or false", False)
        return value

    def _number(self, key: str, default: float) -> float:
        value = float(self._get(key, (int, float), "a number", default))
        if not 0 <= value < float("inf"):
            self._fail(key, f"must be 0 (no rounding) or above, but is {value!r}")
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        values = self._get(key, list, "a list of texts", [])
        for value in values:
            if not isinstance(value, str) or not value.strip():
                self._fail(key, f"must hold texts only, but holds {value!r}")
        if len(set(values)) < len(values):
            self._fail(key, "names something twice")
        return tuple(values)

    def _file_columns(self) -> Columns | None:
        raw = self._get("file_columns", dict, "a table", {})
        columns = Columns.from_dict(raw)
        if raw and columns is None:
            self._fail(
                "file_columns", f'is {raw!r}; write {{texts = ["COLUMN"], label = "COLUMN"}}'
            )
        return columns

    def _labels(self) -> dict[str, str]:
        raw = self._get("labels", (list, dict), "a list of words or a table", [])
        return read_labels(raw, lambda what: self._fail("labels", what))

    def _kind(
        self, labels: Mapping[str, str], label_column: str | None, answers_column: str | None
    ) -> str:
        type_ = self._text("type")
        if type_ and type_ not in TYPES:
            hint = did_you_mean(type_, TYPES, most=1)
            self._fail("type", f"is {type_!r}.{hint} Known types: {', '.join(TYPES)}")
        if type_ == "classification" and not labels:
            self._fail("labels", "is missing; a classification lists its labels in order")
        if type_ == "regression" and labels:
            self._fail("labels", "does not go with type = 'regression'")
        if (labels or type_ == "regression") and label_column is None:
            self._fail("label_column", "is missing; name the column that holds the answer")
        if labels or type_ == "regression":
            if answers_column:
                self._fail("answers_column", "is for question answering; this task has labels")
            return LABEL if labels else NUMBER
        if label_column:
            self._fail(
                "label_column", "needs labels, or type = 'regression'; free text goes in targets"
            )
        return ANSWERS if answers_column else TEXT

    def _template(self, key: str, default: str) -> Template:
        text = self._text(key, required=not default) or default
        try:
            return parse_template(text)
        except ValueError as error:
            self._fail(key, f"is {text!r}, which {error}")

    def _targets(self, kind: str, label_column: str | None) -> Template:
        if kind in (LABEL, NUMBER):
            template = self._template("targets", "{label}")
            if template.parts != (("", "label"),):
                self._fail("targets", "must be '{label}' where labels or numbers are asked")
            return template
        return self._template("targets", "{answer}" if kind == ANSWERS else "")

    def _splits(self) -> dict[str, tuple[tuple[Path, str], ...]]:
        raw = self._get("splits", dict, "a table of files, [splits]", {})
        if not raw:
            self._fail("splits", 'is missing; give [splits] with at least train = "FILE"')
        form = self._text("format")
        if form and form not in set(FORMATS.values()):
            self._fail("format", f"is {form!r}; it must be one of {sorted(set(FORMATS.values()))}")
        splits = {}
        for split, files in raw.items():
            listed = [files] if isinstance(files, str) else files
            good = isinstance(listed, list) and listed and all(isinstance(f, str) for f in listed)
            if not good:
                self._fail("splits", f"names for {split!r} no file or list of files: {files!r}")
            splits[split] = tuple(self._data_file(f, form) for f in listed)
        return splits

    def _data_file(self, name: str, form: str) -> tuple[Path, str]:
        path = self.path.parent / name  # as written: no ~ and no $VAR is expanded
        known = form or FORMATS.get(path.suffix.lower(), "")
        if not known:
            self._fail(
                "splits",
                f'names {name!r}, whose suffix says nothing; add format = "csv", "tsv" or "jsonl"',
            )
        return path, known
