"""A user's own file of labelled texts as a task: split, written beside a TOML, ready to tune.

The parts are files that a user can open, and the task file is like any other: nothing later
knows that it was not written by hand.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from spotfw import files
from spotfw.errors import SpotError, did_you_mean
from spotfw.tasks.file_columns import Columns
from spotfw.tasks.rows.records import UnusableRow
from spotfw.tasks.tables.labelled_file import (
    Pair,
    counted,
    lines_of_labels,
    listed,
    not_used,
    read_pairs,
)

#: Fewer usable rows than this teach nothing that a score could show.
FEWEST_ROWS = 10
#: More labels than this are a column of texts or numbers, not classes.
MOST_LABELS = 100
#: Parts that are scored, as shares of each label's texts; the rest is trained on.
SHARES = {"validation": 0.2, "test": 0.2}
#: With fewer rows than this there is no test part: validation needs them more.
ROWS_FOR_TEST = 200
#: Labels with a single row that a message names.
_RARE_SHOWN = 5
#: Characters of a text that a message shows.
_TEXT_SHOWN = 40
#: Other tasks of the same file that a message names.
_BEFORE = 2


@attrs.frozen(kw_only=True)
class OwnData:
    """What was made of a user's file.

    Attributes:
      task_file: the TOML.
      rows: rows of each part, by split.
      labels: each label's rows in the whole file, most frequent first.
      unusable: rows left out, each with its line and reason.
      before: folders of other tasks made before of a file of this name, where this one is new.
      twofold: texts that stand there with several labels, and these.
    """

    task_file: Path
    rows: Mapping[str, int]
    labels: Mapping[str, int]
    unusable: tuple[UnusableRow, ...] = ()
    before: tuple[Path, ...] = ()
    twofold: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)

    def describe(self) -> str:
        """The split and what was left out, in a paragraph."""
        parts = ", ".join(f"{count:,} {split}" for split, count in self.rows.items())
        text = (
            f"{sum(self.rows.values()):,} rows of {len(self.labels)} labels, split by content and "
            f"label alike: {parts}. The parts lie in {self.task_file.parent}."
        )
        if self.before:
            names = ", ".join(str(folder) for folder in self.before[:_BEFORE])
            text += (
                f" Its rows or columns are not those of {names}, so it is tuned anew there; what "
                "was tuned before stays."
            )
        if self.twofold:
            text += f" {_same_text(self.twofold)}"
        if self.unusable:
            text += f" {not_used(self.unusable)}"
        alike = _alike_but_for_capitals(self.labels)
        if alike:
            text += (
                f" Labels that differ in capitals only are learned as different ones: {alike}. "
                "Write them alike where they mean the same."
            )
        return text


def write_own_task(
    source: Path, text_columns: Sequence[str], label_column: str, folder: Path
) -> OwnData:
    """Reads a file of labelled texts, splits it and writes it as a task.

    Every label's texts are shared out alike, by a hash of the text: the same text is always in
    the same part, in whatever order rows come, so a part stays what it is when rows are added.

    Args:
      source: CSV, TSV or JSON lines, by its suffix; UTF-8.
      text_columns: what the model reads, one or several columns.
      label_column: what it should write.
      folder: where the task's own folder is made; a folder made before from the same rows is
        used again.

    Raises:
      UnknownName: there is no such column.
      WrongUse: the suffix is of no kind that is read.
      SpotError: the file cannot be read, most rows cannot be used, or the labels are no
        classes that could be learned.
    """
    pairs, unusable = read_pairs(source, text_columns, label_column)
    labels = Counter(label for _, label in pairs)
    _check(source, label_column, pairs, labels, unusable)
    parts = split_by_content(pairs)
    digest = hashlib.sha256(
        json.dumps([sorted(pairs), list(text_columns), label_column]).encode()
    ).hexdigest()[:8]
    name = _task_name(source.stem)
    place = folder / f"{name}-{digest}"
    before: list[Path] = []
    if not (place / "task.toml").is_file():
        before = sorted(
            path.parent
            for path in folder.glob(f"{name}-{'?' * len(digest)}/task.toml")
            if path.parent != place
        )
        with files.new_folder(place) as made:
            for split, rows in parts.items():
                text = "".join(
                    json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n"
                    for text, label in rows
                )
                files.write_atomically(made / f"{split}.jsonl", text.encode())
            columns = Columns(tuple(text_columns), label_column)
            toml = _toml(name, columns, [label for label, _ in labels.most_common()], parts)
            files.write_atomically(made / "task.toml", toml.encode())
    return OwnData(
        task_file=place / "task.toml",
        rows={split: len(rows) for split, rows in parts.items()},
        labels=dict(labels.most_common()),
        unusable=tuple(unusable),
        before=tuple(before),
        twofold=_twofold(pairs),
    )


def split_by_content(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Parts of labelled texts, each label in the same proportion, in the order of the rows.

    Returns:
      ``train``, ``validation`` and, with enough rows, ``test``. A text stands in one part
      only, however often and with whatever labels it occurs.
    """
    rows = list(pairs)
    first: dict[str, str] = {}
    for text, label in rows:
        first.setdefault(text, label)
    shares = SHARES if len(rows) >= ROWS_FOR_TEST else {"validation": SHARES["validation"]}
    part_of: dict[str, str] = {}
    for label in dict.fromkeys(first.values()):
        texts = sorted((t for t, own in first.items() if own == label), key=_hash)
        begin = 0
        for split, share in shares.items():
            # At least one, and never the last one: a label must be learned to be scored.
            count = min(max(1, round(share * len(texts))), max(0, len(texts) - 1 - begin))
            part_of.update(dict.fromkeys(texts[begin : begin + count], split))
            begin += count
    parts: dict[str, list[Pair]] = {split: [] for split in ("train", *shares)}
    for text, label in rows:
        parts[part_of.get(text, "train")].append((text, label))
    return parts


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _check(
    source: Path,
    label_column: str,
    pairs: Sequence[Pair],
    labels: Mapping[str, int],
    unusable: Sequence[UnusableRow],
) -> None:
    why = f" {not_used(unusable)}" if unusable else ""
    if len(pairs) < FEWEST_ROWS:
        usable = counted(len(pairs), "row")
        raise SpotError(
            f"The file {source} has {usable} that can be used, and at least {FEWEST_ROWS} "
            f"are needed to learn from and to score.{why}"
        )
    if len(unusable) > len(pairs):
        raise SpotError(
            f"Most rows of {source} cannot be used ({len(unusable):,} of "
            f"{len(unusable) + len(pairs):,}): {listed(unusable)} Name other columns, or correct "
            "the file; it must be UTF-8."
        )
    if len(labels) == 1:
        raise SpotError(
            f"Every row of {source} has the label {next(iter(labels))!r} in {label_column!r}, so "
            "there is nothing to tell apart. Name another column with --label-column."
        )
    if len(labels) > MOST_LABELS:
        examples = ", ".join(repr(label[:30]) for label in list(labels)[:3])
        raise SpotError(
            f"The column {label_column!r} of {source} has {len(labels):,} different values "
            f"({examples} ...), more than the {MOST_LABELS} labels that can be learned as classes. "
            "Name another column with --label-column, or join rare labels to one."
        )
    rare = [label for label, count in labels.items() if count < 2]
    if rare:
        lonely = "1 label" if len(rare) == 1 else f"{len(rare)} labels"
        shown = rare[:_RARE_SHOWN]
        lines = lines_of_labels(source, label_column, shown)
        rows = "; ".join(
            f"line {lines[label]}: {label[:30]!r}{_meant(label, labels)}" for label in shown
        )
        more = f"; and {len(rare) - len(shown)} more" if len(rare) > len(shown) else ""
        raise SpotError(
            f"In {label_column!r} of {source}, {lonely} with one row only cannot be both learned "
            f"and scored: {rows}{more}. Correct the label, give it more rows, or take the row out."
        )


def _meant(label: str, labels: Mapping[str, int]) -> str:
    """Which more frequent label a rare one may be, written otherwise: `` (did you mean 'x'?)``."""
    others = [other for other, count in labels.items() if count > labels[label]]
    hint = did_you_mean(label, others, most=1).strip()
    return f" ({hint[:1].lower()}{hint[1:]})" if hint else ""


def _alike_but_for_capitals(labels: Iterable[str]) -> str:
    """``'Yes' and 'yes'; 'No' and 'NO'``; empty where there are none."""
    folded: dict[str, list[str]] = {}
    for label in labels:
        folded.setdefault(label.casefold(), []).append(label)
    return "; ".join(" and ".join(map(repr, same)) for same in folded.values() if len(same) > 1)


def _twofold(pairs: Iterable[Pair]) -> dict[str, tuple[str, ...]]:
    """Texts with more than one label, each with its labels, in the order of the rows."""
    labels: dict[str, dict[str, None]] = {}
    for text, label in pairs:
        labels.setdefault(text, {})[label] = None
    return {text: tuple(own) for text, own in labels.items() if len(own) > 1}


def _same_text(twofold: Mapping[str, Sequence[str]]) -> str:
    """That texts have several labels, and the first of them."""
    text, labels = next(iter(twofold.items()))
    shown = text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]} ..."
    stand = "stands" if len(twofold) == 1 else "stand"
    return (
        f"{counted(len(twofold), 'text')} {stand} there with more than one label, such as "
        f"{shown!r} ({', '.join(labels)}): no answer is right for all rows of such a "
        "text. Keep the label that is meant."
    )


def _task_name(stem: str) -> str:
    """A name that a task may have, of a file's."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in stem)
    return plain.strip("_").lower() or "own_data"


def _toml(name: str, columns: Columns, labels: Sequence[str], parts: Iterable[str]) -> str:
    inputs = columns.lead.replace("{", "{{").replace("}", "}}") + "{text}"
    cells = ", ".join(f"{_quoted(label)} = {_quoted(label)}" for label in labels)
    texts = ", ".join(map(_quoted, columns.texts))
    splits = "\n".join(f'{split} = "{split}.jsonl"' for split in parts)
    return (
        f'name = {_quoted(name)}\ninputs = {_quoted(inputs)}\nlabel_column = "label"\n'
        f"labels = {{{cells}}}\n"
        f"file_columns = {{texts = [{texts}], label = {_quoted(columns.label)}}}\n"
        f"\n[splits]\n{splits}\n"
    )


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
