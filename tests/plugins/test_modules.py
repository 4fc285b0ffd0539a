"""A user's own modules: imported because the user named them, by hooks or seqio tasks."""

from __future__ import annotations

import os
import sys

import pytest

import spotfw
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.modules import listed
from spotfw.study.grid.declaration import read_study
from spotfw.study.grid.names import resolve

HOOKS = """
import spotfw

class Dot(spotfw.contracts.SimilarityMetric):
    "A dot product."
    name = "my_dot"
    def features(self, prompt):
        return prompt.mean(axis=0)

@spotfw.hookimpl
def spotfw_similarity_metrics():
    return [Dot()]
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A folder with modules of each kind, which is the working directory."""
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "metrics.py").write_text(HOOKS)
    (package / "plain.py").write_text("print('imported')\n")
    (package / "broken.py").write_text("import not_there_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        del sys.modules[name]


def test_the_variable_names_modules_in_order():
    assert listed(" a.b, c ,,a.b") == ["a.b", "c"]


def test_a_module_with_hooks_is_a_plugin(modules, spotfw_plugins):
    spotfw_plugins.import_modules(["mine.metrics", "mine.metrics"])
    assert "my_dot" in spotfw_plugins.names("metric")
    (row,) = [row for row in spotfw_plugins.describe() if row["name"] == "mine.metrics"]
    assert (row["distribution"], row["hooks"]) == ("module", ["spotfw_similarity_metrics"])
    assert row["error"] is None


def test_a_module_without_hooks_is_imported_and_said(modules, spotfw_plugins, capsys):
    spotfw_plugins.import_modules(["mine.plain"])
    (row,) = [row for row in spotfw_plugins.describe() if row["name"] == "mine.plain"]
    assert row["error"] is None and "no hook" in row["note"]
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "imported\n")


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("mine.nowhere", SpotError, "No module named 'mine.nowhere'"),
        ("mine.broken", SpotError, "not_there_at_all"),
        ("mine/plain.py", WrongUse, "as Python imports it"),
        ("", WrongUse, "is no module's name"),
    ],
)
def test_what_was_asked_for_must_work(modules, spotfw_plugins, name, error, text):
    with pytest.raises(error, match=text):
        spotfw_plugins.import_modules([name])


def test_the_environment_names_them_for_what_is_installed(modules):
    assert "my_dot" in Plugins(environ={"SPOTFW_MODULES": "mine.metrics"}).names("metric")
    assert "my_dot" not in Plugins(environ={}).names("metric")


def test_a_session_names_them(modules, spotfw_numpy_backend):
    session = spotfw.Session(str(modules), backend="numpy", modules=["mine.metrics"])
    assert session.plugins.metric("my_dot").name == "my_dot"


@pytest.mark.parametrize(
    "words",
    [
        ["--module-import", "mine.metrics", "metrics", "--json"],
        ["metrics", "--json", "--module-import=mine.metrics"],
    ],
)
def test_the_command_line_names_them_anywhere(modules, spotfw_cli, words):
    ran = spotfw_cli(*words)
    assert (ran.status, '"my_dot"' in ran.out) == (0, True)
    # Processes that are started from here import it too.
    assert os.environ["SPOTFW_MODULES"] == "mine.metrics"


def test_what_cannot_be_imported_is_an_error_of_one_paragraph(modules, spotfw_cli):
    ran = spotfw_cli("metrics", "--module-import", "mine.broken")
    assert (ran.status, ran.out) == (1, "")
    assert "cannot be imported: ModuleNotFoundError" in ran.err


def test_a_study_goes_on_where_the_user_named_its_modules(
    modules, spotfw_plugins, spotfw_numpy_backend, spotfw_task_folder
):
    (modules / "model").mkdir()
    tasks = [f'"{spotfw_task_folder}/tiny_{name}.toml"' for name in ("words", "reviews")]
    (modules / "s.toml").write_text(
        f'model = "./model"\nsources = [{tasks[0]}]\ntargets = [{tasks[1]}]\n'
        'modules = ["mine.metrics"]\nmetrics = ["my_dot"]\nstrategies = ["best_of_top_k"]\n'
        'ks = [1]\n[open]\nbackend = "numpy"\n'
    )
    study = read_study(modules / "s.toml")
    assert study.to_dict()["modules"] == ("mine.metrics",)
    with pytest.raises(WrongUse, match=r"name it yourself: --module-import mine\.metrics"):
        resolve(study, spotfw_plugins)
    spotfw_plugins.import_modules(study.modules)
    assert resolve(study, spotfw_plugins).tasks


@pytest.mark.mesh
@pytest.mark.slow
def test_a_module_of_seqio_tasks_is_known_by_name(modules, spotfw_cli):
    (modules / "mine" / "tasks.py").write_text(
        "import seqio\n"
        "from t5.evaluation import metrics\n"
        "def rows(split, shuffle_files=False, seed=None):\n"
        "    import tensorflow as tf\n"
        "    return tf.data.Dataset.from_tensor_slices(\n"
        "        {'inputs': ['good', 'bad'], 'targets': ['yes', 'no']})\n"
        "seqio.TaskRegistry.add(\n"
        "    'my_seqio_task',\n"
        "    source=seqio.FunctionDataSource(rows, splits=['train', 'validation']),\n"
        "    preprocessors=[],\n"
        "    output_features={f: seqio.Feature(seqio.PassThroughVocabulary(10))\n"
        "                     for f in ('inputs', 'targets')},\n"
        "    metric_fns=[metrics.accuracy],\n"
        ")\n"
    )
    ran = spotfw_cli("tasks", "show", "my_seqio_task", "--module-import", "mine.tasks", "--json")
    assert ran.status == 0, ran.err
    assert '"name": "my_seqio_task"' in ran.out
