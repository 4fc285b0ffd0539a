"""GEM: golden examples of every set, structures as text, references and scores."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spotfw_paper_tasks.build import Postprocess, metric_functions
from spotfw_paper_tasks.dataset import Dataset, Unusable
from spotfw_paper_tasks.families.gem import ACTS, DATASETS, dialogue_acts

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
BOOKED = {"act": [10, 13], "slot": ["", "date"], "values": [[], []]}
TURN = {
    "dialog_acts": {"act": [4], "slot": ["balance"], "values": [["$10.50"]]},
    "prompt": "My balance?",
    "context": ["Hi.", "Hello!"],
    "target": "It is $10.50.",
    "references": [],
}

# row, inputs, target, references
GOLDEN: dict[str, list[tuple[dict[str, Any], str, str, list[str]]]] = {
    "gem_common_gen": [
        (
            {"concepts": ["dog", "run"], "target": "A dog runs.", "references": []},
            r"common_gen dog \n run",
            "A dog runs.",
            ["A dog runs."],
        ),
        (
            {"concepts": ["sit"], "target": "Sit!", "references": ["Sit!", "They sit.", " "]},
            "common_gen sit",
            "Sit!",
            ["Sit!", "They sit."],
        ),
        (
            {"concepts": ["café", "ice cream"], "target": "", "references": ["Ice cream."]},
            r"common_gen café \n ice cream",
            "Ice cream.",
            ["Ice cream."],
        ),
    ],
    "gem_dart": [
        (
            {"tripleset": ["Mars moons 2"], "target": "Mars has two moons."},
            "dart Mars moons 2",
            "Mars has two moons.",
            ["Mars has two moons."],
        ),
        (
            {
                "tripleset": ["[TABLECONTEXT] TITLE Åland", "Åland AREA 1,580 km²"],
                "target": "Åland is small.",
                "references": ["Åland is small.", "It has 1,580 km²."],
            },
            r"dart [TABLECONTEXT] TITLE Åland \n Åland AREA 1,580 km²",
            "Åland is small.",
            ["Åland is small.", "It has 1,580 km²."],
        ),
        (
            {"tripleset": [" a b c", "", "d e f "], "target": " T. ", "references": [" T. "]},
            r"dart a b c \n  \n d e f",
            "T.",
            ["T."],
        ),
    ],
    "gem_e2e_nlg": [
        (
            {"meaning_representation": "name[Zizzi], eatType[pub]", "target": "Zizzi, a pub."},
            "e2e_nlg name[Zizzi], eatType[pub]",
            "Zizzi, a pub.",
            ["Zizzi, a pub."],
        ),
        (
            {
                "meaning_representation": "name[Café Adriatic], priceRange[£20-25]",
                "target": "Café Adriatic costs £20-25.",
                "references": ["Café Adriatic costs £20-25."],
            },
            "e2e_nlg name[Café Adriatic], priceRange[£20-25]",
            "Café Adriatic costs £20-25.",
            ["Café Adriatic costs £20-25."],
        ),
        (
            {"meaning_representation": " near[X] ", "target": "Near X", "references": None},
            "e2e_nlg near[X]",
            "Near X",
            ["Near X"],
        ),
    ],
    "gem_schema_guided_dialog": [
        (
            TURN,
            "schema_guided_dialog acts: inform ( balance = $10.50 ) prompt: My balance? "
            r"context: Hi. \n Hello!",
            "It is $10.50.",
            ["It is $10.50."],
        ),
        (
            {**TURN, "dialog_acts": BOOKED, "context": [], "references": ["Done. When?"]},
            "schema_guided_dialog acts: notify_success request ( date ) prompt: My balance? "
            "context:",
            "It is $10.50.",
            ["Done. When?"],
        ),
        (
            {
                **TURN,
                "dialog_acts": {
                    "act": ["OFFER", "CONFIRM"],
                    "slot": ["city", "time"],
                    "values": [["Napa", "San José"], ["4 pm"]],
                },
                "prompt": "",
                "context": ["Where?"],
            },
            "schema_guided_dialog acts: offer ( city = Napa, San José ) "
            "confirm ( time = 4 pm ) prompt:  context: Where?",
            "It is $10.50.",
            ["It is $10.50."],
        ),
    ],
    "gem_web_nlg_en": [
        (
            {"input": ["Aenir | precededBy | Castle_(novel)"], "target": "Castle came first."},
            "web_nlg_en Aenir | precededBy | Castle_(novel)",
            "Castle came first.",
            ["Castle came first."],
        ),
        (
            {
                "input": ["A | b | C", 'A | birthPlace | "Łódź, Poland"'],
                "target": "A.",
                "references": ["A.", "B.", "C."],
            },
            r'web_nlg_en A | b | C \n A | birthPlace | "Łódź, Poland"',
            "A.",
            ["A.", "B.", "C."],
        ),
        (
            {"input": ["A | b | C"], "target": "", "references": ["", "Only this."]},
            "web_nlg_en A | b | C",
            "Only this.",
            ["Only this."],
        ),
    ],
    "gem_wiki_auto_asset_turk": [
        (
            {"source": "It commenced.", "target": "It began.", "references": []},
            "wiki_auto_asset_turk simplify: It commenced.",
            "It began.",
            ["It began."],
        ),
        (
            {"source": " Naïve; yes. ", "target": "Yes.", "references": ["Yes.", "Naïve."]},
            "wiki_auto_asset_turk simplify: Naïve; yes.",
            "Yes.",
            ["Yes.", "Naïve."],
        ),
        (
            {"source": "One. Two.", "target": "", "references": ["1. 2."]},
            "wiki_auto_asset_turk simplify: One. Two.",
            "1. 2.",
            ["1. 2."],
        ),
    ],
}


@pytest.mark.parametrize(
    ("name", "row", "inputs", "targets", "references"),
    [(name, *golden) for name, rows in GOLDEN.items() for golden in rows],
)
def test_golden(
    name: str, row: dict[str, Any], inputs: str, targets: str, references: list[str]
) -> None:
    (example,) = BY_NAME[name].examples(row)
    assert (example.inputs, example.targets) == (inputs, targets)
    assert example.extra["references"] == references
    assert json.loads(json.dumps(example.extra)) == example.extra


def test_every_set_has_three_golden_rows() -> None:
    assert {name: len(rows) for name, rows in GOLDEN.items()} == dict.fromkeys(BY_NAME, 3)


def test_acts_are_numbered_as_in_tfds() -> None:
    tfds: Any = pytest.importorskip("tensorflow_datasets")
    features = tfds.builder("gem/schema_guided_dialog:1.1.0").info.features
    assert tuple(features["dialog_acts"]["act"].names) == ACTS


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        ({"act": [], "slot": [], "values": []}, "there is no dialogue act"),
        ({"act": [1], "slot": [], "values": [[]]}, "lists differ in length"),
        ({"act": [18], "slot": ["x"], "values": [[]]}, "there is no dialogue act 18"),
        ({"act": [-1], "slot": ["x"], "values": [[]]}, "there is no dialogue act -1"),
        ({"act": ["INFOMR"], "slot": ["x"], "values": [[]]}, "no dialogue act 'INFOMR'"),
    ],
)
def test_acts_that_are_none(acts: dict[str, list[Any]], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        dialogue_acts(acts)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.name)
def test_rows_without_any_text_to_learn_are_named(dataset: Dataset) -> None:
    row = {**GOLDEN[dataset.name][0][0], "target": " ", "references": ["", " "]}
    with pytest.raises(Unusable, match="neither a target nor a reference"):
        dataset.examples(row)


@pytest.mark.parametrize("name", ["gem_common_gen", "gem_dart", "gem_web_nlg_en"])
def test_an_empty_structure_is_named(name: str) -> None:
    column = next(iter(BY_NAME[name].columns))
    with pytest.raises(Unusable, match=f"'{column}' is empty"):
        BY_NAME[name].examples({column: [], "target": "x"})


def scores(dataset: Dataset, row: dict[str, Any], prediction: str) -> dict[str, float]:
    postprocess = Postprocess(dataset)
    (example,) = dataset.examples(row)
    right = postprocess(example.targets, example, is_target=True)
    values: dict[str, float] = {}
    for metric in metric_functions(dataset):
        values.update(metric([right], [postprocess(prediction)]))
    return values


def test_all_references_score() -> None:
    row = {
        "concepts": ["dog", "run", "park"],
        "target": "The dog is running in the park.",
        "references": ["The dog is running in the park.", "A dog runs quickly through a park."],
    }
    values = scores(BY_NAME["gem_common_gen"], row, "A dog runs quickly through a park.")
    assert values == pytest.approx({"bleu": 100, "rouge1": 100, "rouge2": 100, "rougeLsum": 100})


def test_a_simplification_is_compared_with_its_source_too() -> None:
    row = {
        "source": "About 95 species are currently accepted.",
        "target": "About 95 species are currently known.",
        "references": [
            "About 95 species are currently known.",
            "About 95 species are now accepted.",
            "95 species are now accepted.",
        ],
    }
    values = scores(BY_NAME["gem_wiki_auto_asset_turk"], row, "About 95 species are now agreed.")
    assert values["sari"] == pytest.approx(58.89995423074248)  # Xu et al.'s own example
    assert values.keys() == {"bleu", "rouge1", "rouge2", "rougeLsum", "sari"}
