"""The built-in engine, named without loading it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from spotfw.contracts import Backend, FrozenModel
from spotfw.hookspecs import hookimpl


class MeshBackend:
    """T5 on Mesh TensorFlow; TensorFlow is imported by the first `open`."""

    name = "mesh"
    options = ("vocabulary", "gin", "activations", "threads")

    def open(self, model: str, **options: Any) -> FrozenModel:
        """Opens a frozen model by folder, local or ``gs://``."""
        from spotfw.backends.mesh.engine import open_model

        return cast(FrozenModel, open_model(model, **options))


@hookimpl
def spotfw_backends() -> Iterable[Backend]:
    return [MeshBackend()]
