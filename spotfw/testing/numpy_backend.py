"""The backend that opens `NumpyModel`s."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import attrs

from spotfw.contracts import Backend, FrozenModel
from spotfw.errors import SpotError
from spotfw.hookspecs import hookimpl
from spotfw.testing.numpy_model import NumpyModel


@attrs.frozen
class NumpyBackend:
    """Opens any folder that is there, whatever it holds, as a `NumpyModel`; also a plugin.

    >>> spotfw_plugins.register(NumpyBackend(answers=("red", "blue")), "numpy")
    >>> session = spotfw.Session(str(tmp_path), backend="numpy")

    Attributes:
      answers: texts that its models can answer, in addition to `spotfw.testing.words.ANSWERS`.
      cohort: tunings of a study that a worker is given at once; see `spotfw.contracts.Cohorts`.
    """

    answers: tuple[str, ...] = ()
    cohort: int = 1
    name = "numpy"

    def open(self, model: str, **options: Any) -> FrozenModel:
        """The model of a folder; options, which other backends may have, are ignored.

        Raises:
          SpotError: there is no such folder.
        """
        if not os.path.isdir(model):
            raise SpotError(f"The model folder {model} does not exist. Check the path.")
        return NumpyModel(model, self.answers)

    @hookimpl
    def spotfw_backends(self) -> Iterable[Backend]:
        """Gives itself, so that the backend can be registered as a plugin."""
        return [self]
