"""docs/plugins/policy.md lists exactly what is public, and all of it is there."""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import spotfw
from spotfw.config import ModelTuningSettings
from spotfw.contracts import WeightProgress, WeightTuneRequest
from spotfw.library import archive
from spotfw.plugins import Plugins
from spotfw.plugins.fitness import HOOKS
from spotfw.prompts import FORMAT, Provenance, SoftPrompt, save_prompt
from tests.cli.test_tune import Counting
from tests.places import ROOT

DOCS = ROOT / "docs" / "plugins"
HEAVY = ("spotfw.tasks.seqio.mixture",)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


policy = _load(DOCS / "make_policy.py")
TEXT = (DOCS / "policy.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert policy.page(TEXT) == TEXT, "docs/plugins/policy.md is out of date: run make docs"


@pytest.mark.parametrize(
    "module",
    [pytest.param(m, marks=[pytest.mark.slow] * (m in HEAVY)) for m in policy.MODULES],
)
def test_every_public_name_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    row = re.search(rf"^\| `{re.escape(module)}` \|[^|]*\|(.*)\|$", TEXT, re.MULTILINE)
    assert row is not None
    names = re.findall(r"`([^`]+)`", row[1])
    assert names and not [name for name in names if not hasattr(loaded, name)]
    hooks = set(HOOKS) if module == "spotfw.hookspecs" else set()
    assert {*names, *hooks} == set(loaded.__all__)


def test_a_module_with_public_names_is_on_the_page() -> None:
    """Of spotfw's own modules and packages of the first level; the command line has commands."""
    roots = {path.stem for path in (ROOT / "spotfw").iterdir() if path.stem[0] not in "_."}
    stating = {
        f"spotfw.{name}"
        for name in roots - {"cli"}
        if (ROOT / "spotfw" / name / "__init__.py").is_file()
        or (ROOT / f"spotfw/{name}.py").is_file()
        if hasattr(importlib.import_module(f"spotfw.{name}"), "__all__")
    }
    assert stating <= set(policy.MODULES)


def test_what_was_documented_before_keeps_working() -> None:
    names = "metrics contracts testing study hookspecs ranking config errors tasks prompts library"
    for name in [*names.split(), "plugins"]:
        assert importlib.import_module(f"spotfw.{name}").__all__
    assert spotfw.Session.__module__.startswith("spotfw.")


def test_every_hook_is_on_the_page_of_hooks() -> None:
    assert set(HOOKS) == set(policy.HOOKS) - {"hookimpl"}
    assert all(f"## {hook}\n" in (DOCS / "hooks.md").read_text() for hook in HOOKS)


def test_every_fixture_is_on_the_pages() -> None:
    for name in policy.fixture_names():
        assert f"`{name}`" in TEXT and f"`{name}`" in (DOCS / "testing.md").read_text()


def test_every_variable_is_on_the_page() -> None:
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "spotfw").rglob("*.py")]
    read = set(re.findall(r"\bSPOTFW_[A-Z_]+\b", "\n".join(code)))
    private = {name for name in read if name.startswith("SPOTFW_TESTING_")}
    assert read - private == set(re.findall(r"`(SPOTFW_[A-Z_]+)`", TEXT))


def test_every_format_is_on_the_page() -> None:
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "spotfw").rglob("*.py")]
    written = set(re.findall(r'"(spotfw\.[a-z]+/\d+)"', "\n".join(code)))
    assert {FORMAT, archive.FORMAT} <= written
    assert written == set(re.findall(r"`(spotfw\.[a-z]+/\d+)`", TEXT))


def test_every_command_with_json_is_on_the_page() -> None:
    assert set(policy.commands_with_json()) == set(policy.JSON)


# ---- what commands print


class Tunable(Counting):
    """The stand-in for an engine, whose weights can be tuned too."""

    has_optimizer_state = False

    def checkpoint_bytes(self, settings: ModelTuningSettings) -> int:
        return 1

    def tune_weights(self, request: WeightTuneRequest) -> Iterator[WeightProgress]:
        last = request.settings.steps
        yield WeightProgress(step=last, loss=0.5, examples=1, tokens=1, checkpoint=self)

    @property
    def model(self) -> Tunable:
        return self

    def save(self, folder: str) -> None:
        Path(folder, "weights").write_text("none")

    def losses(self, prompts: Any, examples: Any, settings: Any) -> Any:
        return np.ones((len(prompts), len(examples)))


@pytest.fixture
def place(tmp_path: Path, spotfw_plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in with a task file, a study and a stand-in for the engine."""
    (tmp_path / "model").mkdir()
    (tmp_path / "rows.jsonl").write_text('{"text": "good", "label": "yes"}\n')
    text = (
        'inputs = "{{text}}"\nlabel_column = "label"\nlabels = ["yes", "no"]\n'
        'name = "{name}"\n[task.splits]\ntrain = "rows.jsonl"\nvalidation = "rows.jsonl"\n'
    )
    names = ("mine", "yours", "theirs")
    tables = [f"[[task]]\n{text.format(name=name)}" for name in names]
    mixture = '[[mixture]]\nname = "both"\ntasks = ["mine", "yours"]\n'
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "tasks.toml").write_text("\n".join([*tables, mixture]))
    shutil.copy(tmp_path / "rows.jsonl", tmp_path / "tasks")
    (tmp_path / "study.toml").write_text(
        'model = "./model"\nsources = ["mine", "theirs"]\ntargets = ["yours"]\nseeds = [0]\n'
        "oracle = true\n[settings]\nsteps = 2\nprompt_length = 2\ncheckpoint_every = 1\n"
        "embedding_step = 1\n"
    )
    cola = tmp_path / "cola"
    cola.mkdir()
    rows = [{"sentence": "fine", "label": n, "idx": n} for n in (0, 1)]
    for split in ("train", "validation"):
        (cola / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = Tunable(str(tmp_path / "model"))
    monkeypatch.setattr("spotfw.plugins.builtin.backends.MeshBackend.missing", lambda self: None)
    monkeypatch.setattr(
        "spotfw.plugins.builtin.backends.MeshBackend.open", lambda self, folder, **_: model
    )
    monkeypatch.setenv("SPOTFW_TASKS", str(tmp_path / "tasks"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        array = np.full((2, 3), number) + np.eye(2, 3)
        facts = Provenance(task=f"t{number}", model="./model", fingerprint="f00d")
        save_prompt(SoftPrompt(array, facts), f"{number}.safetensors")
    return tmp_path


SHORT = "--model ./model --steps 2 --prompt-length 2 --checkpoint-every 1"
KEPT = "--library lib"

#: Commands and their words, in an order in which each finds what it needs.
QUICK = (
    ("tune", f"mine {SHORT} --out run {KEPT}"),
    ("tune", f"mine {SHORT} --seeds 0,1 --out seeds"),
    ("tune", "mine --method model --backend mesh --model ./model --steps 2 --out all"),
    ("models adapt", "./model mine --backend mesh --steps 2 --out adapted"),
    ("evaluate", "run/best.safetensors mine --model ./model"),
    ("predict", "run/best.safetensors --model ./model"),
    ("transfer", f"yours {SHORT} {KEPT} --out transfer --embedding-step 1"),
    ("study plan", "study.toml --out study"),
    ("study run", "study.toml --out study --workers 0"),
    ("study resume", "study.toml --out study --workers 0"),
    ("library add", f"1.safetensors {KEPT}"),
    ("library import", f"2.safetensors {KEPT}"),
    ("library", KEPT),
    ("library list", KEPT),
    ("library show", f"{{id}} {KEPT}"),
    ("library verify", KEPT),
    ("library rank", f"1.safetensors {KEPT}"),
    ("library report", f"--out page {KEPT}"),
    ("library export", f"{{id}} out.npy {KEPT}"),
    ("library remove", f"{{id}} --yes {KEPT}"),
    ("tasks", ""),
    ("tasks list", ""),
    ("tasks show", "mine"),
    ("metrics", ""),
    ("strategies", ""),
    ("runs", ""),
    ("runs compare", "run transfer"),
    ("models", ""),
    ("models list", ""),
    ("plugins", ""),
    ("plugins list", ""),
    ("plugins show", "metrics"),
    ("doctor", "--quick"),
)

#: What loads TensorFlow, draws figures or starts processes.
SLOW = (
    ("study run", "study.toml --out study --workers 0"),
    ("study report", "study.toml --out study"),
    ("tasks show", "both"),
    ("tasks show", "mine --examples 1 --lengths --model {tiny}"),
    ("tasks bind", "glue_cola cola"),
    ("models show", "{tiny}"),
    ("models convert", "{tiny} converted"),
    ("plugins check", "spotfw --quick"),
)


#: What asks the Hugging Face hub.
HUB = (
    ("library add", f"1.safetensors {KEPT}"),
    ("library push", f"me/mine {KEPT}"),
    ("library pull", "me/mine --library other"),
)


def keys_said(
    commands: tuple[tuple[str, str], ...], spotfw_cli: Callable[..., Any], **named: object
) -> dict[str, set[str]]:
    """The keys of each command's object, or of all objects of its list."""
    said: dict[str, set[str]] = {}
    for command, words in commands:
        ran = spotfw_cli(*command.split(), *words.format(**named).split(), "--json")
        assert ran.status in (0, 1) and ran.out, (command, ran.err)
        document = json.loads(ran.out)
        if command == "library add":
            named["id"] = document["id"]
        rows = document if isinstance(document, list) else [document]
        said.setdefault(command, set()).update(key for row in rows for key in row)
    return said


def test_commands_print_the_keys_on_the_page(
    place: Path, spotfw_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("good\n"))
    for command, keys in keys_said(QUICK, spotfw_cli).items():
        if command == "tasks show":
            assert keys < set(policy.JSON[command])
        else:
            assert keys == set(policy.JSON[command]), command


@pytest.mark.slow
def test_slow_commands_print_the_keys_on_the_page(
    place: Path, spotfw_cli: Callable[..., Any], tiny_model: Path
) -> None:
    for command, keys in keys_said(SLOW, spotfw_cli, tiny=tiny_model).items():
        assert keys == set(policy.JSON[command]), command


def test_hub_commands_print_the_keys_on_the_page(
    place: Path, spotfw_cli: Callable[..., Any], hub_server: Any
) -> None:
    for command, keys in keys_said(HUB, spotfw_cli).items():
        assert keys == set(policy.JSON[command]), command


def test_the_demo_prints_the_keys_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    from spotfw.cli.demo import _print_json
    from spotfw.study.demo import TRANSFER, DemoResult, Row

    scores = {TRANSFER: 2.0, "from scratch": 1.0}
    row = Row(target="t", family="f", seed=0, scores=scores, ranking=(("s", "f", 0.5),))
    result = DemoResult(rows=(row,), sources=(("s", "f", 3.0),), seconds=1.0)
    _print_json(result, "model", "metric", 1)
    assert set(json.loads(capsys.readouterr().out)) == set(policy.JSON["demo"])


def test_all_commands_are_tried() -> None:
    assert {command for command, _ in (*QUICK, *SLOW, *HUB)} | {"demo"} == set(policy.JSON)
