"""The parts of benchmarks/english that need neither PyTorch nor data beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.english import measures
from benchmarks.english.declaration import SEEDS, SOURCES, TARGETS
from benchmarks.english.grouped_order import WINDOW, grouped_order
from benchmarks.english.plan import groups_by_length, positions_a_step, whole_windows
from benchmarks.english.rows_of_tasks import Row, drawn, sentences


def row(target: str, number: int) -> Row:
    return Row(f"text {number}", target, (5, 1), (6, 1), False, {})


def test_an_order_visits_every_row_once_an_epoch_and_is_a_function_of_the_step() -> None:
    lengths = [3 + (7 * i) % 50 for i in range(64)]
    order = grouped_order(lengths, batch=4, seed=1)
    steps = [order(step) for step in range(16)]  # two windows of 32 rows
    assert sorted(np.concatenate(steps).tolist()) == list(range(64))
    again = grouped_order(lengths, batch=4, seed=1)
    assert again(13).tolist() == steps[13].tolist()
    other = grouped_order(lengths, batch=4, seed=2)
    assert other(13).tolist() != steps[13].tolist()


def test_batches_of_one_step_are_of_one_rank_of_length_whatever_the_seed() -> None:
    lengths = np.arange(WINDOW * 4)
    ranks = [
        [grouped_order(lengths, 4, seed)(step).min() // 4 for step in range(WINDOW)]
        for seed in SEEDS
    ]
    assert ranks[0] == ranks[1] == ranks[2]
    assert sorted(ranks[0]) == list(range(WINDOW))


def test_an_order_wraps_where_a_window_is_larger_than_the_data() -> None:
    order = grouped_order([4, 2, 3], batch=2, seed=0)
    rows = np.concatenate([order(step) for step in range(3 * WINDOW)])
    assert set(np.bincount(rows).tolist()) == {len(rows) // 3}


def test_what_is_drawn_is_stratified_and_so_is_its_beginning() -> None:
    rows = [row("yes" if i % 4 == 0 else "no", i) for i in range(400)]
    taken, rest = drawn(rows, 100, "some purpose")
    assert sum(example.target == "yes" for example in taken) == 25
    assert 4 <= sum(example.target == "yes" for example in taken[:20]) <= 6
    assert {example.text for example in taken} | {example.text for example in rest} == {
        example.text for example in rows
    }
    assert [example.text for example in drawn(rows, 100, "some purpose")[0]] == [
        o.text for o in taken
    ]
    assert [example.text for example in drawn(rows, 100, "another")[0]] != [o.text for o in taken]


def test_sentences_are_compared_without_their_dressing() -> None:
    plain = sentences(
        "stsb sentence1: A man is playing a guitar . sentence2: No more than this here"
    )
    assert "amanisplayingaguitar" in plain
    assert plain & sentences("snli premise: a man is playing a guitar. hypothesis: x")


def test_class_scores() -> None:
    gold, predicted = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])
    scores = measures.class_scores(gold, predicted, 2)
    assert scores["accuracy"] == 75.0
    assert scores["f1"] == pytest.approx(100 * 2 / 3)
    assert scores["matthews"] == pytest.approx(100 / np.sqrt(3))
    assert measures.task_score(("f1_score_with_invalid", "accuracy"), scores) == pytest.approx(
        (75.0 + 200 / 3) / 2
    )


def test_number_scores_average_the_ranks_of_equals() -> None:
    gold, predicted = np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.0, 1.0, 1.0, 8.0])
    assert measures.number_scores(gold, predicted)["spearman"] == pytest.approx(100.0)
    assert measures.number_scores(gold, np.ones(4)) == {"pearson": 0.0, "spearman": 0.0}


def test_answers_are_scored_as_squad_does() -> None:
    scores = measures.answer_scores([["the cat", "a dog"], ["Paris"]], ["Dog.", "in Paris"])
    assert scores["em"] == 50.0
    assert scores["f1"] == pytest.approx(100 * (1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("predicted", "referent", "names_it"),
    [("The cat", "cat", 1), ("black cat", "the cat", 1), ("Bob's hat", "Bob", 0), ("", "cat", -1)],
)
def test_referents_are_scored_as_t5_does(predicted: str, referent: str, names_it: int) -> None:
    right = measures.referent_scores([referent], [names_it], [predicted])
    assert right["accuracy"] == 100.0


def test_no_target_is_tried_with_its_own_prompts() -> None:
    sources = {source.task for source in SOURCES}
    for target in TARGETS:
        assert target.task not in sources or target.task in target.unlike
        assert set(target.unlike) <= sources


def test_costs_and_groups() -> None:
    assert whole_windows(203.9) == 200
    assert whole_windows(1) == WINDOW
    assert groups_by_length({"a": 30.0, "b": 200.0, "c": 60.0}, (60.0, 110.0)) == [
        ["a", "c"],
        ["b"],
    ]
    # Every row of 10 tokens is padded to 16 behind a prompt of 20.
    assert positions_a_step([[10] * 100], members=3, batch=4) == 3 * 4 * 36


def test_findings_are_made_of_the_committed_rows() -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("scipy")
    from benchmarks.english.results import gains, read_results, source_table

    folder = Path(__file__).parents[1] / "benchmarks" / "english"
    read = read_results(folder)
    assert len(read.targets) == len(TARGETS)
    assert len(source_table(read)) == 1 + len(SOURCES)
    table = gains(read)
    assert table.shape == (len(TARGETS), len(SOURCES))
    assert pd.isna(table.loc["snli", "snli"])
