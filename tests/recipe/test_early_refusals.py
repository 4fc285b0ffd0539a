"""What cannot be done is refused before a model is opened, which takes long."""

from __future__ import annotations

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
