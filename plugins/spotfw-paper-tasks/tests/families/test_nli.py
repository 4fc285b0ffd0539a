import pytest

from spotfw_paper_tasks.dataset import Unusable
from spotfw_paper_tasks.families import nli
from spotfw_paper_tasks.families.nli import DATASETS, anli, doc_nli, snli

ANLI = [
    (
        {
            "uid": "1-a",
            "context": "The bridge  was closed in 1987.",
            "hypothesis": "Nobody crossed it in 1988.",
            "label": 1,
        },
        "anli premise: The bridge  was closed in 1987. hypothesis: Nobody crossed it in 1988.",
        "neutral",
    ),
    (
        {
            "uid": "1-b",
            "context": "Zoë Ångström died at 91.",
            "hypothesis": "She is dead.",
            "label": 0,
        },
        "anli premise: Zoë Ångström died at 91. hypothesis: She is dead.",
        "entailment",
    ),
    (
        {
            "uid": "3-c",
            "context": 'He said: "premise: no".\n',
            "hypothesis": "He said yes. ",
            "label": 2,
        },
        'anli premise: He said: "premise: no".\n hypothesis: He said yes. ',
        "contradiction",
    ),
]

DOC_NLI = [
    (
        {"premise": "A long report. It ends well.", "hypothesis": "It ends badly.", "label": 0},
        "doc_nli hypothesis: It ends badly. premise: A long report. It ends well.",
        "not_entailment",
    ),
    (
        {"premise": "Rain fell\nfor days .", "hypothesis": "It rained .", "label": 1},
        "doc_nli hypothesis: It rained . premise: Rain fell\nfor days .",
        "entailment",
    ),
    (
        {"premise": "“Ja”, sagte er.", "hypothesis": "Er stimmte zu: ✓", "label": 1},
        "doc_nli hypothesis: Er stimmte zu: ✓ premise: “Ja”, sagte er.",
        "entailment",
    ),
]

SNLI = [
    (
        {"premise": "Two dogs run.", "hypothesis": "Animals  move.", "label": 0},
        "snli premise: Two dogs run. hypothesis: Animals  move.",
        "entailment",
    ),
    (
        {"premise": "A man cooks.", "hypothesis": "He is a chef", "label": 1},
        "snli premise: A man cooks. hypothesis: He is a chef",
        "neutral",
    ),
    (
        {"premise": "A girl in a café naps.", "hypothesis": "She is awake.", "label": 2},
        "snli premise: A girl in a café naps. hypothesis: She is awake.",
        "contradiction",
    ),
]


@pytest.mark.parametrize(
    ("examples", "row", "inputs", "targets"),
    [
        (f, *golden)
        for f, goldens in ((anli, ANLI), (doc_nli, DOC_NLI), (snli, SNLI))
        for golden in goldens
    ],
)
def test_rows_are_written_so(examples, row, inputs, targets):
    (example,) = examples(row)
    assert (example.inputs, example.targets, dict(example.extra)) == (inputs, targets, {})


@pytest.mark.parametrize("examples", [anli, doc_nli, snli])
def test_a_pair_without_gold_label_gives_nothing(examples):
    row = {"context": "A.", "premise": "A.", "hypothesis": "B.", "label": -1}
    assert examples(row) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hypothesis": " "}, "hypothesis is empty"),
        ({"premise": ""}, "premise is empty"),
        ({"premise": None}, "premise is no text"),
        ({"label": 3}, "label is 3, and there are 3 classes"),
        ({"label": True}, "label is no whole number"),
        ({"label": "entailment"}, "label is no whole number"),
        ({"label": -2}, "label is -2, and there are 3 classes"),
    ],
)
def test_the_fault_of_a_row_is_named(change, reason):
    with pytest.raises(Unusable, match=reason):
        snli({"premise": "A.", "hypothesis": "B.", "label": 0, **change})


def test_a_missing_column_is_named():
    with pytest.raises(Unusable, match="context is no text"):
        anli({"premise": "A.", "hypothesis": "B.", "label": 0})


def test_f1_of_doc_nli_is_of_entailment():
    assert nli.DOC_NLI.index("entailment") == 1


def test_anli_joins_its_three_rounds():
    (anli,) = (d for d in DATASETS if d.name == "anli")
    assert [name.partition(":")[0] for name in anli.tfds_names] == [
        "anli/r1",
        "anli/r2",
        "anli/r3",
    ]
    assert anli.splits["train"].rows == 16_946 + 45_460 + 100_459
    assert anli.splits["test"].rows == 1_000 + 1_000 + 1_200
