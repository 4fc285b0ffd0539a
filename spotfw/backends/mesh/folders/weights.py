"""What must be true of a frozen model's weights, in either kind of folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.errors import SpotError


def check_type(kind: str, name: str, where: str) -> None:
    """Refuses what is stored as something else than a T5's weights are.

    Args:
      kind: NumPy's name of the dtype.
      name: of the variable.
      where: the folder or file it is in.

    Raises:
      SpotError: it is no floating point number's.
    """
    if kind not in ("float32", "bfloat16", "float16", "float64"):
        raise SpotError(
            f"The variable {name} of {where} is stored as {kind}, and a T5's are floating point "
            "numbers. The checkpoint is another model's or damaged: copy it again, or give the "
            "folder of a T5 1.1 checkpoint."
        )


def check_finite(value: npt.NDArray[Any], name: str, where: str) -> None:
    """Refuses weights that are NaN or infinite: the output of such a model is noise.

    Args:
      value: one variable, floating point.
      name: of the variable.
      where: the folder or file it was read from.

    Raises:
      SpotError: a value is NaN or infinite.
    """
    bad = int(value.size - np.count_nonzero(np.isfinite(value)))
    if bad:
        raise SpotError(
            f"The variable {name} of {where} holds {bad:,} values that are NaN or infinite, as "
            "after training that diverged or a float16 copy whose values overflowed. Take a "
            "float32 or bfloat16 copy of the model."
        )


def check_variables(
    expected: Mapping[str, tuple[int, ...]],
    stored: Mapping[str, tuple[int, ...]],
    where: str = "the checkpoint",
) -> None:
    """Checks that a checkpoint holds a model's variables, and nothing else.

    Args:
      expected: the model's variables, name -> shape.
      stored: the checkpoint's trained variables, name -> shape.
      where: what to call the checkpoint.

    Raises:
      SpotError: names the first few missing, extra and misshapen variables and counts them.
    """
    missing = [name for name in expected if name not in stored]
    extra = [name for name in stored if name not in expected]
    misshapen = [
        f"{name} is {list(stored[name])}, not {list(shape)}"
        for name, shape in expected.items()
        if name in stored and tuple(stored[name]) != tuple(shape)
    ]
    wrong = [
        f"{len(names)} {what} ({separator.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names, separator in (
            ("missing", missing, ", "),
            ("unexpected", extra, ", "),
            ("of another shape", misshapen, "; "),
        )
        if names
    ]
    if wrong:
        raise SpotError(
            f"The variables of {where} do not fit the model: {', '.join(wrong)}. Of the model's "
            f"{len(expected)} variables, {len(expected) - len(missing) - len(misshapen)} fit. "
            "Give the gin configuration or config.json that belongs to these weights "
            "(layers, d_model, heads, vocabulary), or a complete checkpoint."
        )


def fingerprint(
    shapes: Mapping[str, tuple[int, ...]], read: Callable[[str], npt.NDArray[np.float32]]
) -> str:
    """A name for a model's weights: 32 hex digits, the same in either kind of folder.

    The first half is what spotfw 0.1 called the fingerprint, a sha256 over the names and
    shapes, the 1-D variables (layer norms), the relative attention biases and the first 8 rows
    of the embeddings; prompts of that version still find their model by it
    (`spotfw.prompts.same_model`). The second half is of every value of every variable.

    Args:
      shapes: of the trained variables, by Mesh TF's names of today, in Mesh TF's layout.
      read: gives a variable, float32, in that layout; called once for each, by name.
    """
    first, second = hashlib.sha256(), hashlib.sha256()
    names = sorted(shapes)
    for name in names:
        first.update(f"{name} {list(shapes[name])}\n".encode())
    second.update(first.digest())
    for name in names:
        value = np.ascontiguousarray(read(name), dtype="<f4")
        second.update(value.data)
        if len(shapes[name]) == 1 or name.endswith("relative_attention_bias"):
            first.update(value.data)
        elif name == "shared/embedding":
            first.update(value[:8].data)
    return first.hexdigest()[:16] + second.hexdigest()[:16]
