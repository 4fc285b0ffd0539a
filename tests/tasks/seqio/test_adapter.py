"""A task whose examples are tokens that seqio makes, without any text."""

from __future__ import annotations

from typing import Any

from spotfw.tasks import Task
from spotfw.tasks.examples import read_examples
from spotfw.tasks.preview import preview
from spotfw.tasks.scores import score
from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.survey import survey
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary


def build(vocabulary: Any) -> Any:
    """Tokens written by hand: no tokenisation, no end, no text beside them."""

    def data(split: str, shuffle_files: bool) -> Any:
        return tf.data.Dataset.from_tensors(
            {
                "inputs": tf.constant(vocabulary.encode("an input"), tf.int32),
                "targets": tf.constant(vocabulary.encode("yes"), tf.int32),
            }
        )

    def same(targets: Any, predictions: Any) -> dict[str, float]:
        return {"same": float(targets == predictions)}

    feature = seqio.Feature(vocabulary=vocabulary, add_eos=False)
    return seqio.Task(
        "tokens",
        source=seqio.FunctionDataSource(data, splits=("train",)),
        preprocessors=[],
        metric_fns=[same],
        output_features={"inputs": feature, "targets": feature},
    )


TASK = Task(name="tokens", family="other", type="qa", labels=("yes", "no"), build=build)


def test_its_text_is_decoded_where_text_is_wanted():
    bytes_ = ByteVocabulary()
    examples = read_examples(TASK, "train", bytes_, 4, 9, for_scoring=True)
    assert examples.inputs[0].tolist() == bytes_.encode("an i")  # seqio's own cut, without an end
    assert score(examples, ["yes"]) == {"same": 1.0}
    assert score(examples, ["no"]) == {"same": 0.0}
    (shown,) = preview(TASK, "train", 1)
    assert (shown["inputs"], shown["targets"]) == ("an input", "yes")
    surveyed = survey(TASK, "train")
    assert surveyed.first == ("an input", "yes")
    assert dict(surveyed.labels) == {"yes": 1}


def test_it_is_built_over_seqio_s_vocabulary_of_ours(tiny_model):
    path = str(tiny_model / "spiece.model")
    ours, theirs = SentencePieceVocabulary(path, 9), seqio.SentencePieceVocabulary(path, 9)
    read = [read_examples(TASK, "train", v, 9, 9).inputs[0].tolist() for v in (ours, theirs)]
    assert read[0] == read[1] == ours.encode("an input")
    (shown,) = preview(TASK, "train", 1, ours)
    assert shown["inputs_pieces"] == [ours.tokenizer.IdToPiece(i) for i in read[0]]
