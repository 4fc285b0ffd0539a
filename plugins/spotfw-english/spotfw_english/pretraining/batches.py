"""Batches: windows of text and short examples, as rows of one fixed shape.

A batch is a function of the step alone, so that training goes on anywhere, with any number of
workers. Several short examples share a row; attention never crosses from one to another.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import sentencepiece

from spotfw_english.pretraining.labels import Labels
from spotfw_english.pretraining.made.maker import Maker
from spotfw_english.pretraining.noise import Ids, corrupt
from spotfw_english.pretraining.sizes import EOS, PAD, RowSize
from spotfw_english.pretraining.texts import Corpus, open_corpus

#: Kinds of a target token: padding, span corruption, prefix LM; made tasks come after.
KINDS = ("padding", "span", "lm")
#: Rows that are being filled at once, and the room that may be left in one.
_OPEN, _SLACK = 24, 12


@attrs.frozen(kw_only=True)
class Mix:
    """What the rows of a batch are.

    Attributes:
      rows: of a batch.
      packed: share of rows of short examples; the rest are windows of text.
      lines: share of single lines among short examples; the rest are made tasks.
      lm: share of prefix LM among windows and lines, once it begins.
      lm_from: share of all steps after which it does.
    """

    rows: int = 256
    packed: float = 0.36
    lines: float = 0.2
    lm: float = 0.5
    lm_from: float = 0.65

    def counts(self, lm: bool) -> tuple[int, int, int]:
        """Rows of span corruption, of prefix LM, and of short examples."""
        packed = round(self.rows * self.packed)
        of_lm = round((self.rows - packed) * self.lm) if lm else 0
        return self.rows - packed - of_lm, of_lm, packed


@attrs.frozen(kw_only=True)
class Recipe:
    """All that batches depend on, as plain values that reach a worker.

    Attributes:
      corpus: the prepared folder.
      part: ``train`` or ``heldout``.
      vocabulary: the sentencepiece file.
      table: rows of the embedding table.
      steps: of the whole training.
      seed: of everything drawn.
      size, mix: shapes and shares.
      labels: of sources, of the same part.
    """

    corpus: Path
    part: str
    vocabulary: Path
    table: int
    steps: int
    seed: int = 11
    size: RowSize = attrs.field(factory=RowSize)
    mix: Mix = attrs.field(factory=Mix)
    labels: Labels = attrs.field(factory=Labels, repr=False)


@attrs.frozen(kw_only=True, eq=False)
class Batch:
    """Rows, ``R`` of them.

    Attributes:
      inputs, input_segments: ids [R, inputs] and which example each is of; 0 is padding.
      targets, target_segments: the same of targets [R, targets].
      kinds: of each target token, an index into `BatchMaker.names`; [R, targets].
    """

    inputs: npt.NDArray[np.uint16]
    input_segments: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.uint16]
    target_segments: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.uint8]

    @classmethod
    def blank(cls, rows: int, size: RowSize) -> Batch:
        """All padding."""
        return cls(
            inputs=np.zeros((rows, size.inputs), np.uint16),
            input_segments=np.zeros((rows, size.inputs), np.uint8),
            targets=np.zeros((rows, size.targets), np.uint16),
            target_segments=np.zeros((rows, size.targets), np.uint8),
            kinds=np.zeros((rows, size.targets), np.uint8),
        )

    @property
    def decoder_inputs(self) -> npt.NDArray[np.uint16]:
        """Targets moved on by one; each example begins with padding."""
        moved = np.zeros_like(self.targets)
        moved[:, 1:] = self.targets[:, :-1]
        moved[:, 1:][self.target_segments[:, 1:] != self.target_segments[:, :-1]] = PAD
        return moved


#: A short example: input ids and target ids, both closed by EOS, and its kind.
_Short = tuple[Sequence[int], Sequence[int], int]


class BatchMaker:
    """Makes a recipe's batches.

    Attributes:
      names: kinds of target tokens; `KINDS`, then the made tasks that this corpus allows.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._corpus: Corpus = open_corpus(recipe.corpus, recipe.part)
        self._starts = np.concatenate([[0], np.cumsum(self._corpus.lengths, dtype=np.int64)])
        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(recipe.vocabulary))
        self._maker = Maker(self._corpus.lines, recipe.labels)
        self.names = (*KINDS, *self._maker.names)

    def batch(self, step: int) -> Batch:
        """The batch of a step, from 0."""
        recipe = self._recipe
        lm = step >= recipe.mix.lm_from * recipe.steps
        spans, of_lm, packed = recipe.mix.counts(lm)
        batch = Batch.blank(recipe.mix.rows, recipe.size)
        rng = np.random.default_rng((recipe.seed, step))
        self._fill_spans(batch, slice(0, spans), step, rng)
        if of_lm:
            self._fill_lm(batch, slice(spans, spans + of_lm), step, rng)
        self._pack(batch, range(spans + of_lm, spans + of_lm + packed), lm, rng)
        return batch

    def _fill_spans(self, batch: Batch, rows: slice, step: int, rng: np.random.Generator) -> None:
        recipe, size = self._recipe, self._recipe.size
        count = rows.stop - rows.start
        windows = self._windows(step * count, count, size.window, "span")
        inputs, targets = corrupt(windows, size.noise, size.spans, recipe.table, rng)
        batch.inputs[rows], batch.targets[rows] = inputs, targets
        batch.input_segments[rows] = batch.target_segments[rows] = 1
        batch.kinds[rows] = KINDS.index("span")

    def _fill_lm(self, batch: Batch, rows: slice, step: int, rng: np.random.Generator) -> None:
        size = self._recipe.size
        count = rows.stop - rows.start
        windows = self._windows(step * count, count, size.inputs + size.targets - 1, "lm")
        prefix = rng.integers(min(24, size.inputs // 2), size.inputs, count)
        prefix[rng.random(count) < 0.3] = size.inputs - 1
        place, ends = np.arange(size.inputs), prefix[:, None]
        closed = np.where(place == ends, EOS, PAD)
        batch.inputs[rows] = np.where(place < ends, windows[:, : size.inputs], closed)
        batch.input_segments[rows] = place <= ends
        batch.targets[rows] = np.take_along_axis(windows, ends + np.arange(size.targets), axis=1)
        batch.target_segments[rows] = 1
        batch.kinds[rows] = KINDS.index("lm")

    def _windows(self, first: int, count: int, length: int, purpose: str) -> Ids:
        """Windows of the token stream; all tokens once an epoch, on a grid that moves by epochs."""
        tokens, purposes = self._corpus.tokens, ("span", "lm")
        epoch_size = max((len(tokens) - length) // length, 1)
        begins = []
        for number in range(first, first + count):
            epoch, place = divmod(number, epoch_size)
            key = (self._recipe.seed, purposes.index(purpose), epoch)
            offset, order = _grid(key, epoch_size, length)
            begins.append(offset + length * int(order[place]))
        room = max(len(tokens) - length, 0)
        picked = np.minimum(np.array(begins), room)[:, None] + np.arange(length)
        return np.asarray(tokens[picked % len(tokens)], np.int64)

    def _pack(self, batch: Batch, rows: Sequence[int], lm: bool, rng: np.random.Generator) -> None:
        """Fills rows with short examples, each into the fullest open row that has room."""
        size, mix = self._recipe.size, self._recipe.mix
        chance = random.Random(int(rng.integers(2**63)))
        todo, open_rows = list(rows), list[_Row]()
        while todo:
            example = (
                self._line(rng, lm and rng.random() < mix.lm)
                if rng.random() < mix.lines or len(self.names) == len(KINDS)
                else self._made(chance)
            )
            fitting = [row for row in open_rows if row.has_room(example, size)]
            row = max(fitting, key=lambda row: row.inputs, default=None)
            if row is None:
                row = _Row()
                open_rows.append(row)
            row.add(example)
            if row.inputs > size.inputs - _SLACK or len(open_rows) > min(_OPEN, len(rows)):
                fullest = max(open_rows, key=lambda row: row.inputs)
                open_rows.remove(fullest)
                fullest.write(batch, todo.pop(0))

    def _line(self, rng: np.random.Generator, lm: bool) -> _Short:
        """One line, or its beginning, by itself."""
        lengths = self._corpus.lengths
        for _ in range(20):
            line = int(rng.integers(len(lengths)))
            if lengths[line] >= 10:
                break
        size = self._recipe.size
        most = min(140, size.inputs // 2)
        count = max(2, min(int(lengths[line]), int(rng.integers(min(16, most - 1), most))))
        begin = int(self._starts[line])
        tokens = np.asarray(self._corpus.tokens[begin : begin + count], np.int64)
        if lm:
            longest = min(48, size.targets - 1)
            cut = int(rng.integers(max(4, count - 50), count - 3)) if count > 8 else count // 2
            rest = tokens[cut : cut + longest]
            return [*tokens[:cut], EOS], [*rest, EOS], KINDS.index("lm")
        noise = max(1, min(round(count * 0.16), size.targets // 2, count - 1))
        spans = max(1, min(round(noise / 3), count - noise))
        inputs, targets = corrupt(tokens[None], noise, spans, self._recipe.table, rng)
        return inputs[0], targets[0], KINDS.index("span")

    def _made(self, chance: random.Random) -> _Short:
        """A made task's example."""
        size = self._recipe.size
        while True:
            made = self._maker.example(chance)
            inputs, targets = self._pieces.encode([made.inputs, made.targets])
            if inputs and targets and len(targets) <= min(40, size.targets - 1):
                kind = self.names.index(made.task)
                return [*inputs[: size.inputs - 1], EOS], [*targets, EOS], kind


@attrs.define(eq=False)
class _Row:
    """Short examples that share a row."""

    examples: list[_Short] = attrs.field(factory=list)
    inputs: int = 0
    targets: int = 0

    def has_room(self, example: _Short, size: RowSize) -> bool:
        return (
            self.inputs + len(example[0]) <= size.inputs
            and self.targets + len(example[1]) <= size.targets
            and len(self.examples) < 250
        )

    def add(self, example: _Short) -> None:
        self.examples.append(example)
        self.inputs += len(example[0])
        self.targets += len(example[1])

    def write(self, batch: Batch, row: int) -> None:
        inputs = targets = 0
        for segment, (given, wanted, kind) in enumerate(self.examples, start=1):
            here = slice(inputs, inputs + len(given))
            there = slice(targets, targets + len(wanted))
            batch.inputs[row, here], batch.input_segments[row, here] = given, segment
            batch.targets[row, there], batch.target_segments[row, there] = wanted, segment
            batch.kinds[row, there] = kind
            inputs, targets = here.stop, there.stop


@functools.lru_cache(maxsize=4)
def _grid(key: tuple[int, ...], windows: int, length: int) -> tuple[int, Any]:
    """Where an epoch's grid of windows begins, and their order."""
    rng = np.random.default_rng(key)
    return int(rng.integers(length)), rng.permutation(windows)
