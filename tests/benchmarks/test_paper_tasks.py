"""``python -m benchmarks.paper_tasks``: what it finds of a task, well or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import paper_tasks
from spotfw.plugins import Plugins

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def model(shared):
    with paper_tasks.opened(str(shared / "vocab" / "t5.model")) as model:
        yield model


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SPOTFW_DATA", str(tmp_path))
    folder = tmp_path / "glue_cola"
    folder.mkdir()
    rows = [{"sentence": f"a song {i}", "label": i % 2, "idx": i} for i in range(9)]
    for split in ("train", "validation"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return folder


def check(name: str, model) -> paper_tasks.Checked:
    return paper_tasks.check(Plugins(entry_points=False).task(name), model)


def test_real_rows_go_through_and_the_unusable_are_counted(model, data):
    with (data / "train.jsonl").open("a") as file:
        file.write('{"sentence": "a song", "label": 5, "idx": 9}\n')
    checked = check("glue_cola", model)
    assert checked.fault == ""
    assert (checked.rows_from, checked.examples) == ("real", {"train": 9, "validation": 9})
    assert checked.left_out == {"train": 1, "validation": 0}
    assert checked.labels == {"unacceptable": 5, "acceptable": 4}
    assert checked.first == ("cola sentence: a song 0", "unacceptable")
    assert checked.metrics.keys() == {"matthews_corrcoef"}
    assert checked.line().startswith("ok glue_cola_v002 (real): train 9, validation 9; unusable 1;")


def test_another_data_set_fails(model, data):
    (data / "train.jsonl").write_text('{"text": "a", "label": 0}\n' * 4)
    checked = check("glue_cola", model)
    assert "no column 'sentence'" in checked.fault
    assert checked.line().startswith("FAILED glue_cola_v002 (real)")


def test_mocked_rows_go_through(model, data):
    checked = check("glue_rte", model)
    assert (checked.rows_from, checked.fault) == ("mock", "")
    assert checked.examples == {"train": 16, "validation": 16}
