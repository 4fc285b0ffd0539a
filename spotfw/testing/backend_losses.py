"""What a backend that gives losses of examples promises of them."""

from __future__ import annotations

import numpy as np

from spotfw.contracts import Array, FrozenModel
from spotfw.contracts.losses import LossesOfExamples
from spotfw.errors import SpotError
from spotfw.tasks import Example
from spotfw.testing.backend_promises import LINES, SETTINGS, SUITE, BackendSubject
from spotfw.testing.suites import Skip, expect

#: Of different lengths, so that some are padded.
EXAMPLES = tuple(
    Example(inputs=line, targets=target)
    for line, target in zip((*LINES, "good"), ("good", "bad", "good and bad"), strict=True)
)
#: Relative difference that another batch may make.
_ROUNDING = 1e-4
#: Of a prompt's step along its gradient.
_STEP = 1e-2


@SUITE.check
def losses(s: BackendSubject) -> None:
    """Losses of given examples are finite, those of each prompt and example alone; or none."""
    if type(s.opened).losses is LossesOfExamples.losses:
        raise Skip("the backend gives no losses.")
    prompts: list[Array | None] = [None, s.start().prompt, s.start(0.5).prompt[:1]]
    together = np.asarray(s.opened.losses(prompts, EXAMPLES, SETTINGS))
    shape = (len(prompts), len(EXAMPLES))
    expect(
        together.shape == shape and np.isfinite(together).all() and (together >= 0).all(),
        f"expected finite losses of 0 or more, {list(shape)}, got {together!r:.120}.",
    )
    for row, prompt in zip(together, prompts, strict=True):
        alone = [s.opened.losses([prompt], [e], SETTINGS)[0][0] for e in EXAMPLES]
        expect(
            np.allclose(alone, row, rtol=_ROUNDING, atol=_ROUNDING),
            f"expected the losses {np.round(row, 4)} one by one too, got {np.round(alone, 4)}.",
        )
    _refuses_text_of_none(s.opened)


def _refuses_text_of_none(model: FrozenModel) -> None:
    try:
        model.losses([None], [Example(inputs="good", targets="")], SETTINGS)
    except SpotError:
        return
    expect(False, "expected a SpotError for an example without a target, got a loss.")


@SUITE.check
def loss_gradients(s: BackendSubject) -> None:
    """A step against the gradient lowers the mean loss by the step's length times its norm."""
    if type(s.opened).loss_gradients is LossesOfExamples.loss_gradients:
        raise Skip("the backend gives no gradients.")
    prompts = [s.start(0.3).prompt, s.start(0.2).prompt]
    gradients = np.asarray(s.opened.loss_gradients(prompts, EXAMPLES, SETTINGS))
    expect(
        gradients.shape == (2, *prompts[0].shape) and np.isfinite(gradients).all(),
        f"expected finite gradients {[2, *prompts[0].shape]}, got {gradients!r:.120}.",
    )
    for prompt, gradient in zip(prompts, gradients, strict=True):
        norm = float(np.linalg.norm(gradient))
        step = (_STEP * gradient / max(norm, 1e-12)).astype(np.float32)
        around = s.opened.losses([prompt + step, prompt - step], EXAMPLES, SETTINGS)
        ahead, behind = np.asarray(around).mean(axis=1)
        slope = (ahead - behind) / (2 * _STEP)
        expect(
            abs(slope - norm) <= 0.05 * norm + 1e-3,
            f"expected the mean loss to rise by the gradient's norm {norm:.4g} along it, got "
            f"{slope:.4g}.",
        )
