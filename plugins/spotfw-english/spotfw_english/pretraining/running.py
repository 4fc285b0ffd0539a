"""The whole way: text, vocabulary, tokens, training, a folder to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spotfw.errors import WrongUse
from spotfw_english.pretraining.sizes import NAMED, SENTINELS, ModelSize, RowSize


def pretrain(
    text: Path,
    out: Path,
    label_file: Path | None = None,
    *,
    size: str = "english",
    pieces: int = 10_012,
    steps: int = 11_651,
    rows: int = 256,
    input_tokens: int = 256,
    target_tokens: int = 64,
    optimizer: str = "muon",
    rate: float = 2e-2,
    workers: int = 0,
    save_every: int = 1_000,
    seed: int = 11,
    observer: Callable[[Mapping[str, Any]], None] = lambda row: None,
) -> None:
    """Text to model; what is there already of vocabulary, tokens and training is used.

    Args:
      text: folder of files of lines.
      out: folder of the run; the model is in ``model`` there.
      label_file: labels that sources carry.
      size: of the model, one of `sizes.NAMED`.
      pieces: of the vocabulary.
      steps, rows, input_tokens, target_tokens: of the training and its batches.
      optimizer, rate: see `optimizers`.
      workers: processes that make batches.
      save_every: steps between checkpoints.
      seed: of all that is drawn.
      observer: called with each row of the log, and last with the losses on held-out lines.

    Raises:
      WrongUse: PyTorch is not installed, or there is no text.
      SpotError: text or labels cannot be read, or the folder holds another training.
    """
    try:
        import torch
    except ImportError as error:
        raise WrongUse(
            "Pre-training needs PyTorch. Install it: pip install 'spotfw-english[pretrain]'."
        ) from error
    import sentencepiece

    from spotfw_english.pretraining.batches import Mix, Recipe
    from spotfw_english.pretraining.beginnings import embeddings_of
    from spotfw_english.pretraining.export import export
    from spotfw_english.pretraining.labels import Labels, read_labels
    from spotfw_english.pretraining.model import PackedT5
    from spotfw_english.pretraining.texts import find_sources, open_corpus, prepare
    from spotfw_english.pretraining.training import Schedule, Training, held_out_losses
    from spotfw_english.pretraining.vocabulary import learn_vocabulary

    sources = find_sources(text)
    known = Labels() if label_file is None else read_labels(label_file)
    vocabulary, corpus = out / "spiece.model", out / "corpus"
    if not vocabulary.exists():
        out.mkdir(parents=True, exist_ok=True)
        learn_vocabulary(sources, pieces, vocabulary)
    if not corpus.exists():
        prepare(sources, vocabulary, corpus)
    table = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary)).vocab_size()
    model_size = ModelSize(vocabulary=int(table) + SENTINELS, **NAMED[size])
    shared: dict[str, Any] = {
        "corpus": corpus,
        "vocabulary": vocabulary,
        "table": model_size.vocabulary,
        "steps": steps,
        "seed": seed,
        "size": RowSize(inputs=input_tokens, targets=target_tokens),
        "mix": Mix(rows=rows),
    }
    recipe = Recipe(part="train", labels=known.part(held_out=False), **shared)
    cuda = torch.cuda.is_available()
    torch.manual_seed(seed)
    model = PackedT5(model_size, torch.bfloat16 if cuda else torch.float32)
    tokens = open_corpus(corpus, "train").tokens
    begun = embeddings_of(tokens, model_size.vocabulary, model_size.d_model)
    with torch.no_grad():
        model.embeddings.copy_(begun)
    model.to("cuda" if cuda else "cpu")
    schedule = Schedule(optimizer=optimizer, rate=rate, workers=workers, save_every=save_every)
    Training(model, recipe, schedule, out).run(observer)
    held = Recipe(part="heldout", labels=known.part(held_out=True), **shared)
    observer({"held_out": held_out_losses(model, held)})
    if not (out / "model").exists():
        export(model, vocabulary, out / "model")
