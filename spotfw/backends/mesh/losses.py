"""Losses of given examples, and their gradients by the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.backends.given import GivenExamples
from spotfw.backends.mesh.machines import Program
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import LivePrompts, Runtime
from spotfw.contracts import Array


def example_losses(
    runtime: Runtime, prompts: Sequence[Array | None], examples: GivenExamples, batch: int
) -> npt.NDArray[np.float64]:
    """Nats [prompts, examples], summed over each target's tokens.

    Args:
      runtime: of the frozen model.
      prompts: float32 [L, E] each, None for none.
      examples: N of them.
      batch: examples of a run.
    """
    nats = np.zeros((len(prompts), len(examples.inputs)))
    size = runtime.machine.layout.even_batch(max(1, min(batch, nats.shape[1])))
    for row, prompt in zip(nats, prompts, strict=True):
        live = None if prompt is None else LivePrompts.of(prompt)
        for places, inputs, targets in examples.batches(size):
            program = _program(runtime, prompt, inputs, targets)
            feeds = {"inputs": inputs[None], "targets": targets[None]}
            ((given,),) = runtime.run(program, ["nats"], prompts=live, **feeds)
            row[places] = given[: len(places)]
    return nats


def loss_gradients(
    runtime: Runtime, prompts: Sequence[Array], examples: GivenExamples, batch: int
) -> Array:
    """Gradients float32 [prompts, L, E] of the mean over examples of `example_losses`."""
    size = runtime.machine.layout.even_batch(max(1, min(batch, len(examples.inputs))))
    gradients = []
    for prompt in prompts:
        total = np.zeros(prompt.shape)
        live = LivePrompts.of(prompt)
        for _, inputs, targets in examples.batches(size):
            program = _program(runtime, prompt, inputs, targets)
            feeds = {"inputs": inputs[None], "targets": targets[None]}
            ((gradient,),) = runtime.run(program, ["gradient"], prompts=live, **feeds)
            # The program's loss is the mean over the batch's real target tokens.
            total += gradient.astype(np.float64) * np.count_nonzero(targets)
        gradients.append((total / len(examples.inputs)).astype(np.float32))
    return np.stack(gradients)


def _program(runtime: Runtime, prompt: Array | None, inputs: Any, targets: Any) -> Program:
    shapes = Shapes(
        batch=len(inputs),
        inputs=inputs.shape[1],
        targets=targets.shape[1],
        prompt_length=0 if prompt is None else len(prompt),
    )
    return runtime.program("score", shapes)
