"""``spotfw tasks``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TOML = """
name = "my_reviews"
family = "sentiment"
inputs = "review: {text}"
label_column = "label"
labels = ["negative", "positive"]
[splits]
train = "train.csv"
"""


@pytest.fixture(autouse=True)
def own_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPOTFW_TASKS", str(tmp_path))
    monkeypatch.setenv("SPOTFW_PLUGINS", "")
    (tmp_path / "task.toml").write_text(TOML)
    (tmp_path / "train.csv").write_text("text,label\nfine,1\npoor,0\n")
    return tmp_path


def test_list_json_is_one_document(spotfw_cli):
    ran = spotfw_cli("tasks", "list", "--json")
    assert ran.status == 0
    (task,) = [t for t in json.loads(ran.out) if t["name"] == "my_reviews"]
    assert task["family"] == "sentiment"
    assert task["type"] == "classification"
    assert task["labels"] == ["negative", "positive"]
    assert task["metrics"] == ["accuracy"]
    assert task["splits"] == {"train": None}
    assert task["origin"].endswith("task.toml")


def test_listing_is_what_the_group_does(spotfw_cli):
    ran = spotfw_cli("tasks")
    assert ran.status == 0
    assert ran.out == spotfw_cli("tasks", "list").out
    assert "my_reviews" in ran.out


def test_what_is_here_comes_first_and_names_stay_whole(spotfw_cli, own_tasks):
    mixed = '[[mixture]]\nname = "mixed"\ntasks = ["my_reviews", "glue_rte"]\n'
    (own_tasks / "mixed.toml").write_text(mixed)
    lines = spotfw_cli("tasks").out.splitlines()
    assert lines[1].split()[0] == "my_reviews"
    assert any("super_glue_wsc_v102_simple" in line and "absent" in line for line in lines)
    assert [line.split()[-2:] for line in lines if line.startswith("mixed")] == [["part", "absent"]]


def test_show_tells_the_columns_that_are_needed(spotfw_cli):
    ran = spotfw_cli("tasks", "show", "glue_rte")
    assert "columns      sentence1 (text), sentence2 (text), label (0 entailment" in ran.out


def test_family(spotfw_cli):
    assert "my_reviews" in spotfw_cli("tasks", "list", "--family", "Sentiment").out
    ran = spotfw_cli("tasks", "list", "--family", "sentimental")
    assert ran.status == 2
    assert "Did you mean 'sentiment'" in ran.err


def test_show_examples_as_text(spotfw_cli):
    ran = spotfw_cli("tasks", "show", "my_reviews", "--examples", "1")
    assert ran.status == 0
    assert "inputs: review: fine\n   targets: positive" in ran.out
    assert "poor" not in ran.out


def test_show_a_task_file_as_json(spotfw_cli, own_tasks):
    words = ("tasks", "show", own_tasks / "task.toml", "--examples", "5", "--json")
    shown = json.loads(spotfw_cli(*words).out)
    assert [e["inputs"] for e in shown["examples"]] == ["review: fine", "review: poor"]
    assert shown["examples"][0]["split"] == "train"


@pytest.mark.mesh
def test_show_pieces_of_a_models_vocabulary(spotfw_cli, shared):
    model = shared / "models" / "english-tiny"
    words = ("tasks", "show", "my_reviews", "--examples", "1", "--model", model, "--json")
    shown = json.loads(spotfw_cli(*words).out)
    assert shown["examples"][0]["inputs_pieces"][-1] == "</s>"


@pytest.mark.mesh
def test_show_a_mixture_of_seqios_registry(spotfw_cli):
    shown = json.loads(spotfw_cli("tasks", "show", "wsc_dpr_simple_proportional", "--json").out)
    assert shown["tasks"] == ["dpr_v001_simple", "super_glue_wsc_v102_simple_train"]
    assert shown["rates"] == [1322.0, 259.0]


@pytest.mark.mesh
def test_all_lists_seqios_registry(spotfw_cli):
    listed = [t["name"] for t in json.loads(spotfw_cli("tasks", "list", "--all", "--json").out)]
    assert {"my_reviews", "glue_mnli_v002", "glue_v002_proportional"} <= {*listed}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("show", "my_review"), 2, "Did you mean 'my_reviews'"),
        (("show", "my_reviews", "--examples", "1", "--split", "dev"), 2, "Known: train"),
        (("show", "my_reviews", "--examples", "-1"), 2, "-1"),
        (("show", "my_reviews", "--examples", "1", "--vocabulary", "x"), 1, "does not exist"),
        (("show", "nowhere.toml"), 2, "cannot be read"),
    ],
)
def test_wrong_use(spotfw_cli, words, status, message):
    ran = spotfw_cli("tasks", *words)
    assert ran.status == status
    assert message in ran.err
    assert ran.out == ""


MORE = """
name = "many_reviews"
inputs = "review: {text}"
label_column = "label"
labels = ["negative", "positive"]
[splits]
train = "many.jsonl"
validation = "many.jsonl"
"""


@pytest.fixture
def many(own_tasks: Path) -> None:
    (own_tasks / "many.toml").write_text(MORE)
    rows = ({"text": "ab" * (i % 10 + 1), "label": i % 2} for i in range(40))
    (own_tasks / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    both = '[[mixture]]\nname = "both"\ntasks = ["many_reviews", "my_reviews"]\n'
    (own_tasks / "zz.toml").write_text(both)


def test_json_without_a_command(spotfw_cli):
    ran = spotfw_cli("tasks", "--json")
    assert json.loads(ran.out) == json.loads(spotfw_cli("tasks", "list", "--json").out)
    ran = spotfw_cli("tasks", "--json", "list")
    assert (ran.status, ran.out) == (2, "")
    assert "behind the command" in ran.err


def test_a_listing_says_where_the_data_is(spotfw_cli, own_tasks):
    listed = json.loads(spotfw_cli("tasks", "list", "--json").out)
    (task,) = [t for t in listed if t["name"] == "my_reviews"]
    assert (task["at"], task["folder"]) == ("files", str(own_tasks))


def test_group(spotfw_cli):
    listed = json.loads(spotfw_cli("tasks", "list", "--group", "glue", "--json").out)
    assert len(listed) == 8
    assert all("GLUE" in task["groups"] for task in listed)
    ran = spotfw_cli("tasks", "list", "--group", "SuperGLU")
    assert ran.status == 2
    assert "Did you mean 'SuperGLUE'" in ran.err


def test_examples_of_every_split(spotfw_cli, many):
    ran = spotfw_cli("tasks", "show", "many_reviews", "--examples", "1", "--json")
    assert [e["split"] for e in json.loads(ran.out)["examples"]] == ["train", "validation"]


def test_a_mixtures_members_and_shares(spotfw_cli, many):
    document = json.loads(spotfw_cli("tasks", "show", "both", "--json").out)
    members = {m["task"]: m for m in document["members"]}
    assert members["many_reviews"]["examples"] == 40
    assert members["my_reviews"]["examples"] == 2
    assert members["many_reviews"]["share"] == pytest.approx(40 / 42)
    assert "95.24%" in spotfw_cli("tasks", "show", "both").out
    assert "both" in spotfw_cli("tasks").out


def test_lengths_need_something_to_count_with(spotfw_cli, many):
    ran = spotfw_cli("tasks", "show", "many_reviews", "--lengths")
    assert ran.status == 2
    assert "--vocabulary FILE" in ran.err


def test_lengths_and_what_limits_cut(many):
    """Bytes as tokens, the end among them: texts of 2 to 20 letters behind "review: "."""
    from spotfw.plugins import Plugins
    from spotfw.tasks.survey import length_facts, survey

    surveyed = survey(Plugins(entry_points=False).task("many_reviews"), "train")
    expected = sorted(len("review: ") + 2 * (i % 10 + 1) + 1 for i in range(40))
    assert sorted(surveyed.inputs.tolist()) == expected
    assert surveyed.labels == {"negative": 20, "positive": 20}
    assert surveyed.first == ("review: ab", "negative")
    facts = length_facts(surveyed.inputs, 20)
    assert facts["percentiles"] == {"50": 19, "90": 27, "95": 29, "99": 29, "max": 29}
    assert facts["cut"] == {"20": 0.5, "128": 0, "256": 0, "512": 0, "1024": 0}


def test_text_that_the_vocabulary_does_not_know(spotfw_cli, own_tasks, shared):
    (own_tasks / "train.csv").write_text("text,label\n\U0001f600,1\n\U0001f621,0\n")
    vocabulary = shared / "vocab" / "t5.model"
    words = ("tasks", "show", "my_reviews", "--lengths", "--vocabulary", vocabulary)
    lengths = json.loads(spotfw_cli(*words, "--json").out)["lengths"][0]
    assert 0 < lengths["inputs"]["unknown"] < 0.5
    assert lengths["targets"]["unknown"] == 0
    assert f"{lengths['inputs']['unknown']:.1%}" in spotfw_cli(*words).out


def test_lengths_as_the_shell_sees_them(spotfw_cli, many, shared):
    vocabulary = shared / "vocab" / "t5.model"
    words = ("tasks", "show", "many_reviews", "--lengths", "--vocabulary", vocabulary)
    document = json.loads(spotfw_cli(*words, "--split", "train", "--json").out)
    (lengths,) = document["lengths"]
    assert (lengths["task"], lengths["split"], lengths["rows"]) == ("many_reviews", "train", 40)
    assert lengths["inputs"]["limit"] == 512
    assert lengths["targets"]["percentiles"]["max"] == 2
    shown = spotfw_cli(*words).out
    assert "0.0%*" in shown and "validation" in shown
