"""Which device a model is put on."""

from __future__ import annotations

import os

import torch

from spotfw.contracts.jobs import WORKER_NUMBER
from spotfw.errors import WrongUse


def choose_device(name: str | None = None) -> torch.device:
    """The device of a name; by default, or for ``auto``, the first of CUDA, MPS and the CPU.

    Of several CUDA devices, each worker of a study that chooses by itself takes its own.

    Raises:
      WrongUse: PyTorch knows no such device, or it is not there.
    """
    if name in (None, "auto"):
        if torch.cuda.is_available():
            number = cuda_number(torch.cuda.device_count(), os.environ.get(WORKER_NUMBER))
            return torch.device("cuda" if number is None else f"cuda:{number}")
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


def cuda_number(count: int, worker: str | None) -> int | None:
    """Which CUDA device a worker takes: workers in turn, as their numbers come.

    Args:
      count: CUDA devices that this process sees.
      worker: its number from 0, as text; None outside of a worker.

    Returns:
      the device's number; None where PyTorch's present one is meant.
    """
    if count < 2 or worker is None or not worker.isdecimal():
        return None
    return int(worker) % count


def _devices() -> list[str]:
    cards = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [*cards, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
