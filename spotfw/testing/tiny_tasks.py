"""Three tasks of a few dozen rows: two of one family, and one that asks for free text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spotfw.tasks import Task

_WORDS = {
    "positive": ("good", "fine", "great", "lovely", "warm"),
    "negative": ("bad", "poor", "dull", "awful", "cold"),
}
_THINGS = ("film", "book", "meal", "song", "room", "play", "house", "story")

#: Rows take turns in labels, so pairs go to a split together: 40, 20 and 20 of 80.
_SPLITS = {"train": (0, 1, 4, 5), "validation": (2, 3), "test": (6, 7)}

_FILES = "[splits]\n" + "".join(f'{split} = "{{name}}-{split}.jsonl"\n' for split in _SPLITS)
_LABELS = 'family = "sentiment"\nlabel_column = "label"\nlabels = ["negative", "positive"]\n'

#: Task -> the head of its file.
_HEADS = {
    "tiny_reviews": f'inputs = "review: {{text}}"\n{_LABELS}',
    "tiny_words": f'inputs = "word: {{word}}"\n{_LABELS}',
    "tiny_things": 'inputs = "what was {word} and {also}: {text}"\nfamily = "reading"\n'
    'answers_column = "thing"\n',
}


def reviews() -> list[tuple[str, str]]:
    """Texts and labels: 80, in an order that mixes both labels."""
    return [(row["text"], row["label"]) for row in _rows()]


def write_tiny_tasks(folder: str | Path) -> tuple[Task, Task, Task]:
    """Writes the tasks into a folder, TOML and JSONL, and loads them; no TensorFlow.

    ``tiny_reviews`` and ``tiny_words`` are sentiment, labels ``negative`` and ``positive``;
    ``tiny_things`` asks which thing a review is about. Each has 40 rows to train on and 20
    each to validate and test, and its file is ``NAME.toml``.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for name, head in _HEADS.items():
        for split, chosen in _SPLITS.items():
            lines = [json.dumps(r) for i, r in enumerate(_rows()) if i % 8 in chosen]
            (place / f"{name}-{split}.jsonl").write_text("\n".join(lines) + "\n")
        text = f'name = "{name}"\n{head}{_FILES.format(name=name)}'
        (place / f"{name}.toml").write_text(text)
    return load_tiny_tasks(place)


def load_tiny_tasks(folder: str | Path) -> tuple[Task, Task, Task]:
    """The tasks of a folder that `write_tiny_tasks` wrote."""
    from spotfw.tasks.tables.source import load_task_file

    first, second, third = (load_task_file(Path(folder) / f"{name}.toml")[0] for name in _HEADS)
    return first, second, third


def _rows() -> list[dict[str, Any]]:
    return [
        {
            "text": f"the {thing} was {word} and {also}",
            "word": word,
            "also": also,
            "thing": thing,
            "label": label,
        }
        for thing in _THINGS
        for place in range(5)
        for label, words in _WORDS.items()
        for word, also in [(words[place], words[place - 1])]
    ]
