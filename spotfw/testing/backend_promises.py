"""What a backend promises, check by check, on a task of a few short lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spotfw.config import TuningSettings
from spotfw.contracts import Array, Backend, FrozenModel, TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.tasks import Task
from spotfw.testing.processes import ask_elsewhere
from spotfw.testing.suites import Suite, check_name, expect, name_of

LENGTH = 3
SETTINGS = TuningSettings(
    steps=2,
    batch_size=4,
    prompt_length=LENGTH,
    checkpoint_every=1,
    max_input_length=16,
    max_target_length=4,
    max_eval_examples=4,
    eval_batch_size=4,
)
LINES = ("the film was good and great", "the book was bad")


@attrs.define(kw_only=True)
class BackendSubject:
    """A backend with one model opened, and what it tunes on."""

    backend: Backend
    model: str
    opened: FrozenModel
    task: Task
    options: Mapping[str, Any]

    def start(self, scale: float = 1.0) -> TuningState:
        """The state before a first step, the same each time."""
        rng = np.random.default_rng(5)
        prompt = rng.standard_normal((LENGTH, self.opened.width)) * scale
        return TuningState(step=0, prompt=prompt.astype(np.float32))

    def tune(self, *requests: TuneRequest) -> list[TuneProgress]:
        """All that is reported; the first error that ended a request is raised."""
        reports = self.reports(*requests)
        for report in reports:
            if report.error is not None:
                raise report.error
        return reports

    def reports(self, *requests: TuneRequest) -> list[TuneProgress]:
        """All that is reported, errors too."""
        return list(self.opened.tune(requests))

    def request(self, state: TuningState | None = None, **changes: Any) -> TuneRequest:
        """Two steps on the task, or what is left of them."""
        settings = attrs.evolve(SETTINGS, **changes)
        return TuneRequest(task=self.task, settings=settings, start=state or self.start())


SUITE: Suite[BackendSubject] = Suite("backend")


@SUITE.check
def name(s: BackendSubject) -> None:
    """Has a name, a text without spaces or colons."""
    check_name(s.backend)


@SUITE.check
def opened_model(s: BackendSubject) -> None:
    """Says name, width, number of weights, and a fingerprint that depends on these alone."""
    opened = s.opened
    expect(
        isinstance(opened.name, str) and opened.name,
        f"expected the model's name, got {opened.name!r}.",
    )
    expect(
        isinstance(opened.width, int) and opened.width > 0,
        f"expected a width of 1 or more, got {opened.width!r}.",
    )
    expect(
        isinstance(opened.fingerprint, str) and opened.fingerprint,
        f"expected a fingerprint, got {opened.fingerprint!r}.",
    )
    counted = opened.parameters
    expect(
        counted is None or (type(counted) is int and counted >= opened.width),
        "expected parameters to be the number of the model's weights, a whole number, or None "
        f"where the backend cannot tell, got {counted!r}.",
    )
    again = s.backend.open(s.model, **s.options)
    same = again.fingerprint == opened.fingerprint
    recounted = again.parameters
    again.close()
    expect(same, "expected one model to have one fingerprint each time it is opened, got two.")
    expect(
        recounted == counted,
        f"expected as many weights each time, got {counted} and then {recounted}.",
    )


@SUITE.check
def absent_model(s: BackendSubject) -> None:
    """A folder that is not there is a SpotError."""
    try:
        s.backend.open(str(Path(s.model) / "no_model_is_here"), **s.options)
    except SpotError:
        return
    expect(False, "expected a SpotError for a model that is not there, got a model.")


@SUITE.check
def init_context(s: BackendSubject) -> None:
    """Gives initializers the embeddings [V, E], the vocabulary and what was asked."""
    context = s.opened.init_context(LENGTH, labels=("good", "bad"), argument="x")
    shape = context.embeddings.shape
    expect(
        len(shape) == 2 and shape[1] == s.opened.width,
        f"expected embeddings [V, {s.opened.width}], got {list(shape)}.",
    )
    expect(
        context.embeddings.dtype == np.float32,
        f"expected float32 embeddings, got {context.embeddings.dtype}.",
    )
    expect(
        0 < context.pieces <= shape[0],
        f"expected 1 to {shape[0]} pieces, got {context.pieces}.",
    )
    got = (context.length, tuple(context.labels), context.argument, context.fingerprint)
    asked = (LENGTH, ("good", "bad"), "x", s.opened.fingerprint)
    expect(got == asked, f"expected the context to hold {asked}, got {got}.")
    ids = list(context.vocabulary.encode(LINES[0]))
    expect(ids and max(ids) < shape[0], f"expected the vocabulary's ids to have rows, got {ids}.")


@SUITE.check
def tuning(s: BackendSubject) -> None:
    """Tuning reports steps in order, a state at each checkpoint and after the last step."""
    reports = s.tune(s.request())
    steps = [r.step for r in reports]
    expect(steps == sorted(steps), f"expected steps in order, got {steps}.")
    expect(
        all(np.isfinite(r.loss) for r in reports if r.state is not None),
        "expected finite losses at checkpoints.",
    )
    states = [r.state for r in reports if r.state is not None]
    at = [state.step for state in states]
    expect(at == [1, 2], f"expected states after steps [1, 2] of 2, got {at}.")
    for state in states:
        expect(
            state.prompt.shape == (LENGTH, s.opened.width) and state.prompt.dtype == np.float32,
            f"expected prompts float32 {[LENGTH, s.opened.width]}, got {state.prompt.dtype} "
            f"{list(state.prompt.shape)}.",
        )
    moved = not np.array_equal(states[-1].prompt, s.start().prompt)
    expect(moved, "expected two steps to move the prompt, but it is as it was.")


@SUITE.check
def determinism(s: BackendSubject) -> None:
    """The same request gives the same prompt, bit for bit; the request is left as it was."""
    request = s.request()
    before = request.start.prompt.copy()
    first, second = _last(s.tune(request)), _last(s.tune(request))
    expect(
        np.array_equal(first.prompt, second.prompt),
        "expected the same prompt from the same request, got another; order and dropout must "
        "depend on (seed, step) alone.",
    )
    expect(np.array_equal(before, request.start.prompt), "expected the request's prompt untouched.")
    other = _last(s.tune(s.request(seed=1)))
    expect(
        not np.array_equal(first.prompt, other.prompt),
        "expected another seed to give another prompt, got the same.",
    )


@SUITE.check
def resuming(s: BackendSubject) -> None:
    """Continued from a checkpoint's state, a tuning ends as if it had never stopped."""
    reports = s.tune(s.request())
    middle = next(r.state for r in reports if r.state is not None and r.state.step == 1)
    assert middle is not None
    resumed = _last(s.tune(s.request(middle)))
    expect(
        np.array_equal(_last(reports).prompt, resumed.prompt),
        "expected a resumed tuning to end with the same prompt bit for bit, got another; all it "
        "needs must stand in TuningState.",
    )


@SUITE.check
def several_requests(s: BackendSubject) -> None:
    """No request gives no report; two give what each gives alone, under indices 0 and 1."""
    none = s.tune()
    expect(not none, f"expected no report for no request, got {len(none)}.")
    requests = (s.request(), s.request(s.start(0.5), seed=3))
    together = s.tune(*requests)
    indices = sorted({r.request for r in together})
    expect(indices == [0, 1], f"expected reports under indices [0, 1], got {indices}.")
    for index, request in enumerate(requests):
        mine = [r for r in together if r.request == index]
        expect(
            np.allclose(_last(mine).prompt, _last(s.tune(request)).prompt, rtol=1e-4, atol=1e-4),
            f"expected request {index} to give what it gives alone, got another prompt.",
        )


@SUITE.check
def failing(s: BackendSubject) -> None:
    """A request that fails is reported with its error, and takes no other with it."""
    start = s.start()
    wide = attrs.evolve(start, prompt=np.repeat(start.prompt, 2, axis=1))
    reports = s.reports(s.request(wide), s.request())
    errors = [r.error for r in reports if r.request == 0]
    expect(
        errors and isinstance(errors[-1], SpotError) and not any(errors[:-1]),
        "expected a prompt of another width to end its request with one last report whose error "
        f"is a SpotError, got reports with {errors!r:.200}.",
    )
    others = [r for r in reports if r.request == 1]
    expect(
        np.array_equal(_last(others).prompt, _last(s.tune(s.request())).prompt),
        "expected the request beside it to give what it gives alone, got another prompt.",
    )


@SUITE.check
def evaluation(s: BackendSubject) -> None:
    """Scores each prompt, none at all among them; the score is the mean of the metrics."""
    empty = s.opened.evaluate([], s.task, "validation", SETTINGS)
    expect(list(empty) == [], f"expected no evaluation for no prompt, got {empty!r:.80}.")
    prompts: list[Array | None] = [None, s.start().prompt]
    both = s.opened.evaluate(prompts, s.task, "validation", SETTINGS)
    expect(len(both) == 2, f"expected two evaluations for two prompts, got {len(both)}.")
    for prompt, result in zip(prompts, both, strict=True):
        expect(
            result.examples == SETTINGS.max_eval_examples,
            f"expected {SETTINGS.max_eval_examples} examples scored, got {result.examples}.",
        )
        right = result.right
        expect(
            right is None
            or (len(right) == result.examples and np.isclose(100 * np.mean(right), result.score)),
            f"expected right to be None, or one for each example whose mean is the score, got "
            f"{right!r:.80} with the score {result.score:.4g}.",
        )
        expect(
            bool(result.metrics)
            and np.isclose(result.score, np.mean(list(result.metrics.values()))),
            f"expected the score to be the mean of the metrics, got {result}.",
        )
        alone = s.opened.evaluate([prompt], s.task, "validation", SETTINGS)
        expect(alone == [result], f"expected {result} for the prompt alone too, got {alone}.")


@SUITE.check
def prediction(s: BackendSubject) -> None:
    """Answers each line with a text, the same alone as among others; no line, no answer."""
    prompt = s.start().prompt
    expect(s.opened.predict(prompt, [], SETTINGS) == [], "expected no answer for no line.")
    both = s.opened.predict(prompt, LINES, SETTINGS)
    expect(
        len(both) == 2 and all(isinstance(text, str) for text in both),
        f"expected a text for each of 2 lines, got {both!r:.120}.",
    )
    alone = [s.opened.predict(prompt, [line], SETTINGS) for line in LINES]
    expect(alone == [[text] for text in both], f"expected {both} line by line too, got {alone}.")
    s.opened.predict(None, LINES, SETTINGS)


@SUITE.check
def frozen_weights(s: BackendSubject) -> None:
    """Tuning changes nothing but the prompt: the model answers afterwards as before."""
    before = _all_answers(s)
    s.tune(s.request())
    expect(_all_answers(s) == before, "expected the frozen model to answer as before tuning.")


@SUITE.check
def other_process(s: BackendSubject) -> None:
    """Pickled to another process, the backend is the same there."""
    there = ask_elsewhere(_name, s.backend, name_of(s.backend))
    expect(there == s.backend.name, f"expected the name {s.backend.name!r} there, got {there!r}.")


def _name(backend: Backend) -> str:
    return backend.name


def _last(reports: list[TuneProgress]) -> TuningState:
    states = [r.state for r in reports if r.state is not None]
    expect(states, "expected a state after the last step, got none.")
    return states[-1]


def _all_answers(s: BackendSubject) -> list[Any]:
    prompts = [None, s.start().prompt]
    scores = s.opened.evaluate(prompts, s.task, "validation", SETTINGS)
    return [scores, *(s.opened.predict(prompt, LINES, SETTINGS) for prompt in prompts)]
