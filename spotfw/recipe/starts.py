"""The prompt before the first step: a given one, or an initializer's (paper 2.1.2)."""

from __future__ import annotations

import os
from typing import Any

import attrs
import numpy as np

from spotfw import files
from spotfw.contracts import Array, FrozenModel
from spotfw.errors import BrokenPart
from spotfw.plugins import Plugins
from spotfw.plugins.strangers import shown
from spotfw.prompts import SoftPrompt, check_fits
from spotfw.prompts.prompt import warn_of_other_model
from spotfw.tasks import Mixture, Task
from spotfw.tasks.rows.digests import file_digest


def initial_prompt(
    model: FrozenModel,
    task: Task | Mixture,
    plugins: Plugins,
    *,
    length: int,
    seed: int,
    initializer: str,
    start: SoftPrompt | None,
    asked: str | None = None,
) -> Array:
    """The prompt before the first step, float32 [length, E].

    Args:
      model, task: what it is for.
      plugins: where initializers come from.
      length: prompt tokens.
      seed: of the run.
      initializer: ``NAME[:ARGUMENT]`` or ``NAME:key=value``.
      start: a prompt to start from instead.
      asked: what the model was asked for by, where that is not a folder.

    Raises:
      SpotError: there is no such initializer, it fails or gives no such array, or `start`
        does not fit the model.
    """
    if start is not None:
        warn_of_other_model(start, asked or model.name)
        check_fits(start, length=length, width=model.width, fingerprint=model.fingerprint)
        return np.ascontiguousarray(start.array, dtype=np.float32)
    part, argument = plugins.parse_initializer(initializer)
    labels = task.labels if isinstance(task, Task) else ()
    # Apart from the streams of the data's order and of dropout, which take the seed as is.
    rng = np.random.default_rng([seed, 0x5EED])
    context = model.init_context(length, labels, argument)
    # What is frozen stays so, whatever an initializer does to what it is shown.
    embeddings = np.asarray(context.embeddings).view()
    embeddings.flags.writeable = False
    context = attrs.evolve(context, embeddings=embeddings, model=asked or model.name)
    with plugins.blaming("initializer", initializer):
        return _checked(part(context, rng), (length, model.width), initializer)


def digest_of_file(initializer: str) -> str:
    """A digest of the file that an initializer's argument names, empty where it names none."""
    path = initializer.partition(":")[2]
    if not path or files.is_remote(path) or not os.path.isfile(path):
        return ""
    return file_digest(path)


def _checked(given: Any, shape: tuple[int, int], initializer: str) -> Array:
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "fiu" or given.ndim > 3:
        raise BrokenPart(
            f"The initializer {initializer!r} gave {shown(given)}, where an array of real numbers "
            f"of shape {list(shape)} is wanted. Mend the plugin it comes from."
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
        array: Array = np.ascontiguousarray(given, dtype=np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise BrokenPart(
            f"The initializer {initializer!r} gave a prompt of shape {list(array.shape)}"
            f"{'' if np.isfinite(array).all() else ' with values that are no numbers'}, where "
            f"{list(shape)} is wanted. Mend the plugin it comes from."
        )
    return array
