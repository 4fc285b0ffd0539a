"""Labels that sources of the text carry themselves, collected once into one file.

Each is openly licensed, and none is of a set that models are evaluated on: NLTK's pros_cons and
movie_reviews (CC BY 4.0), wiki-split (CC BY-SA 4.0), OpenTriviaQA (CC BY-SA 4.0) and the self
dialogue corpus (BSD 3-Clause). Whatever is not at hand is left out, and so are the tasks that
need it.
"""

from __future__ import annotations

import csv
import html
import json
import lzma
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from spotfw import files
from spotfw.errors import SpotError

#: Bytes of the labels' JSON at most.
_MOST = 2**29
#: Every so manieth label is held out.
HELD_OUT = 100

#: A category, a question, its answer, and the choices.
Trivia = tuple[str, str, str, Sequence[str]]


@attrs.frozen(kw_only=True)
class Labels:
    """What sources say of their texts.

    Attributes:
      pros_cons: a text, and 1 where it is a pro of a product, 0 where a con.
      film_reviews: 1 or 0, the side of a review, and its sentences.
      splits: a sentence, and two that say the same.
      trivia: see `Trivia`.
      dialogues: a topic, and a dialogue's line.
    """

    pros_cons: Sequence[tuple[str, int]] = ()
    film_reviews: Sequence[tuple[int, Sequence[str]]] = ()
    splits: Sequence[tuple[str, str, str]] = ()
    trivia: Sequence[Trivia] = ()
    dialogues: Sequence[tuple[str, str]] = ()

    def part(self, held_out: bool) -> Labels:
        """Those held out, or all others."""
        parts = {
            name: [value for n, value in enumerate(values) if (n % HELD_OUT == 0) == held_out]
            for name, values in attrs.asdict(self, recurse=False).items()
        }
        return Labels(**parts)


def read_labels(path: Path) -> Labels:
    """Labels that `write_labels` wrote.

    Raises:
      SpotError: the file cannot be read, or holds something else.
    """
    try:
        with lzma.open(path, "rb") as stream:
            data = stream.read(_MOST + 1)
        if len(data) > _MOST:
            raise ValueError("it is too large")
        values = json.loads(data)
        return Labels(**{key: [tuple(row) for row in rows] for key, rows in values.items()})
    except (OSError, EOFError, lzma.LZMAError, ValueError, TypeError, AttributeError) as error:
        raise SpotError(
            f"The labels {path} cannot be read: {error}. Make them by "
            "`python -m spotfw_english.pretraining labels`, or go without."
        ) from error


def write_labels(labels: Labels, path: Path) -> None:
    """Writes labels as JSON, compressed by xz."""
    text = json.dumps(attrs.asdict(labels, recurse=False), ensure_ascii=False)
    files.write_atomically(path, lzma.compress(text.encode(), preset=9))


def collect(folder: Path) -> Labels:
    """Labels of what lies in a folder, each source unpacked under its own name.

    Args:
      folder: with any of ``pros_cons`` and ``movie_reviews`` (of nltk_data), ``wiki-split``,
        ``OpenTriviaQA`` and ``self_dialogue_corpus`` (the repositories' files).
    """
    return Labels(
        pros_cons=list(_pros_cons(folder / "pros_cons")),
        film_reviews=list(_film_reviews(folder / "movie_reviews")),
        splits=list(_splits(folder / "wiki-split")),
        trivia=list(_trivia(folder / "OpenTriviaQA" / "categories")),
        dialogues=list(_dialogues(folder / "self_dialogue_corpus" / "corpus")),
    )


def _pros_cons(folder: Path) -> Iterator[tuple[str, int]]:
    for name, side in (("IntegratedCons.txt", 0), ("IntegratedPros.txt", 1)):
        text = "".join(_lines(folder / name, "latin-1"))
        for match in re.finditer(r"<(?:Pros|Cons)>(.*?)</(?:Pros|Cons)>", text, re.S):
            tidy = _tidy(re.sub(r"</?\w+>", "", match.group(1)))
            if len(tidy) >= 8:
                yield tidy, side


def _film_reviews(folder: Path) -> Iterator[tuple[int, list[str]]]:
    for side, name in enumerate(("neg", "pos")):
        for path in sorted((folder / name).glob("*.txt")):
            tidy = map(_tidy, _lines(path, "latin-1"))
            yield side, [sentence for sentence in tidy if len(sentence) > 8]


def _splits(folder: Path) -> Iterator[tuple[str, str, str]]:
    for name in ("tune.tsv", "validation.tsv", "test.tsv"):
        for line in _lines(folder / name):
            whole, _, parts = line.partition("\t")
            first, mark, second = parts.partition("<::::>")
            if mark:
                yield _tidy(whole), _tidy(first), _tidy(second)


def _trivia(folder: Path) -> Iterator[Trivia]:
    for path in sorted(folder.glob("*")):
        for block in "".join(_lines(path)).replace("\r", "").split("#Q ")[1:]:
            question, answer, choices = _entry(block.split("\n"))
            if answer and 10 < len(question) < 400 and len(answer) < 80:
                yield path.name, question, answer, choices


def _entry(lines: Iterable[str]) -> tuple[str, str, list[str]]:
    question: list[str] = []
    answer, choices = "", list[str]()
    for line in lines:
        if line.startswith("^ "):
            answer = _tidy(line[2:])
        elif answer and re.match(r"[A-H] ", line):
            choices.append(_tidy(line[2:]))
        elif not answer:
            question.append(line)
    return _tidy(" ".join(question)), answer, choices


def _dialogues(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*/*.csv")):
        for row in csv.DictReader(_lines(path)):
            said = [_tidy(row.get(f"Answer.sentence{n}") or "") for n in range(1, 21)]
            said = [utterance for utterance in said if utterance]
            if len(said) >= 6:
                speakers = ("AB"[n % 2] for n in range(len(said)))
                pairs = zip(speakers, said, strict=False)
                yield path.parent.name, " ".join(f"{who}: {what}" for who, what in pairs)


def _lines(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    if path.is_file():
        with path.open(encoding=encoding, errors="replace", newline="") as stream:
            yield from stream


def _tidy(text: str) -> str:
    return " ".join(html.unescape(text).split())
