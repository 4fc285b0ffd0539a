"""Every kind of template is complete, and works as it stands once it is installed."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from spotfw import API_VERSION
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins.template import DESCRIPTIONS, distribution_name, render, write_plugin
from tests.places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KINDS = sorted(DESCRIPTIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_distribution(kind):
    files = render("my-idea", kind)
    assert set(files) == {
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "spotfw_my_idea.py",
        "tests/test_spotfw_my_idea.py",
    }
    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["name"] == "spotfw-my-idea"
    assert project["project"]["entry-points"]["spotfw"] == {"my_idea": "spotfw_my_idea"}
    for path, text in files.items():
        assert not any(len(line) > 100 for line in text.splitlines()), path
        assert text.endswith("\n")
        assert text.count("$") == text.count("${{"), path
        if path.endswith(".py"):
            ast.parse(text)
    assert f'spotfw_api = ">={API_VERSION},<2"' in files["spotfw_my_idea.py"]
    assert "check_" in files["tests/test_spotfw_my_idea.py"]
    assert "my_idea" in files["README.md"] or kind == "tracker"


@pytest.mark.parametrize("name", ["x", "spotfw-x", "x2-y_z"])
def test_names(name):
    assert distribution_name(name) == "spotfw-" + name.removeprefix("spotfw-").replace("_", "-")


@pytest.mark.parametrize(
    "name", ["", "X", "2x", "a b", "a--b", "-a", "a-", "a.b", "../a", "spotfw-"]
)
def test_names_that_cannot_be(name, tmp_path):
    with pytest.raises(WrongUse, match="cannot be named"):
        write_plugin(name, "metric", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_existing_folder_is_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.py").write_text("precious")
    with pytest.raises(SpotError, match="already exists"):
        write_plugin("idea", "metric", tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["work.py"]


def test_the_name_of_what_is_installed_is_refused(tmp_path):
    with pytest.raises(SpotError, match="installed already"):
        write_plugin("playground", "task", tmp_path / "new")


def test_the_command(spotfw_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = spotfw_cli("plugins", "new", "my-idea", "--kind", "strategy")
    assert ran.status == 0
    assert "spotfw plugins check spotfw-my-idea" in ran.out
    assert (tmp_path / "spotfw-my-idea" / "spotfw_my_idea.py").is_file()
    assert spotfw_cli("plugins", "new", "my-idea", "--kind", "strategy").status == 1
    monkeypatch.setattr("spotfw.cli.display.is_terminal", lambda stream: True)
    monkeypatch.setattr("spotfw.cli.display.terminal_width", lambda: 80)
    said = spotfw_cli("plugins", "new", "lowest", "--kind", "strategy").out
    assert "Install it and run\nits tests:\n\n  pip install -e spotfw-lowest && " in said
    assert spotfw_cli("plugins", "new", "My Idea", "--kind", "strategy").status == 2
    assert spotfw_cli("plugins", "new", "idea", "--kind", "colour").status == 2


def test_the_tutorials_metric(tmp_path, monkeypatch):
    """docs/plugins/writing.md: its two blocks of Python, put where it says."""
    page = ROOT / "docs" / "plugins" / "writing.md"
    metric, closed_form = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    files = render("spread", "metric")
    module = re.sub(
        r"class .*?\n\n\n", lambda _: metric + "\n\n", files["spotfw_spread.py"], flags=re.DOTALL
    )
    tests = files["tests/test_spotfw_spread.py"]
    tests = re.sub(r"def test_closed_form.*?\n\n\n", lambda _: closed_form, tests, flags=re.DOTALL)
    (tmp_path / "spotfw_spread.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    namespace: dict[str, Any] = {}
    exec(compile(tests, "tutorial", "exec"), namespace)
    namespace["test_closed_form"]()
    namespace["test_conforms"]()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A fresh environment with one distribution of each kind installed; and their folder.

    It borrows this environment's packages, since none may be fetched here.
    """
    place = tmp_path_factory.mktemp("templates")
    venv.create(place / "env", with_pip=False)
    python = place / "env" / "bin" / "python"
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    borrowed = "".join(
        f"import site; site.addsitedir({path!r})\n"
        for path in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    )
    (place / "env" / "lib" / version / "site-packages" / "borrowed.pth").write_text(borrowed)
    folders = [str(write_plugin(f"new-{kind}", kind, place / kind)) for kind in KINDS]
    install = "--quiet --no-deps --no-build-isolation --no-index --disable-pip-version-check"
    run(python, "-m", "pip", "install", *install.split(), *folders)
    return python, place


def run(python: Path, *words: str | Path, cwd: Path | None = None) -> str:
    """The output of a program of the environment, which must end well."""
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [str(python), *map(str, words)], capture_output=True, text=True, cwd=cwd, env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass(environment, kind):
    python, place = environment
    out = run(python, "-m", "pytest", "-q", cwd=place / kind)
    assert " passed" in out
    assert "failed" not in out


@pytest.mark.slow
def test_installed_ones_are_listed_and_conform(environment):
    python, place = environment
    rows = json.loads(run(python, "-m", "spotfw", "plugins", "list", "--json", cwd=place))
    mine = {row["name"]: row for row in rows if row["name"].startswith("new_")}
    assert set(mine) == {f"new_{kind}" for kind in KINDS}
    assert {row["error"] for row in mine.values()} == {None}
    for kind in ("metric", "strategy", "initializer"):
        run(python, "-m", "spotfw", "plugins", "check", f"spotfw-new-{kind}", cwd=place)


@pytest.mark.slow
def test_an_installed_metric_ranks_a_library(environment, spotfw_filled_library):
    python, place = environment
    query = spotfw_filled_library.entries()[0].id
    words = ("library", "rank", query, "--library", spotfw_filled_library.folder)
    out = run(python, "-m", "spotfw", *words, "--metric", "new_metric", "--json", cwd=place)
    assert len(json.loads(out)) == 5
