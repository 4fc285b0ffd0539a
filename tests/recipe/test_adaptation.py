"""LM adaptation: a text as windows cut in two, and how likely what is held out is."""

from __future__ import annotations

import math
from pathlib import Path

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.recipe.adaptation import likelihood, text_task
from spotfw.recipe.session import Session
from spotfw.recipe.text_windows import HELD_OUT
from spotfw.tasks import Example
from spotfw.tasks.content import content_of
from spotfw.testing import NumpyModel
from spotfw.testing.tiny_tasks import write_tiny_tasks

#: Windows of 8 words.
SETTINGS = TuningSettings(max_input_length=12, max_target_length=12)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    words = [f"w{number}" for number in range(8 * 3 * HELD_OUT)]
    path = tmp_path / "text.txt"
    path.write_text(" ".join(words) + "\n\nshort one\n\nalone\n\n")
    return path


def _rows(text: Path, split: str) -> list[Example]:
    examples = text_task(str(text), SETTINGS).examples
    assert examples is not None
    return list(examples(split))


def test_windows_are_cut_in_two_and_all_text_is_kept(text: Path) -> None:
    train, held_out = _rows(text, "train"), _rows(text, "validation")
    # 60 windows and the short paragraph; a single word has nothing to write.
    assert (len(train), len(held_out)) == (57, 4)
    words = [word for e in (*train, *held_out) for word in f"{e.inputs} {e.targets}".split()]
    assert sorted(words) == sorted([*text.read_text().split()][:-1])
    assert all(example.inputs and example.targets for example in train)
    cuts = {len(example.inputs.split()) for example in train}
    assert cuts >= set(range(1, 8))


def test_paragraphs_are_parted_however_lines_end(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    rows = []
    for lines in ("one two\n\nthree four\n\n", "\ufeffone two\r\n\r\nthree four\r\n \r\n"):
        path.write_bytes(lines.encode())
        rows.append([_rows(path, split) for split in ("train", "validation")])
    assert (
        rows[0]
        == rows[1]
        == [[Example(inputs="three", targets="four")], [Example(inputs="one", targets="two")]]
    )


def test_cuts_are_the_same_each_time_and_the_text_is_the_tasks_content(text: Path) -> None:
    assert _rows(text, "train") == _rows(text, "train")
    before = content_of(text_task(str(text), SETTINGS))
    text.write_text(text.read_text() + "and more")
    assert content_of(text_task(str(text), SETTINGS)) != before


@pytest.mark.parametrize("data", [b"", b"two words", b"\xff\xfe\x00 no text"])
def test_what_is_no_text_or_too_short_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(data)
    with pytest.raises(WrongUse, match=r"text\.txt"):
        text_task(str(path), SETTINGS)
    with pytest.raises(WrongUse, match=r"absent\.txt cannot be read: No such file .* the path"):
        text_task(str(tmp_path / "absent.txt"), SETTINGS)


@pytest.mark.parametrize("suffix", ["text", "md", "markdown"])
def test_a_text_may_have_marks(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(WrongUse, match="The text"):
        Session(str(tmp_path), progress=False).adapt_model(tmp_path / f"absent.{suffix}")


def test_a_file_of_another_name_is_told_how_a_texts_ends(tmp_path: Path) -> None:
    (tmp_path / "text.log").write_text("some words")
    with pytest.raises(UnknownName, match=r"The name of a text ends in \.txt or"):
        Session(str(tmp_path), progress=False).adapt_model(tmp_path / "text.log")


def test_likelihood_is_a_tokens_in_the_geometric_mean(tmp_path: Path) -> None:
    class Halving(NumpyModel):
        """Every token, the end's too, is one of two."""

        def losses(self, prompts, examples, settings):  # type: ignore[no-untyped-def]
            assert prompts == [None]
            lengths = [len(self.vocabulary.encode(e.targets)) + 1 for e in examples]
            return np.array([[n * math.log(2) for n in lengths]])

    task = write_tiny_tasks(tmp_path)[0]
    settings = attrs.evolve(SETTINGS, max_eval_examples=5)
    evaluation = likelihood(Halving(), task, settings)
    assert evaluation.score == pytest.approx(50)
    assert (evaluation.examples, list(evaluation.metrics)) == (5, ["likelihood"])


def test_a_task_without_texts_is_refused(tmp_path: Path) -> None:
    task = write_tiny_tasks(tmp_path)[0]
    task = attrs.evolve(task, examples=None, build=lambda vocabulary: None)
    with pytest.raises(SpotError, match="no texts"):
        likelihood(NumpyModel(), task, SETTINGS)
