import pytest
import sklearn.metrics

from spotfw_paper_tasks.build import Postprocess, metric_functions
from spotfw_paper_tasks.dataset import Unusable
from spotfw_paper_tasks.families.commonsense import (
    DATASETS,
    alpha_nli,
    cosmos_qa,
    hellaswag,
    piqa,
    social_i_qa,
    winogrande,
)

ART = {"story_id": "s-1", "obs1": "Al slept.", "obs2": "Al was late.", "hyp1": "No alarm.",
       "hyp2": "He ate.", "label": 0}  # fmt: skip
COSMOS = {"id": "3B##q1", "context": "I ran .", "question": "Why ?", "answer0": "a", "answer1": "b",
          "answer2": "c", "answer3": "None of the above choices .", "label": 3}  # fmt: skip
SWAG = {"activity_label": "Canoeing", "context": "A man sits. he", "endings": ["w", "x", "y", "z"],
        "label": 1, "source_id": "activitynet~v_1", "split_type": "indomain"}  # fmt: skip
PIQA = {"id": "", "goal": "dry  hair", "sol1": "towel ", "sol2": "oven", "label": 0}
SOCIAL = {"context": "Bo won.", "question": "How does Bo feel?", "answerA": "glad",
          "answerB": "sad", "answerC": "bored", "label": 2}  # fmt: skip
WINO = {
    "sentence": "Ann beat Sue since _ was fast.",
    "option1": "Ann",
    "option2": "Sue",
    "label": 0,
}


@pytest.mark.parametrize(
    ("examples", "row", "inputs", "targets"),
    [
        (alpha_nli, ART, "alpha_nli observation1: Al slept. observation2: Al was late. "
         "choice1: No alarm. choice2: He ate.", "choice1"),
        (alpha_nli, {**ART, "hyp2": "Él comió.", "label": 1}, "alpha_nli observation1: Al slept. "
         "observation2: Al was late. choice1: No alarm. choice2: Él comió.", "choice2"),
        (alpha_nli, {**ART, "obs1": "Al  slept"}, "alpha_nli observation1: Al  slept observation2: "
         "Al was late. choice1: No alarm. choice2: He ate.", "choice1"),
        (cosmos_qa, COSMOS, "cosmos_qa question: Why ? choice1: a choice2: b choice3: c choice4: "
         "None of the above choices . context: I ran .", "choice4"),
        (cosmos_qa, {**COSMOS, "label": 0, "answer0": "“a”"}, "cosmos_qa question: Why ? choice1: "
         "“a” choice2: b choice3: c choice4: None of the above choices . context: I ran .",
         "choice1"),
        (cosmos_qa, {**COSMOS, "label": 1, "context": "I  ran .\nFar ."}, "cosmos_qa question: "
         "Why ? choice1: a choice2: b choice3: c choice4: None of the above choices . context: "
         "I  ran .\nFar .", "choice2"),
        (hellaswag, SWAG, "hellaswag activity: Canoeing context: A man sits. he choice1: w "
         "choice2: x choice3: y choice4: z", "choice2"),
        (hellaswag, {**SWAG, "context": "[header] How to [title] Sit.", "label": 3}, "hellaswag "
         "activity: Canoeing context: [header] How to [title] Sit. choice1: w choice2: x "
         "choice3: y choice4: z", "choice4"),
        (hellaswag, {**SWAG, "endings": ["ü ", "x", "y", "z  z"], "label": 0}, "hellaswag "
         "activity: Canoeing context: A man sits. he choice1: ü  choice2: x choice3: y choice4: "
         "z  z", "choice1"),
        (piqa, PIQA, "piqa question: dry  hair choice1: towel  choice2: oven", "choice1"),
        (piqa, {**PIQA, "label": 1}, "piqa question: dry  hair choice1: towel  choice2: oven",
         "choice2"),
        (piqa, {**PIQA, "goal": "heat to 180 °C"}, "piqa question: heat to 180 °C choice1: towel  "
         "choice2: oven", "choice1"),
        (social_i_qa, SOCIAL, "social_i_qa question: How does Bo feel? choice1: glad choice2: sad "
         "choice3: bored context: Bo won.", "choice3"),
        (social_i_qa, {**SOCIAL, "label": 0}, "social_i_qa question: How does Bo feel? choice1: "
         "glad choice2: sad choice3: bored context: Bo won.", "choice1"),
        (social_i_qa, {**SOCIAL, "context": "Bö  won.", "label": 1}, "social_i_qa question: How "
         "does Bo feel? choice1: glad choice2: sad choice3: bored context: Bö  won.", "choice2"),
        (winogrande, WINO, "winogrande sentence: Ann beat Sue since _ was fast. choice1: Ann "
         "choice2: Sue", "choice1"),
        (winogrande, {**WINO, "label": 1}, "winogrande sentence: Ann beat Sue since _ was fast. "
         "choice1: Ann choice2: Sue", "choice2"),
        (winogrande, {**WINO, "option2": "Žofie"}, "winogrande sentence: Ann beat Sue since _ was "
         "fast. choice1: Ann choice2: Žofie", "choice1"),
    ],
)  # fmt: skip
def test_rows_are_written_so(examples, row, inputs, targets):
    (example,) = examples(row)
    assert (example.inputs, example.targets, dict(example.extra)) == (inputs, targets, {})


@pytest.mark.parametrize(
    ("examples", "row"),
    [(alpha_nli, ART), (cosmos_qa, COSMOS), (hellaswag, SWAG), (piqa, PIQA),
     (social_i_qa, SOCIAL), (winogrande, WINO)],
)  # fmt: skip
def test_a_hidden_label_gives_nothing(examples, row):
    assert examples({**row, "label": -1}) == ()


@pytest.mark.parametrize(
    ("examples", "row", "reason"),
    [
        (hellaswag, {**SWAG, "endings": ["w", "x", "y"]}, "endings is no list of 4 texts"),
        (hellaswag, {**SWAG, "endings": "wxyz"}, "endings is no list of 4 texts"),
        (hellaswag, {**SWAG, "endings": ["w", "", "y", "z"]}, r"endings\[1\] is empty"),
        (hellaswag, {**SWAG, "endings": ["w", "x", 3, "z"]}, r"endings\[2\] is no text"),
        (cosmos_qa, {**COSMOS, "label": 4}, "label is 4, and there are 4 classes"),
        (social_i_qa, {**SOCIAL, "answerB": None}, "answerB is no text"),
        (winogrande, {**WINO, "sentence": ""}, "sentence is empty"),
        (piqa, {**PIQA, "label": "1"}, "label is no whole number"),
        (alpha_nli, {k: v for k, v in ART.items() if k != "obs2"}, "obs2 is no text"),
    ],
)
def test_the_fault_of_a_row_is_named(examples, row, reason):
    with pytest.raises(Unusable, match=reason):
        examples(row)


def test_accuracy_is_scikit_learns_and_other_words_are_wrong():
    dataset = DATASETS[1]
    read = Postprocess(dataset)
    right = [read(text, is_target=True) for text in ("choice1", "choice4", "choice2", "choice2")]
    wrote = [read(text) for text in ("choice1", "choice3", "choice2", "a")]
    assert (right, wrote) == ([0, 3, 1, 1], [0, 2, 1, -1])
    (accuracy,) = metric_functions(dataset)
    expected = 100 * sklearn.metrics.accuracy_score(right, wrote)
    assert accuracy(right, wrote) == {"accuracy": pytest.approx(expected)}
