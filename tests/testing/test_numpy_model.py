"""The model in plain NumPy: it keeps a backend's promises, learns, and loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import spotfw
from spotfw.config import TuningSettings
from spotfw.contracts import TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.tasks import Mixture, Task
from spotfw.testing import NumpyBackend, NumpyModel, check_backend
from spotfw.testing.backend_promises import SUITE
from spotfw.testing.backends import outcomes
from spotfw.testing.words import KnownWords

SETTINGS = TuningSettings(
    steps=80,
    batch_size=16,
    prompt_length=4,
    checkpoint_every=80,
    max_input_length=32,
    eval_batch_size=20,
)


def start(model: NumpyModel) -> TuningState:
    words = [word for text in ("good film", "bad book") for word in model.vocabulary.encode(text)]
    return TuningState(step=0, prompt=model.embeddings[words])


def tuned(model: NumpyModel, task: Task | Mixture, **changes: Any) -> TuneProgress:
    settings = attrs.evolve(SETTINGS, **changes)
    request = TuneRequest(task=task, settings=settings, start=start(model))
    return list(model.tune([request]))[-1]


def test_it_conforms(tmp_path: Path, spotfw_tiny_tasks: tuple[Task, ...]) -> None:
    check_backend(NumpyBackend(), model=tmp_path, task=spotfw_tiny_tasks[0])


def test_all_but_a_process_of_its_own_takes_few_updates(
    tmp_path: Path, spotfw_tiny_tasks: tuple[Task, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # An update takes a fraction of a millisecond, whatever the machine makes of that.
    updates, update = [], NumpyModel.update

    def counted(self: NumpyModel, request: TuneRequest, state: TuningState) -> Any:
        updates.append(state.step)
        return update(self, request, state)

    monkeypatch.setattr(NumpyModel, "update", counted)
    checks = tuple(name for name in SUITE.promises if name != "other_process")
    ran = outcomes(NumpyBackend(), model=tmp_path, task=spotfw_tiny_tasks[0], only=checks)
    # It tunes prompts alone.
    assert {o.check: o.said for o in ran if o.status == "skipped"} == {
        "weights": "the backend tunes no weights."
    }
    assert {o.status for o in ran if o.check != "weights"} == {"passed"}
    assert 0 < len(updates) < 200


@pytest.mark.parametrize(
    ("place", "line"), [(0, "review: the film was good and fine"), (1, "word: good")]
)
def test_it_learns(
    spotfw_numpy_model: NumpyModel, spotfw_tiny_tasks: tuple[Task, ...], place: int, line: str
) -> None:
    task, model = spotfw_tiny_tasks[place], spotfw_numpy_model
    last = tuned(model, task, steps=300, learning_rate=0.1)
    assert last.state is not None
    prompts = [start(model).prompt, last.state.prompt]
    before, after = model.evaluate(prompts, task, "validation", SETTINGS)
    assert before.score < 50 and after.score >= 95
    assert model.predict(last.state.prompt, [line], SETTINGS) == ["positive"]


def test_a_mixture_draws_from_its_members(
    spotfw_numpy_model: NumpyModel, spotfw_tiny_tasks: tuple[Task, ...]
) -> None:
    both = Mixture(name="both", tasks=spotfw_tiny_tasks[:2])
    states = [tuned(spotfw_numpy_model, t, steps=3).state for t in (both, *both.tasks)]
    assert len({state.prompt.tobytes() for state in states if state is not None}) == 3


def test_dropout_and_the_seed_matter(
    spotfw_numpy_model: NumpyModel, spotfw_tiny_tasks: tuple[Task, ...]
) -> None:
    ways: tuple[dict[str, Any], ...] = ({}, {"dropout": 0.5}, {"seed": 1})
    losses = [tuned(spotfw_numpy_model, spotfw_tiny_tasks[0], steps=3, **way).loss for way in ways]
    assert len(set(losses)) == 3


def test_a_loss_that_is_no_number_ends_the_request(
    spotfw_numpy_model: NumpyModel, spotfw_tiny_tasks: tuple[Task, ...]
) -> None:
    last = tuned(spotfw_numpy_model, spotfw_tiny_tasks[0], learning_rate=3e38)
    assert isinstance(last.error, SpotError) and "--learning-rate" in str(last.error)


def test_what_cannot_be_is_reported(
    spotfw_numpy_model: NumpyModel, spotfw_tiny_tasks: tuple[Task, ...], tmp_path: Path
) -> None:
    model, wide = spotfw_numpy_model, np.zeros((4, 8), np.float32)
    for call in (
        lambda: model.predict(wide, ["good"], SETTINGS),
        lambda: model.activations(wide),
        lambda: model.evaluate([wide], spotfw_tiny_tasks[0], "validation", SETTINGS),
    ):
        with pytest.raises(SpotError, match="another model"):
            call()
    with pytest.raises(SpotError, match="Line 2"):
        model.predict(None, ["good", " "], SETTINGS)
    with pytest.raises(SpotError, match="does not exist"):
        NumpyBackend().open(str(tmp_path / "none"))


def test_answers_of_an_author_s_own(spotfw_tiny_tasks: tuple[Task, ...]) -> None:
    plain, own = NumpyModel(), NumpyModel(answers=("deep red",))
    assert own.answers[-1] == "deep red" and plain.fingerprint != own.fingerprint
    assert own.vocabulary.decode(own.vocabulary.encode("deep red")) == "deep red"
    assert plain.vocabulary.decode(plain.vocabulary.encode("deep red")) != "deep red"


def test_the_vocabulary_stops_at_the_end() -> None:
    words = KnownWords(["good", "bad"])
    assert words.decode([*words.encode("bad good"), words.eos_id, *words.encode("bad")]) == (
        "bad good"
    )
    assert max(words.encode("something else altogether")) < words.vocab_size


def test_activations_are_what_a_prompt_adds(spotfw_numpy_model: NumpyModel) -> None:
    prompt = start(spotfw_numpy_model).prompt
    np.testing.assert_allclose(
        spotfw_numpy_model.activations(prompt), prompt[:, :16].mean(0)[None], rtol=1e-5
    )


def test_a_whole_transfer_on_it(
    spotfw_numpy_backend: NumpyBackend, spotfw_tiny_tasks: tuple[Task, ...], tmp_path: Path
) -> None:
    words, reviews = spotfw_tiny_tasks[1], spotfw_tiny_tasks[0]
    session = spotfw.Session(
        str(tmp_path), str(tmp_path / "library"), runs=str(tmp_path / "runs"), backend="numpy"
    )
    settings = attrs.asdict(SETTINGS) | {"checkpoint_every": 5, "embedding_step": 10, "steps": 40}
    session.tune(words, **settings)
    result = session.transfer(reviews, k=1, **(settings | {"steps": 20}))
    scratch = session.tune(reviews, init="class_label", keep=False, **(settings | {"steps": 20}))
    assert [item.task for item in result.ranking] == ["tiny_words"]
    assert result.score > scratch.score


def test_it_loads_no_tensorflow(tmp_path: Path) -> None:
    script = f"""
import sys
from spotfw.testing import NumpyBackend, write_tiny_tasks
from spotfw.testing.backends import outcomes
task = write_tiny_tasks({str(tmp_path)!r})[0]
ran = outcomes(NumpyBackend(), model={str(tmp_path)!r}, task=task, only=("tuning", "evaluation"))
assert [outcome.status for outcome in ran] == ["passed", "passed"], ran
assert not {{"tensorflow", "seqio"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
