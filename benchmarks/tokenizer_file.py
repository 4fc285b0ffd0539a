"""Writes a tokenizer.json of a sentencepiece model's pieces, as transformers' converter does."""

from __future__ import annotations

from pathlib import Path

SENTINELS = 100


def write_tokenizer(vocabulary: Path, folder: Path) -> Path:
    """The file in `folder`, with 100 sentinels behind the pieces."""
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    proto = sentencepiece_model_pb2.ModelProto.FromString(vocabulary.read_bytes())
    sentinels = [f"<extra_id_{i}>" for i in reversed(range(SENTINELS))]
    pieces = [(p.piece, p.score) for p in proto.pieces] + [(s, 0.0) for s in sentinels]
    made = Tokenizer(Unigram(pieces, unk_id=2, byte_fallback=False))
    made.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    metaspace = {"replacement": "\u2581", "prepend_scheme": "always", "split": True}
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**metaspace)]
    )
    made.decoder = decoders.Metaspace(**metaspace)
    special = ["<pad>", "</s>", "<unk>", *sentinels]
    made.add_special_tokens([AddedToken(token, special=True) for token in special])
    made.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"], special_tokens=[("</s>", 1)]
    )
    path = folder / "tokenizer.json"
    made.save(str(path))
    return path
