"""What cannot be done is refused before a model is opened, which takes long."""

from __future__ import annotations

import pytest

from spotfw.errors import UnknownName
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
