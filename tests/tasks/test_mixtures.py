"""Mixtures said by names: in task files, in plugins, and what they come to."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins
from spotfw.tasks import EXAMPLES_LIMIT, Mixture, Task, check_data
from spotfw.tasks.mixtures import MixtureDefinition, listing, published_rates, resolve
from spotfw.tasks.tables.source import load_file

ROWS = "".join(json.dumps({"text": f"fine {i}", "label": i % 2}) + "\n" for i in range(6))
TASK = """
[[task]]
name = "{0}"
inputs = "review: {{text}}"
label_column = "label"
labels = ["negative", "positive"]
[task.splits]
train = "rows.jsonl"
validation = "rows.jsonl"
"""


def task(name: str, rows: int | None = None) -> Task:
    return Task(name=name, family="x", type="qa", splits={"train": rows}, build=lambda _: None)


def of(name: str, *members: str, rates: tuple[float, ...] | None = None) -> MixtureDefinition:
    return MixtureDefinition(name=name, members=members, rates=rates)


def finder(*values):
    by_name = {value.name: value for value in values}

    def find(name):
        if name not in by_name:
            raise UnknownName("task", name, by_name)
        return by_name[name]

    return find


def test_members_come_in_their_order():
    mixed = resolve(of("m", "b", "a"), finder(task("a"), task("b")))
    assert [t.name for t in mixed.tasks] == ["b", "a"]
    assert mixed.rates is None


def test_a_mixture_in_a_mixture_gives_its_tasks_once():
    find = finder(task("a"), task("b"), task("c"), of("in", "a", "b"), of("also", "b", "c"))
    mixed = resolve(of("m", "in", "also"), find)
    assert [t.name for t in mixed.tasks] == ["a", "b", "c"]


def test_rates_of_a_mixture_in_a_mixture_are_shared_and_added():
    ready = Mixture(name="ready", tasks=(task("a"), task("c")), rates=(1.0, 1.0))
    find = finder(task("a"), task("b"), ready, of("in", "a", "b", rates=(3, 1)))
    mixed = resolve(of("m", "in", "ready", rates=(8, 2)), find)
    assert {t.name: r for t, r in zip(mixed.tasks, mixed.rates, strict=True)} == {
        "a": 7.0,
        "b": 2.0,
        "c": 1.0,
    }


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        (of("m", "a", "m"), "contains itself: m > m"),
        (of("m", "a", "n"), "contains itself: m > n > m"),
        (of("m", "a", "a"), "names 'a' twice"),
        (of("m", "a", "rated"), "'rated' has rates, but 'm'"),
        (of("m", "a", "plain", rates=(1, 2)), "'m' has rates, but 'plain'"),
    ],
)
def test_what_cannot_be(mixture, message):
    find = finder(
        *(task("a"), task("b"), of("n", "b", "m"), of("plain", "a", "b")),
        *(mixture, of("rated", "a", "b", rates=(1, 1))),
    )
    with pytest.raises(WrongUse, match=message):
        resolve(mixture, find)
    assert [t.name for t in listing(mixture, find).tasks] == list(mixture.members)


def test_an_unknown_member_says_whose():
    with pytest.raises(UnknownName, match=r"member of the mixture 'm'.*Did you mean 'alpha'"):
        resolve(of("m", "alpha", "alpga"), finder(task("alpha")))


def test_a_listing_has_stand_ins():
    mixed = listing(of("m", "a", "far"), {"a": task("a")}.get)
    assert [t.name for t in mixed.tasks] == ["a", "far"]


@given(st.lists(st.integers(1, 3 * EXAMPLES_LIMIT), min_size=1, max_size=6))
def test_published_rates_are_proportional_up_to_the_limit(counts):
    mixed = Mixture(name="m", tasks=tuple(task(f"t{i}", n) for i, n in enumerate(counts)))
    rates = published_rates(mixed)
    assert sum(rates) == pytest.approx(1)
    capped = [min(n, 2**19) for n in counts]
    assert [r * sum(capped) for r in rates] == pytest.approx(capped)


def test_published_rates_are_of_examples_where_these_are_not_as_many_as_rows():
    record = attrs.evolve(task("record", 100), train_examples=300)
    mixed = Mixture(name="m", tasks=(record, task("b", 100)))
    assert published_rates(mixed) == (0.75, 0.25)


def test_rates_are_not_guessed():
    assert published_rates(Mixture(name="m", tasks=(task("a", 5), task("b")))) is None


def test_rates_given_are_shown_as_shares():
    mixed = Mixture(name="m", tasks=(task("a"), task("b")), rates=(3.0, 1.0))
    assert published_rates(mixed) == (0.75, 0.25)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPOTFW_TASKS", str(tmp_path))
    (tmp_path / "rows.jsonl").write_text(ROWS)
    return tmp_path


def write(folder: Path, mixture: str, *names: str) -> Path:
    path = folder / "mine.toml"
    path.write_text("".join(TASK.format(n) for n in names or ("first", "second")) + mixture)
    return path


GOOD = '\n[[mixture]]\nname = "both"\ntasks = ["first", "second"]\nrates = [3, 1]\n'


def test_a_mixture_of_a_file_is_known_by_name_and_by_path(folder):
    path = write(folder, GOOD)
    plugins = Plugins(entry_points=False)
    for name in ("both", f"{path}:both"):
        mixed = plugins.task(name)
        assert isinstance(mixed, Mixture)
        assert [t.name for t in mixed.tasks] == ["first", "second"]
        assert mixed.rates == (3.0, 1.0)
        assert mixed.origin == str(path)
    assert {"both", "first", "second"} <= {t.name for t in plugins.tasks()}
    assert plugins.failures == ()


def test_a_mixture_of_its_own_file_and_of_tasks_elsewhere(folder, monkeypatch, tmp_path):
    write(folder, "")
    own = tmp_path / "own"
    own.mkdir()
    (own / "mixed.toml").write_text(
        '[[mixture]]\nname = "all_of_it"\ntasks = ["first", "second"]\ndescription = "all"\n'
    )
    monkeypatch.setenv("SPOTFW_TASKS", f"{folder}:{own}")
    mixed = Plugins(entry_points=False).task("all_of_it")
    assert [t.name for t in mixed.tasks] == ["first", "second"]
    assert (mixed.description, mixed.rates) == ("all", None)


def test_a_file_of_any_suffix_that_the_variable_names_has_its_mixtures(folder, monkeypatch):
    path = write(folder, GOOD).rename(folder / "mine.conf")
    monkeypatch.setenv("SPOTFW_TASKS", str(path))
    assert [task.name for task in Plugins(entry_points=False).task("both").tasks] == [
        "first",
        "second",
    ]


def test_a_file_of_one_mixture_is_named_by_its_path(folder, tmp_path):
    write(folder, "")
    path = tmp_path / "mixed.toml"
    path.write_text('[[mixture]]\nname = "m"\ntasks = ["first", "second"]\n')
    assert Plugins(entry_points=False).task(str(path)).name == "m"


def test_a_mixture_is_a_file_that_a_name_needs_no_folder_for(tmp_path):
    (tmp_path / "rows.jsonl").write_text(ROWS)
    path = write(tmp_path, GOOD)
    assert len(Plugins(entry_points=False).task(f"{path}:both").tasks) == 2


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ('[[mixture]]\ntasks = ["first", "second"]', "'name' of .*is missing"),
        ('[[mixture]]\nname = "a b"\ntasks = ["first", "second"]', "no name"),
        ('[[mixture]]\nname = "m"', "'tasks' .*at least two"),
        ('[[mixture]]\nname = "m"\ntasks = "first"', "must be a list of tasks"),
        ('[[mixture]]\nname = "m"\ntasks = ["first", 2]', "must be a list of tasks"),
        ('[[mixture]]\nname = "m"\ntasks = ["first", "first"]', "names 'first' twice"),
        (GOOD.replace("[3, 1]", "[3]"), "1 numbers for 2 tasks"),
        (GOOD.replace("[3, 1]", "[3, 0]"), "numbers above 0"),
        (GOOD.replace("[3, 1]", "[3, nan]"), "numbers above 0"),
        (GOOD.replace("[3, 1]", "[3, true]"), "numbers above 0"),
        (GOOD.replace("[3, 1]", "[1e308, 1e308]"), "numbers above 0"),
        (GOOD.replace("[3, 1]", "[1e-320, 1]"), "numbers above 0"),
        (GOOD.replace("rates", "rate"), "'rate' .*Did you mean 'rates'"),
        (GOOD.replace('"both"', '"first"'), "the name 'first' twice"),
        (GOOD + GOOD, "the name 'both' twice"),
        ('[mixture]\nname = "m"', r"no list.*\[\[mixture\]\]"),
        ('[[mixture]]\nname = "m"\ntasks = ["first", "second"]\ndescription = 1', "text in quotes"),
    ],
)
def test_a_wrong_file_is_reported(folder, mixture, message):
    path = write(folder, mixture)
    with pytest.raises(WrongUse, match=rf"{path}.*{message}"):
        Plugins(entry_points=False).task(f"{path}:both")


def test_a_misspelt_member_is_reported_when_it_is_wanted(folder):
    write(folder, GOOD.replace('"first", "s', '"frist", "s'))
    plugins = Plugins(entry_points=False)
    assert "both" in {t.name for t in plugins.tasks()}
    with pytest.raises(UnknownName, match=r"mixture 'both' of .*mine.toml.*Did you mean 'first'"):
        plugins.task("both")


def test_a_plugin_names_tasks_of_others(folder):
    write(folder, "")

    @attrs.frozen
    class Source:
        name: str = "mixed"

        def tasks(self):
            return [of("theirs", "first", "second")]

    import spotfw

    class Plugin:
        @spotfw.hookimpl
        def spotfw_task_sources(self):
            return [Source()]

    plugins = Plugins(entry_points=False)
    plugins.register(Plugin(), "mine", distribution="mine")
    mixed = plugins.task("theirs")
    assert [t.name for t in mixed.tasks] == ["first", "second"]
    assert mixed.origin == "mine"


def test_a_name_of_the_user_s_own_leaves_a_plugin_s_mixture_as_it_is(tmp_path, monkeypatch):
    class Source:
        name = "tasks of the plugin"

        def tasks(self):
            return [task("a"), task("b"), of("both", "a", "b")]

    class Plugin:
        @hookimpl
        def spotfw_task_sources(self):
            return [Source()]

    (tmp_path / "rows.jsonl").write_text(ROWS)
    mine = tmp_path / "mine.toml"
    mine.write_text(TASK.format("a") + '[[mixture]]\nname = "mixed"\ntasks = ["both", "a"]\n')
    monkeypatch.setenv("SPOTFW_TASKS", str(mine))
    plugins = Plugins(entry_points=False)
    plugins.register(Plugin(), "other")
    assert [t.origin for t in plugins.task("both").tasks] == ["other", "other"]
    with pytest.raises(WrongUse, match=r"by other and by .*Rename the one in .*mine\.toml"):
        plugins.task("a")
    with pytest.raises(WrongUse, match=r"two tasks that are named 'a': of other and of .*mine"):
        plugins.task("mixed")


def test_paths_are_relative_to_the_mixture_s_file(tmp_path, monkeypatch):
    folder = tmp_path / "far"
    folder.mkdir()
    (folder / "rows.jsonl").write_text(ROWS)
    for name in ("menu", "wine"):
        (folder / f"{name}.toml").write_text(TASK.format(name))
    mixed = '[[mixture]]\nname = "m"\ntasks = ["menu{}", "wine.toml:wine"]\n'
    (folder / "mixed.toml").write_text(mixed.format(".toml"))
    monkeypatch.chdir(tmp_path)
    plugins = Plugins(entry_points=False)
    assert [t.name for t in plugins.task("far/mixed.toml").tasks] == ["menu", "wine"]
    definition = load_file(folder / "mixed.toml")[0]
    by_name = attrs.evolve(definition, members=("menu", "wine"))
    with pytest.raises(UnknownName, match=r'beside it: write "menu\.toml"'):
        resolve(by_name, finder())


def test_all_members_whose_data_is_absent_are_named():
    def absent(splits):
        raise SpotError("Not here. Bind it.")

    lacking = [attrs.evolve(task(name), check=absent) for name in ("a", "b")]
    mixed = Mixture(name="m", tasks=(*lacking, task("c")))
    with pytest.raises(SpotError, match=r"2 of the 3 tasks .*'m' .*: a, b\. .*SPOTFW_DATA.*Not"):
        check_data(mixed, ["train"])
    with pytest.raises(SpotError, match=r"^Not here"):
        check_data(Mixture(name="m", tasks=(lacking[0], task("c"))), ["train"])
