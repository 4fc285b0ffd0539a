"""Which device a model is put on."""

from __future__ import annotations

import torch

from spotfw.errors import WrongUse


def choose_device(name: str | None = None) -> torch.device:
    """The device of a name; by default, or for ``auto``, the first of CUDA, MPS and the CPU.

    Raises:
      WrongUse: PyTorch knows no such device, or it is not there.
    """
    if name in (None, "auto"):
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = (str(error).splitlines() or ["no reason given"])[0]
        raise WrongUse(
            f"The device {name!r} cannot be used: {why:.200}. There are here: "
            f"{', '.join(_devices())}."
        ) from error
    return device


def _devices() -> list[str]:
    cards = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [*cards, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
