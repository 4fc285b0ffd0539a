"""Every command as a real terminal of 80x24 and of 120x40 draws it, against snapshots.

``make snapshots`` writes them anew (``SPOTFW_RENEW_SNAPSHOTS=1``); look at what has changed
before you commit it. What no snapshot may have: a count, time or id that is cut or broken.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from spotfw.cli import run
from spotfw.cli.display import Progress, note, say
from spotfw.plugins import Plugins
from spotfw.testing import NumpyBackend
from spotfw.testing.numpy_model import NumpyModel
from spotfw.testing.tiny_library import fill_library
from spotfw.testing.tiny_tasks import load_tiny_tasks, reviews, write_tiny_tasks
from tests.cli.screens import SIZES, Terminal, masked

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENEW = "SPOTFW_RENEW_SNAPSHOTS"

MODEL = "--model ./model --backend numpy --prompt-length 4"
SHORT = f"{MODEL} --steps 20 --checkpoint-every 10 --embedding-step 10"
TUNE = f"tune tiny_reviews {SHORT} --out runs/reviews"
IDS = {"first": "", "second": ""}

STUDY = """
sources = ["tiny_words", "tiny_things"]
targets = ["tiny_reviews"]
strategies = ["best_of_top_k"]
oracle = true
ks = [1, 2]
models = ["./model"]
[open]
backend = "numpy"
[settings]
prompt_length = 4
steps = 10
checkpoint_every = 5
embedding_step = 5
batch_size = 4
"""

#: Snapshot -> commands; the last is what is looked at.
COMMANDS: dict[str, list[str]] = {
    "help": ["--help"],
    "unknown-command": ["tuen"],
    "tune": [TUNE],
    "tune-again": [TUNE, TUNE],
    "evaluate": [TUNE, "evaluate runs/reviews tiny_reviews --backend numpy"],
    "predict": [TUNE, "predict runs/reviews lines.txt --backend numpy"],
    "predict-rows": [
        TUNE,
        "predict runs/reviews new.csv --task tasks/tiny_reviews.toml --backend numpy",
    ],
    "predict-scores": [
        TUNE,
        "predict runs/reviews new.csv --task tasks/tiny_reviews.toml --backend numpy --scores",
    ],
    "tune-seeds": [f"tune tiny_reviews {SHORT} --seeds 0,1 --out runs/seeds"],
    "transfer": [f"transfer tiny_reviews tiny_words {SHORT} --library library -k 2"],
    "transfer-file": [f"transfer rows.csv {SHORT} --library library -k 2"],
    "study-plan": ["study plan small.toml"],
    "study-run": ["study run small.toml --workers 0"],
    "study-resume": ["study run small.toml --workers 0", "study resume small.toml --workers 0"],
    "library-list": ["library list"],
    "library-show": ["library show FIRST"],
    "library-rank": ["library rank FIRST --by-task"],
    "library-rank-explain": [
        "library rank FIRST --explain --metric per_token_cosine+average_token_cosine"
    ],
    "library-report": ["library report --out page"],
    "library-verify": ["library verify"],
    "library-add": [f"{TUNE} --library library", "library add runs/reviews"],
    "library-export": ["library export shared.zip"],
    "library-import": ["library export shared.zip", "library import shared.zip --library new"],
    "library-remove": ["library remove FIRST --yes"],
    "library-empty": ["library list --library nothing-here"],
    "tasks-list": ["tasks list --family sentiment"],
    "tasks-show": ["tasks show tiny_reviews --examples 1"],
    "models-list": ["models"],
    "metrics": ["metrics"],
    "strategies": ["strategies"],
    "runs-compare": [
        TUNE,
        f"tune tiny_words {SHORT} --learning-rate 0.1 --seed 1 --batch-size 4 --dropout 0 "
        "--out runs/words",
        "runs compare runs",
    ],
    "runs": [f"transfer tiny_reviews {SHORT} --library library -k 2", "runs"],
    "runs-none": ["runs"],
    "plugins-list": ["plugins"],
    "plugins-show": ["plugins show strategies"],
    "plugins-check": ["plugins check spotfw-nothing"],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spotfw_plugins: Plugins) -> Path:
    """A folder with three tasks, a library of six prompts, a file of rows, and a model."""
    spotfw_plugins.register(NumpyBackend(), "numpy")
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "SPOTFW_TASKS": "tasks"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "model").mkdir()
    write_tiny_tasks(tmp_path / "tasks")
    model = NumpyModel()
    library = fill_library(
        tmp_path / "library",
        load_tiny_tasks(tmp_path / "tasks"),
        width=model.width,
        fingerprint=model.fingerprint,
    )
    IDS["FIRST"] = library.entries()[0].id
    (tmp_path / "lines.txt").write_text("review: the film was good\n\nreview: the book was dull\n")
    rows = [f"{text},{label}\n" for text, label in reviews()]
    (tmp_path / "rows.csv").write_text("text,label\n" + "".join(rows))
    (tmp_path / "new.csv").write_text("text\n" + "".join(f"{t}\n" for t, _ in reviews()[:3]))
    (tmp_path / "small.toml").write_text(STUDY)
    return tmp_path


def compare(name: str, texts: dict[tuple[int, int], str]) -> None:
    """Compares what terminals of both sizes show with a snapshot, or writes that anew."""
    text = "".join(f"== {w}x{h} ==\n{text}" for (w, h), text in texts.items())
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get(RENEW):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"If this is as it should be: {RENEW}=1"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_in_a_terminal(
    name: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    texts = {}
    for size in SIZES:
        copy = tmp_path_factory.mktemp("place")
        shutil.copytree(place, copy, dirs_exist_ok=True)
        monkeypatch.chdir(copy)
        *before, last = [line.replace("FIRST", IDS["FIRST"]) for line in COMMANDS[name]]
        for line in before:
            assert run(line.split()) == 0
        terminal = Terminal(*size)
        with terminal.attached():
            say(f"$ spotfw {last}")
            status = run(last.split())
            if status:
                say(f"(exit {status})")
        texts[size] = masked(terminal.text(), copy)
    compare(name, texts)


def test_prints_stand_above_a_live_bar(place: Path) -> None:
    texts = {}
    for size in SIZES:
        terminal = Terminal(*size)
        with contextlib.ExitStack() as later:
            with terminal.attached():
                bar = later.enter_context(
                    Progress("tune super_glue_cb_v102 from glue_mnli_v002 (seed 0)", 262_144)
                )
                bar.update(1_000, loss=0.5, score=None, best=None)
                say("a result")
                bar.update(131_072, loss=0.1234, score=71.25, best=80.5)
                note(
                    "A line for people, longer than a terminal is wide, which is broken between "
                    "two words and nowhere else, so that it can be read."
                )
                print("what a library says", file=sys.stderr)
                bar.update(131_072, loss=0.1234, score=71.25, best=80.5)
            texts[size] = masked(terminal.text())
    compare("live-bar", texts)
