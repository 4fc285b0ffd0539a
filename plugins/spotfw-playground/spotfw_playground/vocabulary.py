"""The world's sentencepiece vocabulary, trained on its corpus."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

from spotfw_playground.corpus import documents
from spotfw_playground.families import SPECS

#: Rows of the embedding table; what the pieces leave over are sentinels.
ROWS = 896
PIECES = 800

_DOCUMENTS = 60_000
_TEMPLATE_REPEATS = 40


def train(path: Path, seed: int = 0) -> None:
    """Trains the vocabulary and writes it to `path`: unigram, 800 pieces, case folded.

    Pad is 0, end of sequence 1, unknown 2, as in T5. The words of the tasks' templates are
    part of the text it is trained on (their examples are not), so that a prompt is not
    spent on spelling them.
    """
    import sentencepiece

    words = [spec.template.replace("{}", " ") for spec in SPECS] * _TEMPLATE_REPEATS
    text = itertools.chain(itertools.islice(documents(f"vocabulary {seed}"), _DOCUMENTS), words)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=text,
        model_writer=model,
        model_type="unigram",
        vocab_size=PIECES,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        normalization_rule_name="nmt_nfkc_cf",
        required_chars="abcdefghijklmnopqrstuvwxyz0123456789.,:;?!'\"()-",
        character_coverage=1.0,
        num_threads=1,
        shuffle_input_sentence=False,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
