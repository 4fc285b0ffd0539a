"""Modules that have moved answer to their old paths, with a warning, until a version."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest
from packaging.version import Version

import spotfw
from spotfw.version import MOVED, MOVED_UNTIL, __version__, moved_to
from tests.places import ROOT

#: Named by the documentation before the move, or by first-party plugins.
DOCUMENTED = (
    *("bindings", "builtin", "candidates", "exchange", "mixtures", "named_models"),
    *("ranking_scores", "report.write", "session", "transfer", "tuning"),
    *("builtin.backends", "builtin.initializers", "builtin.metrics", "builtin.models"),
    *("builtin.sources", "builtin.sources.table", "builtin.sources.table_rows"),
    *("builtin.strategies", "study.declaration"),
    pytest.param("builtin.sources.seqio_mixture", marks=pytest.mark.slow),
)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Each test imports the old paths as the first one of its process."""
    yield
    for name in [name for name in sys.modules if moved_to(name) is not None]:
        del sys.modules[name]
    for name in MOVED.keys() & vars(spotfw).keys():
        delattr(spotfw, name)


def test_the_paths_end_in_time() -> None:
    assert Version(__version__) < Version(MOVED_UNTIL), "take the old paths away: MOVED"


@pytest.mark.parametrize("old", MOVED)
def test_an_old_path_leads_to_a_module_and_hides_none(old: str) -> None:
    assert importlib.util.find_spec(f"spotfw.{MOVED[old]}") is not None
    assert not (ROOT / "spotfw" / f"{old.replace('.', '/')}.py").exists()
    assert not (ROOT / "spotfw" / old.replace(".", "/") / "__init__.py").exists()


@pytest.mark.parametrize("old", DOCUMENTED)
def test_the_module_is_the_same_under_both_names(old: str) -> None:
    new = moved_to(f"spotfw.{old}")
    assert new is not None
    spec = importlib.import_module(new).__spec__
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        module = importlib.import_module(f"spotfw.{old}")
    # Packages above it may have moved too.
    last = str(caught[-1].message)
    assert last.startswith(
        f"spotfw.{old} has moved to {new}, and its old path ends with spotfw 0.4."
    )
    assert {warning.category for warning in caught} == {DeprecationWarning}
    assert module is importlib.import_module(new)
    assert module.__name__ == new and module.__spec__ is spec
    assert {warning.filename for warning in caught} == {__file__}


def test_every_way_to_import() -> None:
    from spotfw.tasks.mixtures import MixtureDefinition

    with pytest.warns(DeprecationWarning, match="Import spotfw.tasks.mixtures instead") as caught:
        import spotfw.mixtures as mixtures  # type: ignore[import-not-found]
    assert [warning.filename for warning in caught] == [__file__]
    assert mixtures.MixtureDefinition is MixtureDefinition
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is imported by now
        from spotfw.mixtures import (  # type: ignore[import-not-found]
            MixtureDefinition as Old,
        )
    assert Old is MixtureDefinition
    with pytest.warns(DeprecationWarning, match="spotfw.ranking.scores"):
        from spotfw import ranking_scores  # type: ignore[attr-defined]
    assert ranking_scores is importlib.import_module("spotfw.ranking.scores")


def test_what_lay_below_a_package_that_is_a_module_now() -> None:
    with pytest.warns(DeprecationWarning):
        from spotfw.builtin.sources.table_rows import (  # type: ignore[import-not-found]
            UnusableRow,
        )
    from spotfw.tasks.rows.records import UnusableRow as New

    assert UnusableRow is New
    with pytest.warns(DeprecationWarning):
        from spotfw.report.write import write_report  # type: ignore[import-not-found]
    from spotfw.study.report.write import write_report as new_write_report

    assert write_report is new_write_report


def test_values_are_pickled_and_recognized() -> None:
    from spotfw.contracts import StartFromPrompt

    with pytest.warns(DeprecationWarning):
        from spotfw.candidates import StartFromPrompt as Old  # type: ignore[import-not-found]
    value = pickle.loads(pickle.dumps(Old("0f")))
    assert value == StartFromPrompt("0f") and isinstance(value, StartFromPrompt)
    with pytest.warns(DeprecationWarning):
        import spotfw.named_models  # type: ignore[import-not-found]  # noqa: F401
    # As a value that an earlier version has pickled.
    written = pickle.dumps(StartFromPrompt("0f"), 0)
    written = written.replace(b"spotfw.contracts.candidates", b"spotfw.candidates")
    del sys.modules["spotfw.candidates"]
    with pytest.warns(DeprecationWarning, match="spotfw.candidates has moved"):
        assert pickle.loads(written) == value


@pytest.mark.parametrize(
    "name",
    ["nonsense", "builtin.nonsense", "builtin.sources.nonsense", "mixtures.nonsense", "mixturess"],
)
def test_what_never_was_fails_as_usual(name: str) -> None:
    with (
        warnings.catch_warnings(),
        pytest.raises(ModuleNotFoundError, match=rf"No module named 'spotfw\.{name}'"),
    ):
        warnings.simplefilter("ignore", DeprecationWarning)
        importlib.import_module(f"spotfw.{name}")


def test_asking_whether_a_path_exists_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert importlib.util.find_spec("spotfw.mixtures") is not None
        assert importlib.util.find_spec("spotfw.nonsense") is None
    assert "spotfw.mixtures" not in sys.modules


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("spotfw.mixtures", "spotfw.tasks.mixtures"),
        ("spotfw.builtin.metrics", "spotfw.plugins.builtin.metrics"),
        ("spotfw.builtin.sources.table", "spotfw.tasks.tables.source"),
        ("spotfw.report.write", "spotfw.study.report.write"),
        ("spotfw.tasks.mixtures", None),
        ("spotfw", None),
        ("mixtures", None),
        ("other.mixtures", None),
    ],
)
def test_where_a_path_leads(path: str, new: str | None) -> None:
    assert moved_to(path) == new


def test_old_paths_cost_nothing_and_do_not_warn_users() -> None:
    script = (
        "import sys, spotfw\n"
        "assert 'spotfw.tasks' not in sys.modules and 'importlib.util' not in sys.modules\n"
        "from spotfw.version import answer_old_paths\n"
        "answer_old_paths()\n"
        "assert [type(f).__name__ for f in sys.meta_path].count('_OldPaths') == 1\n"
        "exec('import spotfw.mixtures', {'__name__': 'somewhere'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{script}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
