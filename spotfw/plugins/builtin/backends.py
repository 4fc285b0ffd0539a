"""The built-in engine, named without loading it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Any, cast

from spotfw.contracts import Backend, FrozenModel
from spotfw.errors import SpotError
from spotfw.hookspecs import hookimpl

_PACKAGES = ("tensorflow", "tensorflow_text", "mesh_tensorflow", "t5", "seqio")


class MeshBackend:
    """T5 on Mesh TensorFlow; TensorFlow is imported by the first `open`."""

    name = "mesh"
    #: All weights of its models can be tuned.
    tunes_weights = True
    options = (
        "vocabulary",
        "gin",
        "activations",
        "threads",
        "cohort",
        "mesh_shape",
        "layout",
        "devices",
        "tpu",
        "tpu_topology",
        "model_parallelism",
        "iterations_per_loop",
    )

    def missing(self) -> str | None:
        """The first package of the extra ``mesh`` that is not installed."""
        return next((p for p in _PACKAGES if importlib.util.find_spec(p) is None), None)

    def check(self, **options: Any) -> None:
        """Judges what the options ask for of devices; see `OptionCheck`."""
        from spotfw.backends.mesh.devices_asked import DevicesAsked

        DevicesAsked.of(**options)

    def open(self, model: str, **options: Any) -> FrozenModel:
        """Opens a frozen model by folder, local or ``gs://``.

        Raises:
          SpotError: the extra ``mesh`` is not installed, or the folder holds no such model.
        """
        if (package := self.missing()) is not None:
            raise SpotError(
                f"The backend mesh needs the package {package}, which is not installed here. "
                'Install it with `pip install "spotfw[mesh]"`, on Python 3.10 or 3.11; or use the '
                "engine on PyTorch: --backend torch."
            )
        from spotfw.backends.mesh.engine import open_model

        return cast(FrozenModel, open_model(model, **options))


@hookimpl
def spotfw_backends() -> Iterable[Backend]:
    return [MeshBackend()]
