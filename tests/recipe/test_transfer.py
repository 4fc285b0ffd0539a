"""A transfer looks at what it can before the model is opened, once, and lists the library once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.contracts import Candidate, Race, StartFromAverage, StartFromMixture, StartFromPrompt
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.library import Library
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.ranking import Ranking
from spotfw.recipe.transfer import Transfer
from spotfw.recipe.workbench import Workbench
from spotfw.tasks import Mixture, Task
from spotfw.testing import NumpyBackend, NumpyModel

LENGTH = 3
SETTINGS = {
    "steps": 4,
    "batch_size": 4,
    "prompt_length": LENGTH,
    "checkpoint_every": 2,
    "embedding_step": 2,
    "max_input_length": 16,
    "eval_batch_size": 20,
}


@attrs.define
class Counted:
    """What a transfer has asked for, by how often."""

    listed: int = 0
    opened: int = 0
    checked: list[str] = attrs.Factory(list)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts from here on: listings of libraries, models opened, tasks whose data is looked at."""
    counted = Counted()
    entries, opening = Library.entries, NumpyBackend.open

    def listing(library: Library, **wanted: Any) -> Any:
        counted.listed += 1
        return entries(library, **wanted)

    def open_it(backend: NumpyBackend, model: str, **options: Any) -> Any:
        counted.opened += 1
        return opening(backend, model, **options)

    monkeypatch.setattr(Library, "entries", listing)
    monkeypatch.setattr(NumpyBackend, "open", open_it)
    return counted


@pytest.fixture
def bench(spotfw_numpy_backend: NumpyBackend, spotfw_plugins: Plugins, tmp_path: Path) -> Workbench:
    return Workbench(str(tmp_path), spotfw_plugins, "numpy", {})


@pytest.fixture
def target(spotfw_tiny_tasks: tuple[Task, ...], counted: Counted) -> Task:
    """A task that counts how often its data is looked at."""

    def check(splits: Any) -> None:
        counted.checked.append("target")

    return attrs.evolve(spotfw_tiny_tasks[0], check=check)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two prompts of the model, one of its target, and one each of another length and model."""
    library, model = Library(tmp_path / "library"), NumpyModel()
    kinds = [
        ("tiny_words", model.fingerprint, LENGTH),
        ("tiny_things", model.fingerprint, LENGTH),
        ("tiny_reviews", model.fingerprint, LENGTH),
        ("tiny_words", model.fingerprint, LENGTH + 1),
        ("tiny_words", "f" * 16, LENGTH),
    ]
    for seed, (task, fingerprint, length) in enumerate(kinds):
        array = np.random.default_rng(seed).standard_normal((length, model.width))
        origin = Provenance(task=task, fingerprint=fingerprint, seed=seed)
        library.add(SoftPrompt(array.astype(np.float32), origin))
    return library


@pytest.fixture
def make(
    bench: Workbench,
    library: Library,
    target: Task,
    spotfw_tiny_tasks: tuple[Task, ...],
    tmp_path: Path,
) -> Callable[..., Transfer]:
    def make(**changes: Any) -> Transfer:
        settings = bench.settings(**SETTINGS)
        given: dict[str, Any] = {
            "bench": bench,
            "library": library,
            "target": target,
            "strategy": "best_of_top_k",
            "k": 2,
            "metric": "per_token_cosine",
            "settings": settings,
            "mixture": settings,
            "find_task": {task.name: task for task in spotfw_tiny_tasks}.__getitem__,
            "out": str(tmp_path / "out"),
        }
        return Transfer(**given | changes)

    return make


def test_the_library_is_listed_and_the_target_looked_at_once(
    make: Callable[..., Transfer], counted: Counted
) -> None:
    def every(ranking: Ranking, k: int) -> list[Candidate]:
        first, second = (item.id for item in ranking)
        return [
            StartFromPrompt(first),
            StartFromAverage((first, second), (0.5, 0.5)),
            Race((StartFromPrompt(first), StartFromPrompt(second)), (0.5,)),
        ]

    transfer = make(strategy=every)
    assert (counted.listed, counted.opened, counted.checked) == (1, 0, ["target"])
    result = transfer.run()
    assert len(result.outcomes) == 4
    assert (counted.listed, counted.opened, counted.checked) == (1, 1, ["target"])
    assert result.ranking == transfer.ranking
    assert list(result.runs) == transfer.tuned


def test_what_is_added_meanwhile_is_not_seen(
    make: Callable[..., Transfer], library: Library
) -> None:
    transfer = make()
    later = attrs.evolve(library.best(library.entries(task="tiny_words")[0].id))
    library.add(SoftPrompt(later.array * 2, attrs.evolve(later.provenance, seed=9)))
    assert len(transfer.run().ranking) == 2


def test_sources_are_counted_by_shape_before_the_target_is_tuned(
    make: Callable[..., Transfer], tmp_path: Path
) -> None:
    seen: list[tuple[int, dict[str, int]]] = []

    def nothing(ranking: Ranking, k: int) -> list[Candidate]:
        seen.append((len(ranking), ranking.left_out))
        raise WrongUse("There is nothing to choose from.")

    with pytest.raises(WrongUse, match="nothing to choose"):
        make(strategy=nothing, among=[]).run()
    left_out = {"of another model": 1, "of another length": 1, "of the task itself": 1}
    assert seen == [(0, left_out | {"excluded": 2})]
    assert not (tmp_path / "out").exists()
    # An embedding at hand says itself which prompts are like it.
    longer = SoftPrompt(np.ones((LENGTH + 1, NumpyModel.width), np.float32))
    with pytest.raises(WrongUse, match="nothing to choose"):
        make(strategy=nothing).run(longer)
    assert seen[-1][0] == 1


def test_a_mixture_looks_at_its_members(
    make: Callable[..., Transfer], counted: Counted, spotfw_tiny_tasks: tuple[Task, ...]
) -> None:
    def absent(splits: Any) -> None:
        raise SpotError("Its rows are gone.")

    words = attrs.evolve(spotfw_tiny_tasks[1], check=absent)
    transfer = make(
        strategy=lambda ranking, k: [StartFromMixture(("tiny_words",))],
        find_task=lambda name: words,
    )
    with pytest.raises(SpotError, match="rows are gone"):
        transfer.run()


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        *(({"k": k}, WrongUse, "-k must be") for k in (0, "2", 1.5, True, None, float("nan"))),
        ({"strategy": "best_of_topk"}, UnknownName, "best_of_top_k"),
        ({"metric": "cosine"}, UnknownName, "per_token_cosine"),
        ({"target": Mixture(name="both", tasks=())}, WrongUse, "is a mixture"),
    ],
)
def test_what_cannot_be_is_reported_with_the_model_closed(
    make: Callable[..., Transfer],
    counted: Counted,
    changes: dict[str, Any],
    kind: type[SpotError],
    message: str,
) -> None:
    with pytest.raises(kind, match=message):
        make(**changes)
    assert not counted.opened


def test_a_target_without_a_split_is_reported_with_the_model_closed(
    make: Callable[..., Transfer], counted: Counted, target: Task
) -> None:
    with pytest.raises(UnknownName, match="validation"):
        make(target=attrs.evolve(target, splits={"train": 10}))
    assert not counted.opened
