"""Batches, noise and made tasks: what stands in a row is what it should be. No PyTorch needed."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import attrs
import numpy as np
import pytest
import sentencepiece

from spotfw.errors import SpotError
from spotfw_english.pretraining import labels as source_labels
from spotfw_english.pretraining.batches import KINDS, BatchMaker, Mix, Recipe
from spotfw_english.pretraining.labels import Labels
from spotfw_english.pretraining.made import edits, grammar
from spotfw_english.pretraining.made.maker import TASKS, Maker
from spotfw_english.pretraining.noise import corrupt
from spotfw_english.pretraining.sizes import EOS, PAD, RowSize
from spotfw_english.pretraining.texts import HELD_OUT, find_sources, open_corpus, prepare
from spotfw_english.pretraining.vocabulary import learn_vocabulary
from spotfw_english.pretraining.wording import lower_first, sentences, spaced, word_list

SIZE = RowSize(inputs=160, targets=24)
LABELS = Labels(
    pros_cons=[("a great battery", 1), ("a very weak sound", 0)] * 10,
    film_reviews=[
        (1, ["a great and moving film that i loved .", "what a lovely cast , great fun ."]),
        (0, ["a terrible mess , boring and stupid .", "awful from the start to the end ."]),
    ]
    * 10,
    splits=[("The boat , which was red , sank in 1912 .", "The boat was red .", "It sank .")],
    trivia=[("sports", "Who won the cup?", "Brazil", ["Brazil", "Italy"])],
    dialogues=[("nfl_football", "A: I love this game B: which team is best ? A: the Bears")],
)


@pytest.fixture(scope="module")
def recipe(generated_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("prepared")
    sources = find_sources(generated_text)
    vocabulary = folder / "spiece.model"
    learn_vocabulary(sources, 400, vocabulary)
    prepare(sources, vocabulary, folder / "corpus")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    return Recipe(
        corpus=folder / "corpus",
        part="train",
        vocabulary=vocabulary,
        table=pieces.vocab_size() + 100,
        steps=20,
        size=SIZE,
        mix=Mix(rows=16),
        labels=LABELS,
    )


def test_a_corpus_keeps_every_line_in_one_part(
    recipe: Recipe, generated_text: Path, tmp_path: Path
) -> None:
    sources = find_sources(generated_text)
    train, held_out = (open_corpus(recipe.corpus, part) for part in ("train", "heldout"))
    for name, path in sources.items():
        lines = path.read_text().splitlines()
        assert list(held_out.lines[name]) == lines[::HELD_OUT]
        assert train.lines[name][0] == lines[1] and train.lines[name][-1] == lines[-1]
        assert len(train.lines[name]) + len(held_out.lines[name]) == len(lines)
    assert train.lengths.sum() == len(train.tokens)
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(SpotError, match="is damaged"):
        open_corpus(tmp_path, "train")


def test_corrupted_rows_hold_every_token_once() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(3, 400, (5, SIZE.window))
    inputs, targets = corrupt(tokens, SIZE.noise, SIZE.spans, 500, rng)
    assert inputs.shape == (5, SIZE.inputs) and targets.shape == (5, SIZE.targets)
    for row, given, wanted in zip(tokens, inputs, targets, strict=True):
        assert given[-1] == wanted[-1] == EOS
        spans: dict[int, list[int]] = {}
        for token in wanted[:-1]:
            if token >= 400:
                spans[int(token)] = []
            else:
                spans[list(spans)[-1]].append(int(token))
        assert list(spans) == [499 - n for n in range(SIZE.spans)]
        filled = [t for token in given[:-1] for t in spans.get(int(token), [int(token)])]
        assert filled == row.tolist()


@pytest.mark.parametrize("step", [0, 19])
def test_a_batch(recipe: Recipe, step: int) -> None:
    maker = BatchMaker(recipe)
    batch = maker.batch(step)
    again = BatchMaker(recipe).batch(step)
    for array, same in zip(
        attrs.astuple(batch, recurse=False), attrs.astuple(again, recurse=False), strict=True
    ):
        assert np.array_equal(array, same)
    spans, of_lm, packed = recipe.mix.counts(lm=step == 19)
    assert (batch.kinds[:spans] == KINDS.index("span")).all()
    assert (batch.kinds[spans : spans + of_lm] == KINDS.index("lm")).all()
    assert (batch.target_segments[-packed:].max(axis=1) > 1).any()  # several share a row
    # Each example of targets ends with EOS where the next begins, and reads what came before.
    real = batch.target_segments > 0
    assert (batch.kinds[real] > 0).all() and (batch.kinds[~real] == 0).all()
    moved = batch.decoder_inputs
    begins = np.diff(batch.target_segments, axis=1, prepend=0) != 0
    assert (moved[begins] == PAD).all()
    assert (moved[:, 1:][~begins[:, 1:]] == batch.targets[:, :-1][~begins[:, 1:]]).all()
    for inputs, targets in zip(batch.input_segments, batch.target_segments, strict=True):
        assert set(inputs[inputs > 0]) == set(targets[targets > 0])


def test_windows_of_an_epoch_are_all_different(recipe: Recipe) -> None:
    maker = BatchMaker(recipe)
    windows = [maker._windows(number, 1, SIZE.window, "span")[0] for number in range(40)]
    assert len({window.tobytes() for window in windows}) == 40


def test_every_task_makes_examples_and_those_without_labels_are_left_out(recipe: Recipe) -> None:
    lines = open_corpus(recipe.corpus, "train").lines
    maker = Maker(lines, LABELS)
    drawn = Counter(maker.example(random.Random(seed)).task for seed in range(1_500))
    # The rest need other sources: medical texts, names that come back, several genres' words.
    absent = {task.name for task in TASKS} - set(drawn)
    assert absent <= {"medical_type", "who", "topic_by_words", "subjective"}
    bare = Maker(lines, Labels())
    assert set(bare.names) < set(maker.names) and "film_sentiment" not in bare.names
    example = bare.example(random.Random(1))
    assert example == bare.example(random.Random(1))
    assert example.inputs.strip() and example.targets.strip()


def test_damage_changes_a_sentence_and_names_the_place() -> None:
    words = word_list("The farmer was near the river and he bought three apples.")
    for seed in range(60):
        broken, place = grammar.damaged(words, random.Random(seed))
        assert broken != words and 0 <= place < len(broken)


def test_edits_keep_or_change() -> None:
    text = "When it was late, the old sailor bought 12 small boats in London."
    kept = {edits.kept(text, random.Random(seed)) for seed in range(40)}
    assert any(edited.startswith("The old sailor") for edited in kept)
    assert all("12" in edited for edited in kept)
    changed = {edits.changed(text, random.Random(seed), ["Paris"]) for seed in range(40)}
    assert text not in changed
    assert any("Paris" in edited for edited in changed)
    assert any("not" in edited or "never" in edited for edited in changed)


def test_wording() -> None:
    assert spaced("I don't know, do you?") == "I do n't know , do you ?"
    assert sentences("The day was long. He went home again.") == [
        "The day was long.",
        "He went home again.",
    ]
    assert [lower_first(text) for text in ("The day", "I am", "NASA is")] == [
        "the day",
        "I am",
        "NASA is",
    ]


def test_labels_are_collected_and_read_back(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    for name in ("pros_cons", "movie_reviews/neg", "OpenTriviaQA/categories"):
        (sources / name).mkdir(parents=True)
    (sources / "pros_cons/IntegratedPros.txt").write_text("<Pros>great &amp; small</Pros>")
    (sources / "movie_reviews/neg/a.txt").write_text("a dull film indeed\nok\n")
    (sources / "OpenTriviaQA/categories/music").write_text(
        "#Q Who sang this old song?\n^ Abba\nA Queen\nB Abba\n"
    )
    collected = source_labels.collect(sources)
    assert list(collected.pros_cons) == [("great & small", 1)]
    assert list(collected.film_reviews) == [(0, ["a dull film indeed"])]
    assert list(collected.trivia) == [
        ("music", "Who sang this old song?", "Abba", ["Queen", "Abba"])
    ]
    source_labels.write_labels(collected, tmp_path / "labels.json.xz")
    assert source_labels.read_labels(tmp_path / "labels.json.xz") == collected
    (tmp_path / "bad.xz").write_bytes(b"no archive")
    with pytest.raises(SpotError, match="cannot be read"):
        source_labels.read_labels(tmp_path / "bad.xz")
