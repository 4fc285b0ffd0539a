"""The vocabulary: sentencepiece unigram, cased, learned from the text itself.

Small sources count in full, large ones are thinned; some lines are also given as data sets
dress them, in lower case with spaced punctuation.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import sentencepiece

from spotfw import files
from spotfw.errors import SpotError
from spotfw_english.pretraining.sizes import EOS, PAD, UNKNOWN
from spotfw_english.pretraining.texts import read_lines
from spotfw_english.pretraining.wording import spaced

#: Bytes of a source that count in full.
_IN_FULL = 2_200_000
#: Characters of a piece of text, at least and at most.
_SHORTEST, _LONGEST = 30, 400


def learn_vocabulary(sources: Mapping[str, Path], pieces: int, path: Path) -> None:
    """Learns pieces and writes them as ``spiece.model``.

    Args:
      sources: files of lines, by name.
      pieces: how many; sentinels come on top.
      path: where to.

    Raises:
      SpotError: the text cannot be read, or is too little for so many pieces.
    """
    model = io.BytesIO()
    # Read once before: what fails within the trainer is lost.
    sizes = {name: sum(map(_size, read_lines(path))) for name, path in sources.items()}
    try:
        _train(_sample(sources, sizes), pieces, model)
    except RuntimeError as error:
        raise SpotError(
            f"No vocabulary of {pieces:,} pieces can be learned from {sum(sizes.values()):,} bytes "
            f"of text: {error}. Give more text, or fewer --pieces."
        ) from error
    files.write_atomically(path, model.getvalue())


def _train(texts: Iterator[str], pieces: int, model: io.BytesIO) -> None:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=texts,
        model_writer=model,
        model_type="unigram",
        vocab_size=pieces,
        hard_vocab_limit=False,
        character_coverage=0.9998,
        required_chars="".join(map(chr, range(33, 127))),
        input_sentence_size=180_000,
        shuffle_input_sentence=True,
        max_sentence_length=8192,
        seed_sentencepiece_size=300_000,
        normalization_rule_name="nmt_nfkc",
        pad_id=PAD,
        eos_id=EOS,
        unk_id=UNKNOWN,
        bos_id=-1,
        minloglevel=2,
    )


def _size(line: str) -> int:
    return len(line.encode()) + 1


def _sample(sources: Mapping[str, Path], sizes: Mapping[str, int]) -> Iterator[str]:
    rng = random.Random(7)
    for name, path in sources.items():
        share = min(1.0, _IN_FULL / max(sizes[name], 1) + 0.06)
        for line in read_lines(path):
            if rng.random() >= share:
                continue
            for begin in range(0, len(line), _LONGEST):
                text = line[begin : begin + _LONGEST].strip()
                if len(text) < _SHORTEST:
                    continue
                yield text
                if rng.random() < 0.08:
                    yield spaced(text).lower()
