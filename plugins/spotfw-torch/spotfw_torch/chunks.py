"""Splits many prompts on many examples into model runs that fit in memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from spotfw_torch.examples import MULTIPLE, Ids, Indices, padded_length
from spotfw_torch.model import FrozenT5

#: Encoder positions of one run, all prompts' and examples' together.
POSITIONS = 131_072

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def without_gradients(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """The function in torch's inference mode; unlike torch's decorator it keeps its types."""

    @functools.wraps(function)
    def run(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        with torch.inference_mode():
            return function(*args, **kwargs)

    return run


def stacked(
    model: FrozenT5, prompts: Sequence[npt.NDArray[np.float32]] | npt.NDArray[np.float32]
) -> torch.Tensor:
    """Prompts [P, L, E], float32 on the model's device.

    Raises:
      ValueError: there are none, or their lengths differ, or their width is not the model's.
    """
    shapes = {np.shape(prompt) for prompt in prompts}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[1] != model.width:
        raise ValueError(
            f"{len(prompts)} prompts of shapes {sorted(map(str, shapes)) or 'none'}: one or more "
            f"of one shape [L, {model.width}] are needed"
        )
    return torch.from_numpy(np.stack([np.asarray(prompt, np.float32) for prompt in prompts])).to(
        model.device
    )


def runs(
    prompts: int,
    prompt_length: int,
    lengths: Indices,
    positions: int,
    multiple: int = MULTIPLE,
) -> Iterator[tuple[slice, Indices, int]]:
    """The runs that take every prompt to every example, those of like lengths together.

    Args:
      prompts: how many.
      prompt_length: of each.
      lengths: real tokens of each example.
      positions: most encoder positions of a run; a run has at least one row.
      multiple: of it inputs are padded to.

    Yields:
      a slice of the prompts, the examples' indices, and the length they are padded to.
    """
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        length = padded_length(int(lengths[order[first]]), multiple)
        rows = max(1, positions // (prompt_length + length))
        # As many examples as fit under one prompt; as many prompts as then still fit.
        chosen = order[first : first + rows]
        together = max(1, rows // len(chosen))
        for prompt in range(0, prompts, together):
            yield slice(prompt, min(prompt + together, prompts)), chosen, length
        first += len(chosen)


def on_device(
    model: FrozenT5, ids: Ids, chosen: Indices, length: int, prompts: int
) -> torch.Tensor:
    """Rows of ids, cut or padded to a length, the same for each prompt: int64 [P, N, length]."""
    rows = np.zeros((len(chosen), length), np.int64)
    width = min(length, ids.shape[1])
    rows[:, :width] = ids[chosen, :width]
    return torch.from_numpy(rows).to(model.device).expand(prompts, -1, -1)
