"""What cannot be done is refused before a model is opened, which takes long."""

from __future__ import annotations

import json

import pytest

from spotfw.errors import UnknownName, WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins
from spotfw.recipe.session import Session


@pytest.fixture
def session(tmp_path):
    # There is no such model: whatever opens it raises another error than is looked for.
    place = str(tmp_path / "no" / "model")
    return Session(place, str(tmp_path / "library"), plugins=Plugins(entry_points=False))


@pytest.mark.parametrize(
    ("method", "words", "settings", "message"),
    [
        ("tune", (), {"init": "clas_label"}, "initializer named 'clas_label'"),
        ("transfer", ("best_of_topk",), {}, "strategy named 'best_of_topk'"),
        ("transfer", (), {"metric": "per_token_cosin"}, "metric named 'per_token_cosin'"),
        ("rank", ("per_token_cosin",), {}, "metric named 'per_token_cosin'"),
        ("evaluate", ("tets",), {}, "named 'tets'"),
    ],
)
def test_wrong_names(session, tiny_task_file, method, words, settings, message):
    first = (None,) if method == "evaluate" else ()
    with pytest.raises(UnknownName, match=message):
        getattr(session, method)(*first, str(tiny_task_file), *words, **settings)


def test_a_split_that_is_not_there(session, tmp_path):
    path = tmp_path / "task.toml"
    path.write_text('name = "t"\ninputs = "{a}"\ntargets = "{b}"\n[splits]\ntrain = "a.csv"\n')
    with pytest.raises(UnknownName, match="split of task 't'"):
        session.tune(str(path))


@pytest.mark.parametrize(
    ("method", "inside", "message"),
    [
        (
            "tune_model",
            {"method": "model", "done": "checkpoints/step-000002"},
            "holds a run already",
        ),
        ("tune_model", {"method": "model", "done": "model"}, "holds a run already"),
        ("tune_model", {}, "tunes a prompt"),
        ("tune_model", None, "is no run's"),
        ("tune", {"done": "state.safetensors"}, "holds a run already"),
        ("tune", {"method": "model"}, "tunes all weights"),
        ("tune", None, "is no run's"),
    ],
)
def test_a_folder_that_holds_something_else(
    session, tiny_task_file, tmp_path, method, inside, message
):
    out = tmp_path / "out"
    out.mkdir()
    if inside is None:
        (out / "notes.txt").write_text("mine")
    else:
        record = {"task": "t", "settings": {"steps": 2}, **inside}
        (out / record.pop("done", ".")).mkdir(parents=True, exist_ok=True)
        (out / "run.json").write_text(json.dumps(record))
    with pytest.raises(WrongUse, match=message):
        getattr(session, method)(str(tiny_task_file), out=str(out))


def test_a_folder_of_one_of_several_seeds(session, tiny_task_file, tmp_path):
    out = tmp_path / "out" / "seed-1"
    out.mkdir(parents=True)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(WrongUse, match="seed-1 is no run's"):
        session.tune(str(tiny_task_file), out=str(tmp_path / "out"), seeds=[0, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tpu": "mine"}, "needs its topology"),
        ({"tpu": "mine", "tpu_topology": "v9-8"}, "no TPU topology"),
        ({"mesh_shape": "batch"}, "cannot be read at 'batch'"),
        ({"layout": "batch:batch"}, "A layout needs a mesh"),
        ({"devices": "GPU:0,GPU:1"}, "Give the mesh's shape too, e.g. --mesh-shape batch:2"),
        ({"devices": "XPU:7"}, "no device's name"),
        ({"mesh_shape": "batch:2", "devices": "CPU:0"}, "1 device is named"),
        ({"mesh_shape": 2}, "mesh_shape"),
    ],
)
def test_devices_that_cannot_be_meant(options, message):
    with pytest.raises(WrongUse, match=message):
        Session("no/model", plugins=Plugins(entry_points=False), **options)


def test_an_option_of_another_engine():
    class Other:
        name = "other"
        options = ("threads",)

        def open(self, model, **options):
            raise AssertionError(model)

    class Plugin:
        @hookimpl
        def spotfw_backends(self):
            return [Other()]

    plugins = Plugins(entry_points=False)
    plugins.register(Plugin(), "other")
    with pytest.raises(WrongUse, match=r"of the engine mesh, but other is to .* --backend mesh"):
        Session("no/model", plugins=plugins, backend="other", mesh_shape="batch:2")
