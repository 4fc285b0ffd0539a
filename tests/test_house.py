"""The house keeps its own rules: few rooms, no circle, no import that runs up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import House, Rules
from tests.places import ROOT

HOUSE = House(ROOT / "spotfw")
RULES = Rules.read(ROOT / "CONTRIBUTING.md")


def test_the_root_holds_few_rooms_and_the_table_has_them_all() -> None:
    modules, packages = HOUSE.entries()
    assert len(modules) <= 9, modules
    assert len(packages) <= 11, packages
    assert HOUSE.misplaced(RULES) == []


def test_the_house_has_at_most_ten_floors() -> None:
    assert sorted({*RULES.floors.values()}) == list(range(1, max(RULES.floors.values()) + 1))
    assert max(RULES.floors.values()) <= 10


def test_no_files_import_each_other() -> None:
    assert HOUSE.circles() == []


def test_no_import_runs_up() -> None:
    assert HOUSE.running_up(RULES) == []


def test_tensorflow_is_imported_only_where_it_may_be() -> None:
    assert HOUSE.tensorflow_elsewhere(RULES) == []
    for place in RULES.tensorflow:
        path = HOUSE.root / place
        assert path.is_dir() or path.with_suffix(".py").is_file(), place


# The rest breaks each rule in a small house, so that the rules above are known to bite.

PAGE = """
| floor | rooms | what lives there |
|---|---|---|
| 1 ground | `errors` | |
| 2 values | `tasks/` `prompts/` | |
| 3 face | `cli/` `__init__` | |

- TensorFlow is imported under `tasks/seqio/` and `tasks/build` only.
"""

SOUND = {
    "__init__.py": "HOMES = {'Task': 'small.tasks'}",
    "errors.py": "import difflib",
    "tasks/__init__.py": "from small.tasks.task import Task",
    "tasks/task.py": "from small import errors\ndef f():\n    from small.tasks.build import build",
    "tasks/build.py": "import seqio",
    "tasks/seqio/__init__.py": "",
    "tasks/seqio/compat.py": "import tensorflow.compat.v1 as tf\nfrom t5 import data",
    "prompts/__init__.py": "from ..errors import SpotError\nfrom . import file",
    "prompts/file.py": "if TYPE_CHECKING:\n    import seqio",
    "cli/__init__.py": "from small.tasks import Task\nimport small.prompts",
}


@pytest.fixture
def build(tmp_path: Path) -> Callable[[dict[str, str]], tuple[House, Rules]]:
    """Builds the sound house with some files changed or added."""

    def make(changes: dict[str, str]) -> tuple[House, Rules]:
        for name, text in {**SOUND, **changes}.items():
            path = tmp_path / "small" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "page.md").write_text(PAGE)
        return House(tmp_path / "small"), Rules.read(tmp_path / "page.md")

    return make


def test_a_sound_house_is_sound(build: Callable[..., tuple[House, Rules]]) -> None:
    house, rules = build({})
    assert house.entries() == (["__init__", "errors"], ["cli", "prompts", "tasks"])
    assert rules.floors == {"errors": 1, "tasks": 2, "prompts": 2, "cli": 3, "__init__": 3}
    assert rules.tensorflow == ("tasks/seqio/", "tasks/build")
    faults = house.misplaced(rules), house.running_up(rules), house.tensorflow_elsewhere(rules)
    assert (house.circles(), *faults) == ([], [], [], [])


@pytest.mark.parametrize(
    "text",
    [
        "from small.cli import run",
        "import small.cli",
        "from small import cli",
        "from . import cli",
        "def f():\n    from small.cli import run",
        "if TYPE_CHECKING:\n    from small.cli import run",
        "HOMES = {'run': 'small.cli:run'}",
    ],
)
def test_an_import_that_runs_up(build: Callable[..., tuple[House, Rules]], text: str) -> None:
    house, rules = build({"errors.py": text})
    (fault,) = house.running_up(rules)
    assert fault.startswith("small.errors:")
    assert fault.endswith("imports small.cli and runs up, from floor 1 to 3")


def test_a_room_that_takes_its_version_from_the_face(
    build: Callable[..., tuple[House, Rules]],
) -> None:
    house, rules = build({"tasks/task.py": "from small import __version__"})
    (fault,) = house.running_up(rules)
    assert fault == "small.tasks.task:1 imports small and runs up, from floor 2 to 3"


def test_rooms_of_one_floor_that_import_each_other(
    build: Callable[..., tuple[House, Rules]],
) -> None:
    changes = {"tasks/task.py": "import small.prompts", "prompts/file.py": "import small.tasks.a"}
    house, rules = build({**changes, "tasks/a.py": ""})
    assert house.circles() == []
    assert house.running_up(rules) == ["prompts, tasks import each other"]


def test_a_circle_of_files(build: Callable[..., tuple[House, Rules]]) -> None:
    lazily = "def f():\n    from small.tasks.task import Task"
    house, _ = build({"tasks/build.py": lazily})
    assert house.circles() == [["small.tasks.build", "small.tasks.task"]]


@pytest.mark.parametrize(
    "text", ["import seqio", "from tensorflow.io import gfile", "def f():\n    import t5.data"]
)
def test_tensorflow_elsewhere(build: Callable[..., tuple[House, Rules]], text: str) -> None:
    house, rules = build({"prompts/file.py": text})
    (fault,) = house.tensorflow_elsewhere(rules)
    assert fault.startswith("small.prompts.file:")


def test_an_entry_that_no_floor_names(build: Callable[..., tuple[House, Rules]]) -> None:
    house, rules = build({"helpers.py": "import small.cli", "more/__init__.py": ""})
    assert house.misplaced(rules) == ["helpers", "more"]
    assert house.running_up(rules) == []


def test_a_page_without_floors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Nothing")
    with pytest.raises(ValueError, match="no table of floors"):
        Rules.read(tmp_path / "page.md")
