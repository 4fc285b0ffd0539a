"""Ten tasks from raw files of ten kinds, written with docs/tasks.md at hand and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import numpy as np
import pytest


@attrs.frozen
class Raw:
    """A task file, its data by file name, and the first example it should give."""

    toml: str
    files: dict[str, str]
    inputs: str
    targets: str
    score: str


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


BOTH = '[splits]\ntrain = "data.{0}"\nvalidation = "data.{0}"\n'

RAW = {
    "shop_reviews": Raw(  # CSV, two classes by their words, commas and line breaks in quotes
        'name = "shop_reviews"\nfamily = "sentiment"\ninputs = "review: {text}"\n'
        'label_column = "mood"\nlabels = ["bad", "good"]\n' + BOTH.format("csv"),
        {"data.csv": 'id,text,mood\n1,"fine, and\nwarm",good\n2,dull,bad\n3,poor,bad\n'},
        "review: fine, and\nwarm",
        "good",
        "accuracy",
    ),
    "headlines_by_desk": Raw(  # JSONL, many classes by their places
        'name = "headlines_by_desk"\ninputs = "headline: {title}"\nlabel_column = "desk"\n'
        'labels = ["world", "sport", "money", "science"]\n' + BOTH.format("jsonl"),
        {
            "data.jsonl": lines(
                *({"title": f"story {c}", "desk": i % 4} for i, c in enumerate("abcdefgh"))
            )
        },
        "headline: story a",
        "world",
        "accuracy",
    ),
    "stance": Raw(  # TSV without a line of names, labels that are numbers, a quotation mark
        'name = "stance"\ninputs = "claim: {claim} reply: {reply}"\nlabel_column = "code"\n'
        'columns = ["code", "claim", "reply"]\n'
        'labels = {"-1" = "against", "0" = "neither", "1" = "for"}\n' + BOTH.format("tsv"),
        {"data.tsv": '1\tit "was warm\tyes it was\n-1\tit was cold\tno\n0\tgood\twho\n'},
        'claim: it "was warm reply: yes it was',
        "for",
        "accuracy",
    ),
    "likeness": Raw(  # CSV, a number
        'name = "likeness"\ntype = "regression"\ninputs = "one: {a} two: {b}"\n'
        'label_column = "score"\n' + BOTH.format("csv"),
        {"data.csv": "a,b,score\na film,the film,4.71\na book,a song,0\na room,the house,2.5\n"},
        "one: a film two: the film",
        "4.8",
        "pearson_corrcoef",
    ),
    "who_and_what": Raw(  # JSONL, nested, several right answers
        'name = "who_and_what"\nfamily = "QA"\ninputs = "question: {q.text} context: {passage}"\n'
        'answers_column = "answers.text"\n' + BOTH.format("jsonl"),
        {
            "data.jsonl": lines(
                {
                    "q": {"text": "what was warm", "id": 3},
                    "passage": "the room was warm",
                    "answers": {"text": ["the room", "room"], "start": [0, 4]},
                },
                {
                    "q": {"text": "what was cold"},
                    "passage": "the meal was cold",
                    "answers": {"text": ["the meal"]},
                },
            )
        },
        "question: what was warm context: the room was warm",
        "the room",
        "em",
    ),
    "short_of_it": Raw(  # JSONL, free text, a byte order mark
        'name = "short_of_it"\ninputs = "summarize: {body}"\ntargets = "{summary}"\n'
        'metrics = ["rouge"]\n' + BOTH.format("jsonl"),
        {"data.jsonl": "\ufeff" + lines({"body": "the film was good and warm", "summary": "good"})},
        "summarize: the film was good and warm",
        "good",
        "rouge1",
    ),
    "flags": Raw(  # JSONL, true and false
        'name = "flags"\ninputs = "{user.name} wrote: {text}"\nlabel_column = "spam"\n'
        'labels = {"false" = "ham", "true" = "spam"}\nmetrics = ["f1_score_with_invalid"]\n'
        + BOTH.format("jsonl"),
        {
            "data.jsonl": lines(
                {"user": {"name": "song"}, "text": "great meal", "spam": True},
                {"user": {"name": "play"}, "text": "a story", "spam": False},
            )
        },
        "song wrote: great meal",
        "spam",
        "f1",
    ),
    "quiz": Raw(  # a suffix that says nothing, one answer a row
        'name = "quiz"\nformat = "tsv"\ninputs = "question: {question}"\n'
        'answers_column = "answer"\nmetrics = ["trivia_qa"]\n' + BOTH.format("txt"),
        {"data.txt": "question\tanswer\nwhat is great\tthe play\nwhat is dull\tthe song\n"},
        "question: what is great",
        "the play",
        "em",
    ),
    "reasons": Raw(  # several files of a split, a column that may be blank
        'name = "reasons"\ninputs = "claim: {claim} hint: {hint}"\n'
        'targets = "{verdict} because {why}"\noptional_columns = ["hint"]\n'
        '[splits]\ntrain = ["one.csv", "two.csv"]\nvalidation = "two.csv"\n',
        {
            "one.csv": "claim,hint,verdict,why\nthe film is good,,true,it was great\n",
            "two.csv": "hint,claim,why,verdict\nlook,the meal is cold,it was warm,false\n",
        },
        "claim: the film is good hint: ",
        "true because it was great",
        "sequence_accuracy",
    ),
    "grammar": Raw(  # CSV with braces in the text, words with spaces as labels
        'name = "grammar"\ninputs = "{{check}} {sentence}"\nlabel_column = "ok"\n'
        'labels = {"y" = "good english", "n" = "bad english"}\n'
        'metrics = ["matthews_corrcoef"]\n' + BOTH.format("csv"),
        {"data.csv": "sentence,ok\nthe song was fine,y\nsong the fine was,n\n"},
        "{check} the song was fine",
        "good english",
        "matthews_corrcoef",
    ),
}


def write(folder: Path, name: str) -> Path:
    raw = RAW[name]
    (folder / name).mkdir(parents=True)
    for file, text in raw.files.items():
        (folder / name / file).write_text(text, encoding="utf-8")
    path = folder / name / f"{name}.toml"
    path.write_text(raw.toml, encoding="utf-8")
    return path


def test_there_are_ten():
    assert len(RAW) == 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # scores of two rows are undefined, and scipy says so
@pytest.mark.parametrize("name", RAW)
def test_shown_tuned_and_scored(name, tmp_path, spotfw_cli, tiny_engine):
    from spotfw.config import TuningSettings
    from spotfw.contracts import TuneRequest, TuningState
    from spotfw.plugins import Plugins

    raw, path = RAW[name], write(tmp_path, name)
    ran = spotfw_cli("tasks", "show", path, "--examples", 2, "--json")
    assert ran.status == 0, ran.err
    shown = json.loads(ran.out)
    assert {e["split"] for e in shown["examples"]} == {"train", "validation"}
    assert shown["examples"][0]["inputs"] == raw.inputs
    assert shown["examples"][0]["targets"] == raw.targets

    task = Plugins(entry_points=False).task(str(path))
    settings = TuningSettings(
        steps=1, batch_size=2, prompt_length=2, max_input_length=32, max_target_length=8
    )
    start = TuningState(step=0, prompt=np.zeros((2, tiny_engine.width), np.float32))
    request = TuneRequest(task=task, settings=settings, start=start)
    *_, last = tiny_engine.tune([request])
    assert np.isfinite(last.loss)
    (evaluation,) = tiny_engine.evaluate([last.state.prompt], task, "validation", settings)
    assert raw.score in evaluation.metrics


@pytest.mark.slow
def test_a_mixture_of_them_is_tuned(tmp_path, spotfw_cli, tiny_model, monkeypatch):
    for name in ("shop_reviews", "headlines_by_desk"):
        write(tmp_path, name)
    folders = [str(tmp_path / name) for name in ("shop_reviews", "headlines_by_desk")]
    mixed = tmp_path / "mixed.toml"
    mixed.write_text('[[mixture]]\nname = "desk"\ntasks = ["shop_reviews", "headlines_by_desk"]\n')
    monkeypatch.setenv("SPOTFW_TASKS", ":".join([*folders, str(mixed)]))
    words = ("--model", tiny_model, "--steps", 1, "--batch-size", 2, "--prompt-length", 2)
    ran = spotfw_cli("tune", "desk", *words, "--out", tmp_path / "run", "--json")
    assert ran.status == 0, ran.err
    document = json.loads(ran.out)
    assert document["task"] == "desk"
    assert {*document["metrics"]} == {"shop_reviews/accuracy", "headlines_by_desk/accuracy"}
