"""The paper's tasks as ``spotfw tasks list --json`` tells them, and the page made from it."""

from __future__ import annotations

import importlib.util
from collections import Counter

import pytest

from tests.places import ROOT

pytest.importorskip("spotfw_paper_tasks", reason="needs the plugin spotfw-paper-tasks")

DOCS = ROOT / "docs"

#: Groups of appendix B with the number of their data sets (Table 1).
GROUPS = {
    "GLUE": 8,
    "SuperGLUE": 8,
    "NLI": 7,
    "paraphrasing/similarity": 4,
    "sentiment": 5,
    "MRQA": 6,
    "RAINBOW": 6,
    "translation": 3,
    "summarization": 9,
    "GEM": 8,
    "C4": 1,
    "study source": 16,
    "study target": 10,
    "appendix B": 56,
}
MIXTURES = {
    "spot_glue": "GLUE",
    "spot_super_glue": "SuperGLUE",
    "spot_nli": "NLI",
    "spot_paraphrase_similarity": "paraphrasing/similarity",
    "spot_sentiment": "sentiment",
    "spot_mrqa": "MRQA",
    "spot_rainbow": "RAINBOW",
    "spot_translation": "translation",
    "spot_summarization": "summarization",
    "spot_gem": "GEM",
    "spot_all": "appendix B",
}


@pytest.fixture(scope="module")
def make_tasks():
    spec = importlib.util.spec_from_file_location("make_tasks", DOCS / "make_tasks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def listed(make_tasks):
    return make_tasks.listing()


@pytest.fixture(scope="module")
def tasks(listed):
    return [entry for entry in listed if "tasks" not in entry]


def test_groups_are_whole(tasks):
    counted = Counter(group for task in tasks for group in task["groups"])
    assert {group: counted[group] for group in GROUPS} == GROUPS


def test_the_study_has_26_tasks(tasks):
    sources = {t["name"] for t in tasks if "study source" in t["groups"]}
    targets = {t["name"] for t in tasks if "study target" in t["groups"]}
    assert len(sources | targets) == 26


def test_every_field_is_there(tasks):
    for task in tasks:
        for field in ("family", "type", "metrics", "data", "licence", "citation", "groups"):
            assert task[field], f"{task['name']} has no {field}"
        assert task["type"] in {"classification", "regression", "qa", "generation"}
        assert bool(task["labels"]) == (task["type"] == "classification"), task["name"]
        assert {"train", "validation"} <= {*task["splits"]}, task["name"]
        assert task["origin"] and task["at"], task["name"]


def test_rows_are_said_as_published(tasks):
    rows = {t["name"]: t["splits"]["train"] for t in tasks}
    assert rows["glue_mnli_v002"] == 392_702
    assert rows["super_glue_cb_v102"] == 250
    unknown = {t["name"] for t in tasks if None in t["splits"].values()}
    # Published without a split of their own; where a count is not published, none is made up.
    assert unknown <= {"cxc", "customer_reviews", "subj", "ag_news", "goemotions"}


def data_set(task):
    """The data set of a task: of one as SPoT's release has it, and of a round of ANLI."""
    name = task.removeprefix("spot_")
    name = "anli" if name.startswith("anli_r") else name
    return {"cnn_dailymail": "cnn_dailymail_v002"}.get(name, name)


@pytest.mark.parametrize("name", MIXTURES)
def test_a_mixture_is_its_group(listed, tasks, name):
    (mixture,) = [entry for entry in listed if entry["name"] == name]
    group = {t["name"] for t in tasks if MIXTURES[name] in t["groups"]}
    assert {data_set(task) for task in mixture["tasks"]} == group
    rounds = {task for task in mixture["tasks"] if "anli_r" in task}
    assert len(mixture["tasks"]) == len(group) + max(len(rounds) - 1, 0)
    assert mixture["rates"] is None


@pytest.mark.parametrize("name", ["spot_nli", "spot_summarization", "spot_all"])
def test_the_paper_s_mixtures_have_inputs_as_released(listed, tasks, name):
    (mixture,) = [entry for entry in listed if entry["name"] == name]
    released = {t["name"] for t in tasks if "released inputs" in t["groups"]}
    assert len(released) == 12
    replaced = {data_set(task) for task in released}
    assert not replaced & {*mixture["tasks"]}
    of_group = {t["name"] for t in tasks if MIXTURES[name] in t["groups"]}
    assert {t for t in released if data_set(t) in of_group} == released & {*mixture["tasks"]}


def test_two_readings_of_the_paper_s_count_come_to_55(listed):
    (everything,) = [entry for entry in listed if entry["name"] == "spot_all"]
    labelled = {*everything["tasks"]} - {"c4_v220_prefix_lm"}
    one_anli = {data_set(task) for task in labelled}
    assert len(one_anli) == 55
    assert len(labelled - {"squad_v010_allanswers", "super_glue_rte_v102"}) == 55


def test_shares_are_those_of_published_rows(listed, tasks):
    (glue,) = [entry for entry in listed if entry["name"] == "spot_glue"]
    rows = {t["name"]: t["splits"]["train"] for t in tasks}
    total = sum(rows[name] for name in glue["tasks"])
    assert glue["shares"] == pytest.approx([rows[name] / total for name in glue["tasks"]])


def test_shares_are_of_examples_where_a_row_is_not_one(listed, tasks):
    (mixed,) = [entry for entry in listed if entry["name"] == "spot_super_glue"]
    sizes = {t["name"]: t["train_examples"] for t in tasks}
    # T5's own rates of the two (t5.data.glue_utils).
    assert sizes["super_glue_record_v102"] == 138_854
    assert sizes["super_glue_wsc_v102_simple"] == 259
    total = sum(sizes[name] for name in mixed["tasks"])
    assert mixed["shares"] == pytest.approx([sizes[name] / total for name in mixed["tasks"]])


def test_a_share_stops_at_the_limit(listed):
    (translation,) = [entry for entry in listed if entry["name"] == "spot_translation"]
    assert translation["shares"] == pytest.approx([1 / 3] * 3)


def test_the_page_is_up_to_date(make_tasks, listed):
    message = "docs/paper_tasks.md is out of date: run `python docs/make_tasks.py`"
    assert make_tasks.PAGE.read_text(encoding="utf-8") == make_tasks.page(listed), message


def test_whose_data_shares_lack_is_reported(spotfw_cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("SPOTFW_DATA", raising=False)
    shown = spotfw_cli("tasks", "show", "spot_sentiment").out
    assert "not known without the data of customer_reviews (" in shown
    assert "No shares" not in spotfw_cli("tasks", "show", "spot_glue").out
