"""The world's sentencepiece vocabulary, trained on its corpus."""

from __future__ import annotations

import collections
import io
import itertools
import re
from pathlib import Path

from spotfw_playground.corpus import documents
from spotfw_playground.families import SPECS

#: Rows of the embedding table; what the pieces leave over are sentinels.
ROWS = 896

_DOCUMENTS = 20_000
_SENTINELS = 48
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:;?!'\"()-"


def train(path: Path, seed: int = 0) -> None:
    """Trains the vocabulary and writes it to `path`: unigram, case folded.

    Pad is 0, end of sequence 1, unknown 2, as in T5. Every word of the world is a piece,
    the most common first: left to itself the trainer spends so small a vocabulary on
    syllables. The words of the tasks' templates are words of the world too. All else is
    spelled out.
    """
    import sentencepiece

    texts = list(itertools.islice(documents(f"vocabulary {seed}"), _DOCUMENTS))
    counts = collections.Counter(word for text in texts for word in re.findall("[a-z]+", text))
    counts.update(word for spec in SPECS for word in re.findall("[a-z]+", spec.template))
    words = [f"\u2581{word}" for word, _ in counts.most_common() if len(word) > 1]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="unigram",
        vocab_size=ROWS - _SENTINELS,
        hard_vocab_limit=False,
        user_defined_symbols=words,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        normalization_rule_name="nmt_nfkc_cf",
        required_chars=_CHARACTERS,
        character_coverage=1.0,
        num_threads=1,
        shuffle_input_sentence=False,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
