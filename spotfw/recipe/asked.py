"""What a session is asked in Python, judged by its kind before anything is done with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from spotfw.errors import WrongUse
from spotfw.prompts import SoftPrompt, load_prompt
from spotfw.tasks import Mixture, Task

#: A name, or a folder or file.
Place = str | os.PathLike[str]


def place_of(place: Place) -> str:
    """A path or name as text.

    Raises:
      WrongUse: it is neither a text nor a path.
    """
    text = os.fspath(place) if isinstance(place, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise WrongUse(f"A name or path is a text or a pathlib.Path, but is {place!r:.80}.")
    return text


def places_of(places: Place | Sequence[Place] | None) -> list[str]:
    """One path or name, several or none, as texts.

    Raises:
      WrongUse: one is neither a text nor a path.
    """
    listed = [places] if isinstance(places, (str, os.PathLike)) else places or ()
    return [place_of(place) for place in listed]


def task_of(task: Place | Task | Mixture) -> str | Task | Mixture:
    """A task, or its name or path as text.

    Raises:
      WrongUse: it is something else.
    """
    if isinstance(task, (str, os.PathLike)):
        return place_of(task)
    if not isinstance(task, (Task, Mixture)):
        raise WrongUse(
            f"A task is a name, the path of a task file, a Task or a Mixture, but is {task!r:.80}."
        )
    return task


def split_of(split: str) -> str:
    """The name of a split.

    Raises:
      WrongUse: it is no text.
    """
    if not isinstance(split, str):
        raise WrongUse(f"A split is a name such as 'validation', but is {split!r:.80}.")
    return split


def prompt_of(prompt: Place | SoftPrompt) -> SoftPrompt:
    """A prompt, read where its file is named.

    Raises:
      WrongUse: it is something else, such as a bare array.
      SpotError: the file cannot be read as a prompt.
    """
    if isinstance(prompt, SoftPrompt):
        return prompt
    if isinstance(prompt, (str, os.PathLike)):
        return load_prompt(place_of(prompt))
    raise WrongUse(
        f"A prompt is a SoftPrompt or the path of a file, but is of the type "
        f"{type(prompt).__name__}. Of a tuning, give .best; of an array [length, width], "
        "SoftPrompt(array=array)."
    )


def lines_of(lines: Iterable[str]) -> list[str]:
    """Lines of text, of which a model answers each.

    Raises:
      WrongUse: it is a single text, or one of the lines is no text that UTF-8 can write.
    """
    if isinstance(lines, (str, bytes)):
        raise WrongUse("Lines are a list of texts, but a single text was given. Write [text].")
    listed = list(lines)
    for number, line in enumerate(listed, 1):
        try:
            sound = isinstance(line, str) and line.encode() is not None
        except UnicodeEncodeError:
            sound = False
        if not sound:
            raise WrongUse(f"Line {number} of the input is no text in UTF-8, but {line!a:.80}.")
    return listed
