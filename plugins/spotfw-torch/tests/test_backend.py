"""The backend: spotfw's promises, and the Mesh engine's numbers on the bundled model."""

from __future__ import annotations

import importlib.util
import re

import attrs
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")

from spotfw.config import TuningSettings
from spotfw.contracts import TuneRequest, TuningState
from spotfw.errors import SpotError, WrongUse
from spotfw.tasks import Mixture

SETTINGS = TuningSettings(
    steps=6,
    batch_size=8,
    prompt_length=8,
    checkpoint_every=3,
    max_input_length=48,
    max_target_length=4,
    max_eval_examples=40,
    eval_batch_size=40,
    dropout=0.0,  # each engine draws its own
)
TASKS = ("film_reviews", "topic_news", "who_meetings")


@pytest.fixture(scope="module")
def packed():
    from spotfw_playground.bundled import PACKED

    return str(PACKED)


@pytest.fixture(scope="module")
def opened(packed):
    from spotfw_torch.plugin import TorchBackend

    model = TorchBackend(device="cpu").open(packed)
    yield model
    model.close()


@pytest.fixture(scope="module")
def mesh():
    if importlib.util.find_spec("mesh_tensorflow") is None:
        pytest.skip("the Mesh engine is not installed")
    from spotfw.plugins.builtin.backends import MeshBackend
    from spotfw_playground.bundled import playground_model

    model = MeshBackend().open(str(playground_model().folder()))
    yield model
    model.close()


@pytest.fixture(scope="module")
def tasks():
    from spotfw.plugins import default_plugins

    return [default_plugins().task(name) for name in TASKS]


def prompt(opened, seed: int = 0, length: int = 8) -> np.ndarray:
    rows = np.random.default_rng(seed).integers(3, 800, length)
    return np.ascontiguousarray(opened.embeddings[rows])


def request(opened, task, state: TuningState | None = None, **changes) -> TuneRequest:
    state = state or TuningState(step=0, prompt=prompt(opened))
    return TuneRequest(task=task, settings=attrs.evolve(SETTINGS, **changes), start=state)


def last(opened, *requests: TuneRequest) -> dict[int, TuningState]:
    return {r.request: r.state for r in opened.tune(requests) if r.state is not None}


def test_the_backend_keeps_its_promises(packed):
    from spotfw.testing import check_backend
    from spotfw_torch.plugin import TorchBackend

    check_backend(TorchBackend(device="cpu"), model=packed)


def test_the_same_model_has_the_same_name_and_start_in_both_engines(opened, mesh):
    assert opened.fingerprint == mesh.fingerprint
    assert opened.width == mesh.width
    ours, theirs = opened.init_context(3), mesh.init_context(3)
    assert ours.pieces == theirs.pieces
    np.testing.assert_array_equal(ours.embeddings[: ours.pieces], theirs.embeddings[: ours.pieces])


def test_loss_and_gradient_are_the_mesh_engine_s(opened, mesh, tasks):
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.runtime import LivePrompts
    from spotfw_torch import loss_and_gradient

    start = prompt(opened)
    for task in tasks:
        inputs, targets = mesh.splits.training(task, SETTINGS).batch(0, SETTINGS)
        size, length, longest = *inputs.shape, targets.shape[1]
        shapes = Shapes(batch=size, inputs=length, targets=longest, prompt_length=len(start))
        program = mesh.runtime.program("score", shapes)
        (loss,), (gradient,) = mesh.runtime.run(
            program,
            ["loss", "gradient"],
            prompts=LivePrompts.of(start),
            inputs=inputs[None],
            targets=targets[None],
        )
        losses, gradients = loss_and_gradient(opened.engine, [start], inputs[None], targets[None])
        assert losses[0] == pytest.approx(float(loss), abs=1e-4)
        scale = np.sqrt(np.mean(np.square(gradient)))
        assert np.abs(gradients[0] - gradient).max() <= 1e-4 * max(1.0, scale)
        np.testing.assert_allclose(gradients[0], gradient, rtol=0, atol=1e-3 * scale)


def test_answers_and_scores_are_the_mesh_engine_s(opened, mesh, tasks):
    """Of a prompt that has learned something, in one engine and then the other."""
    for task in tasks:
        tuned = last(opened, request(opened, task, steps=40, checkpoint_every=40))[0].prompt
        ours = opened.evaluate([None, tuned], task, "validation", SETTINGS)
        theirs = mesh.evaluate([None, tuned], task, "validation", SETTINGS)
        assert ours == theirs
        lines = [e.inputs for e in opened.splits.examples(task, "validation", SETTINGS).raw()]
        longer = attrs.evolve(SETTINGS, max_target_length=16)
        for p in (None, tuned, prompt(opened, 3)):
            assert opened.predict(p, lines, longer) == mesh.predict(p, lines, longer)


def test_a_tuning_goes_the_mesh_engine_s_way_and_either_goes_on(opened, mesh, tasks):
    """The same batches, updates and optimizer state: what one began the other ends alike."""
    mixture = Mixture(name="both", tasks=tuple(tasks[:2]))
    for task in (tasks[0], mixture):
        ours = list(opened.tune([request(opened, task)]))
        theirs = list(mesh.tune([request(opened, task)]))
        assert [r.step for r in ours if r.state] == [r.step for r in theirs if r.state] == [3, 6]
        assert sum(r.tokens for r in ours) == sum(r.tokens for r in theirs)
        assert sum(r.examples for r in ours) == sum(r.examples for r in theirs) == 48
        middle, end = (r.state for r in theirs if r.state)
        assert {*middle.slots} == {*ours[-1].state.slots}
        assert _apart(ours[-1].state.prompt, end.prompt) < 1e-3
        assert _apart(last(opened, request(opened, task, middle))[0].prompt, end.prompt) < 1e-3
        assert (
            _apart(
                last(mesh, request(opened, task, ours[-1].state, steps=8))[0].prompt,
                last(opened, request(opened, task, end, steps=8))[0].prompt,
            )
            < 1e-3
        )


def test_a_resumed_tuning_ends_the_same_bit_for_bit(opened, tasks):
    reports = list(opened.tune([request(opened, tasks[0], dropout=0.1)]))
    middle, end = (r.state for r in reports if r.state)
    resumed = last(opened, request(opened, tasks[0], middle, dropout=0.1))[0]
    np.testing.assert_array_equal(resumed.prompt, end.prompt)
    np.testing.assert_array_equal(resumed.slots["v"], end.slots["v"])


def test_a_cohort_of_seeds_gives_what_each_gives_alone(opened, tasks):
    """Members of several tasks, starts and ends; each as alone."""
    middle = last(opened, request(opened, tasks[0], seed=9, steps=3))[0]
    requests = [request(opened, tasks[0], seed=seed) for seed in range(4)]
    requests += [request(opened, tasks[0], middle, seed=9, steps=5), request(opened, tasks[1])]
    reports = list(opened.tune(requests))
    assert [r.step for r in reports if r.state and r.request == 4] == [5]
    together = {r.request: r.state for r in reports if r.state}
    for index, alone in enumerate(requests):
        assert _apart(together[index].prompt, last(opened, alone)[0].prompt) < 1e-5


def test_a_request_that_fails_ends_alone(opened, tasks):
    wild = request(opened, tasks[0], learning_rate=3e38)
    narrow = request(opened, tasks[0], TuningState(step=0, prompt=np.zeros((8, 5), np.float32)))
    reports = list(opened.tune([wild, narrow, request(opened, tasks[0])]))
    errors = {r.request: str(r.error) for r in reports if r.error is not None}
    assert re.search(r"film_reviews row \d+.*--learning-rate than 3e\+38", errors[0])
    assert "learned for another model" in errors[1]
    assert [r.step for r in reports if r.state and r.request == 2] == [3, 6]


def test_a_request_no_longer_wanted_leaves(opened, tasks):
    seen = []
    given_up = attrs.evolve(request(opened, tasks[0], seed=1), wanted=lambda: not seen)
    for report in opened.tune([given_up, request(opened, tasks[0])]):
        if report.state is not None:
            seen.append((report.request, report.step))
    assert seen == [(0, 3), (1, 3), (1, 6)]


def test_activations_are_the_mesh_engine_s(opened, mesh):
    start = prompt(opened, 5)
    np.testing.assert_allclose(opened.activations(start), mesh.activations(start), atol=1e-3)


def test_what_cannot_be_is_said(opened, packed, tmp_path):
    from spotfw_torch.plugin import TorchBackend

    with pytest.raises(SpotError, match="does not exist"):
        TorchBackend().open(str(tmp_path / "none"))
    with pytest.raises(WrongUse, match="device 'cuda:99' cannot be used"):
        TorchBackend(device="cuda:99").open(packed)
    with pytest.raises(WrongUse, match="option of the backend torch"):
        TorchBackend().open(packed, gin="small")
    with pytest.raises(WrongUse, match="float32 or bfloat16"):
        TorchBackend().open(packed, dtype="float16")
    with pytest.raises(SpotError, match="learned for another model"):
        opened.predict(np.zeros((3, 5), np.float32), ["a line"], SETTINGS)
    (tmp_path / "checkpoint").touch()
    with pytest.raises(SpotError, match="spotfw models convert"):
        TorchBackend().open(str(tmp_path))


def test_bfloat16_is_another_precision(packed, tasks):
    from spotfw_torch.plugin import TorchBackend

    model = TorchBackend(device="cpu").open(packed, activations="bfloat16")
    assert model.precision == "bfloat16"
    (evaluation,) = model.evaluate([None], tasks[0], "validation", SETTINGS)
    assert evaluation.examples == 40


def _apart(value: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(value - reference) / np.linalg.norm(reference))


LABELS = ("Good \u2665", "Bad")


@pytest.fixture
def folded_task():
    """A task whose labels the model's vocabulary writes in another way: "good" and a sign."""
    from spotfw.tasks import Example, Task
    from spotfw.tasks.scoring import Scorer, ToLabel, metric_functions

    rows = [
        Example(inputs=f"the story was {w}", targets=LABELS[w == "bad"]) for w in ("good", "bad")
    ]
    return Task(
        name="folded",
        family="sentiment",
        type="classification",
        labels=LABELS,
        splits={"train": 2, "validation": 2},
        examples=lambda split: rows,
        score=Scorer(metric_functions(["accuracy"]), ToLabel(LABELS)),
    )


def test_a_learned_label_is_right_however_the_vocabulary_writes_it(
    opened, mesh, folded_task, monkeypatch
):
    ids = [[*opened.vocabulary.encode(label), 1] for label in LABELS]
    right = [np.array([*row, *[0] * (8 - len(row))], np.int32) for row in ids]
    monkeypatch.setattr("spotfw_torch.backend.greedy", lambda *_: [right])
    monkeypatch.setattr("spotfw.backends.mesh.decoding.decode", lambda *_: right)
    for model in (opened, mesh):
        (evaluation,) = model.evaluate([None], folded_task, "validation", SETTINGS)
        assert evaluation.metrics == {"accuracy": 100.0}
        with pytest.raises(SpotError, match="cut to the same tokens"):
            short = attrs.evolve(SETTINGS, max_target_length=1)
            model.evaluate([None], folded_task, "validation", short)


def test_a_cpu_takes_four_together_unless_it_is_told(opened, packed):
    from spotfw_torch.plugin import TorchBackend

    assert opened._members == 4 and TorchBackend(device="cpu").cohort == 64
    model = TorchBackend(device="cpu", members=9).open(packed)
    assert model._members == 9
    model.close()
    with pytest.raises(WrongUse, match="members"):
        TorchBackend(members=0)
