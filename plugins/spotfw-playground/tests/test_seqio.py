"""The tasks as seqio tasks over the bundled vocabulary (imports TensorFlow)."""

from __future__ import annotations

import pytest

from spotfw.tasks import Task
from spotfw_playground import bundled
from spotfw_playground.families import BY_NAME
from spotfw_playground.source import PlaygroundSource
from spotfw_playground.specs import rows

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["film_reviews", "similar_people", "qa_things"])
def test_a_task_builds_and_gives_its_rows(name: str) -> None:
    if not bundled.PACKED.exists():
        pytest.skip("the model is not packed in this checkout")
    from spotfw.tasks.seqio.compat import seqio

    vocabulary = seqio.SentencePieceVocabulary(str(bundled.PACKED / "spiece.model"), extra_ids=0)
    (task,) = [t for t in PlaygroundSource().tasks() if t.name == name and isinstance(t, Task)]
    built = task.build(vocabulary)
    dataset = built.get_dataset(
        {"inputs": 64, "targets": 8}, split="validation", shuffle=False, seed=0
    )
    examples = list(dataset.as_numpy_iterator())
    expected = rows(BY_NAME[name], "validation")
    assert len(examples) == len(expected)
    for example, row in zip(examples[:20], expected, strict=False):
        assert example["inputs"][-1] == example["targets"][-1] == vocabulary.eos_id
        assert vocabulary.decode(example["inputs"][:-1].tolist()) == row.inputs
        assert vocabulary.decode(example["targets"][:-1].tolist()) == row.targets
    assert {fn.__name__ for fn in built.metric_fns} == set(BY_NAME[name].metrics)


def test_the_model_unpacks_into_the_cache_once(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not bundled.PACKED.exists():
        pytest.skip("the model is not packed in this checkout")
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    folder = bundled.playground_model().folder()
    assert folder.startswith(str(cache / "spotfw"))
    assert bundled.playground_model().folder() == folder
    assert len(list((cache / "spotfw").iterdir())) == 1
