"""A task's content tells one state of it from another: definition, files, members, examples."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import BrokenPart, SpotError
from spotfw.plugins import Plugins
from spotfw.tasks import Example, Mixture, Task
from spotfw.tasks.content import changes, check_unchanged, content_of, digest_of, pinned
from spotfw.tasks.rows import digests
from spotfw.tasks.rows.digests import file_digest
from spotfw.tasks.t5.catalogue import T5Tasks
from spotfw.tasks.tables.source import load_task_file, read_task_rows

TOML = """name = "mine"
description = "as I like it"
inputs = "say: {text}"
label_column = "label"
labels = ["good", "bad"]

[splits]
train = "train.jsonl"
validation = "validation.jsonl"
"""
ROWS = [{"text": "fine", "label": "good"}, {"text": "poor", "label": "bad"}]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(TOML)
    for split in ("train", "validation"):
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    return tmp_path


def task_in(place: Path) -> Task:
    return load_task_file(place / "mine.toml")[0]


def digest_in(place: Path) -> str:
    return digest_of(content_of(task_in(place)))


def test_parts_are_the_definition_and_the_files(place: Path) -> None:
    assert list(content_of(task_in(place))) == ["definition", "train.jsonl", "validation.jsonl"]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("say: {text}", "hear: {text}"),
        ('["good", "bad"]', '["bad", "good"]'),
        ('"bad"]', '"evil"]'),
        ("[splits]", 'metrics = ["accuracy"]\n[splits]'),
        ("[splits]", "strict = true\n[splits]"),
        ('validation = "validation.jsonl"', 'validation = "train.jsonl"'),
    ],
)
def test_any_key_that_matters_counts(place: Path, was: str, now: str) -> None:
    before = content_of(task_in(place))
    (place / "mine.toml").write_text(TOML.replace(was, now))
    after = content_of(task_in(place))
    assert changes(before, after)[0] == "definition has changed"


@pytest.mark.parametrize("now", [TOML + "# a comment\n", TOML.replace("as I like it", "new words")])
def test_comments_and_the_description_do_not_count(place: Path, now: str) -> None:
    before = digest_in(place)
    (place / "mine.toml").write_text(now)
    assert digest_in(place) == before


def test_neither_touching_nor_moving_counts(place: Path) -> None:
    before = digest_in(place)
    os.utime(place / "train.jsonl", ns=(1, 1))
    os.utime(place / "mine.toml", ns=(1, 1))
    assert digest_in(place) == before
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    for name in ("mine.toml", "train.jsonl", "validation.jsonl"):
        (place / name).rename(elsewhere / name)
    assert digest_in(elsewhere) == before


@given(data=st.data())
def test_an_edit_that_changes_an_example_changes_the_digest(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("edited")
    (place / "mine.toml").write_text(TOML)
    path = place / "train.jsonl"
    (place / "validation.jsonl").write_bytes(b"")
    path.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    state = path.stat()
    before, rows = digest_in(place), read_task_rows(place / "mine.toml", "train").usable
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    try:
        changed = read_task_rows(place / "mine.toml", "train").usable != rows
    except SpotError:
        changed = True
    assert digest_in(place) != before or not changed


def test_a_member_counts_in_a_mixture_of_a_mixture(place: Path) -> None:
    (place / "other.toml").write_text(TOML.replace("mine", "other"))
    (place / "third.toml").write_text(TOML.replace("mine", "third"))
    (place / "mix.toml").write_text('[[mixture]]\nname = "mix"\ntasks = ["mine.toml", "in.toml"]\n')
    (place / "in.toml").write_text(
        '[[mixture]]\nname = "in"\ntasks = ["other.toml", "third.toml"]\n'
    )

    def now() -> dict[str, str]:
        return content_of(Plugins(entry_points=False).task(str(place / "mix.toml")))

    before = now()
    (place / "third.toml").write_text(TOML.replace("mine", "third").replace("say", "hear"))
    assert changes(before, now()) == ["third: definition has changed"]
    before = now()
    (place / "in.toml").write_text(
        '[[mixture]]\nname = "in"\ntasks = ["third.toml", "other.toml"]\n'
    )
    assert "members and rates has changed" in changes(before, now())


def test_rates_count(place: Path) -> None:
    members = (task_in(place), attrs.evolve(task_in(place), name="too"))
    mixtures = [Mixture(name="m", tasks=members, rates=rates) for rates in (None, (1.0, 2.0))]
    assert len({digest_of(content_of(mixture)) for mixture in mixtures}) == 2


def test_a_task_that_says_nothing_is_read() -> None:
    def task(word: str) -> Task:
        rows = [Example(inputs=word, targets="yes")]
        return Task(name="t", family="f", type="generation", examples=lambda split: rows)

    assert content_of(task("a")) == content_of(task("a"))
    assert changes(content_of(task("a")), content_of(task("b"))) == [
        "split train has changed",
        "split validation has changed",
    ]


def test_a_plugins_content_is_looked_at() -> None:
    task = Task(name="t", family="f", type="qa", build=lambda v: None, content=lambda: {"a": 1})
    with pytest.raises(BrokenPart, match="where texts by the names of its parts are wanted"):
        content_of(task)


def test_a_task_of_t5_counts_by_its_folder_or_the_version_of_tfds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spotfw.tasks import bindings

    task = T5Tasks().find("glue_rte")
    assert task is not None
    free = content_of(task)
    assert list(free) == ["definition", "tfds glue/rte:1.0.0"]
    (tmp_path / "train.jsonl").write_text("{}\n")
    bindings.bind("glue_rte", tmp_path)
    bound = content_of(task)
    assert list(bound) == ["definition", "train.jsonl"]
    (tmp_path / "README").write_text("no rows")
    assert content_of(task) == bound
    bindings.unbind("glue_rte")


def test_pinned_tasks_of_two_states_are_two(place: Path) -> None:
    first = pinned(task_in(place))
    assert isinstance(first, Task) and first == pinned(task_in(place))
    check_unchanged(first)
    (place / "train.jsonl").write_text('{"text": "new", "label": "bad"}\n')
    assert pinned(task_in(place)) != first and pinned(first) == first
    with pytest.raises(SpotError, match=r"being used: train.jsonl has changed"):
        check_unchanged(first)


def test_a_large_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "LARGE", 4)
    monkeypatch.setattr(digests, "_TICK", -(10**18))  # as if written long ago
    path = tmp_path / "rows"
    path.write_bytes(b"many rows")
    digest = file_digest(path)
    memory = tmp_path / "cache" / "spotfw" / "digests.json"
    kept = json.loads(memory.read_text())
    memory.write_text(json.dumps(dict.fromkeys(kept, "remembered")))
    assert file_digest(path) == "remembered"
    state = path.stat()
    path.write_bytes(b"MANY ROWS")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert file_digest(path) not in (digest, "remembered")  # ctime cannot be set back
    memory.write_text("damaged")
    assert len(file_digest(path)) == 32


def test_what_was_just_written_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "LARGE", 4)
    monkeypatch.setattr(digests, "_TICK", 10**18)
    path = tmp_path / "rows"
    path.write_bytes(b"many rows")
    file_digest(path)
    assert not (tmp_path / "cache").exists()
