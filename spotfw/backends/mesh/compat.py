"""Makes mesh-tensorflow 0.1.21 importable on TensorFlow 2.15, and no more with it than it needs.

Every module of this backend imports this one before the library. Mesh TF registers a tensor
conversion through `tensorflow.python.framework.ops`, where TensorFlow 2.13 no longer has that
function; it lives in `tensor_conversion_registry`.

Beside a transformer Mesh TF has programs that read TFDS and train by estimators, so it imports
TensorFlow Datasets, TensorFlow's estimators and Keras, of which nothing runs here: two thirds of
what starting takes. While it is imported, `_Later` stands for these, and the little that Mesh TF
and gin use of the estimators comes from where the estimators have it from.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spotfw.errors import SpotError
from spotfw.tasks.seqio.quiet import tf

_UNUSED = (
    "tensorflow_datasets",
    "tensorflow.python.tpu.tpu_config",
    "tensorflow.python.tpu.tpu_estimator",
)


class _Later(types.ModuleType):
    """Stands for a module, which is imported when something of it is first used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what modules are looked through for by others
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


class _ModeKeys:
    """As `tf.estimator.ModeKeys`."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


@contextlib.contextmanager
def _later(*modules: str) -> Iterator[None]:
    """A context in which importing these modules imports nothing, unless they were before."""
    stand_ins = {name: _Later(name) for name in modules if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


def _spare_estimators() -> None:
    """What Mesh TF and gin use of the estimators, without importing them."""
    used = {
        "ModeKeys": _ModeKeys,
        "SessionRunHook": tf.train.SessionRunHook,
        "CheckpointSaverListener": tf.train.CheckpointSaverListener,
    }
    for place in (tf, sys.modules["tensorflow"]):
        if "EstimatorSpec" not in vars(place.estimator):  # else they are imported
            # A module that loads itself when a name is missing; then these are its own.
            vars(place.estimator).update(used)


with warnings.catch_warnings():
    # These warnings come from inside the libraries at import; a user can do nothing.
    warnings.simplefilter("ignore")
    from tensorflow.python.framework import ops as _ops
    from tensorflow.python.framework import tensor_conversion_registry as _registry

    if not hasattr(_ops, "register_tensor_conversion_function"):
        _ops.register_tensor_conversion_function = _registry.register_tensor_conversion_function

    _spare_estimators()
    with _later(*_UNUSED):
        import mesh_tensorflow
        from mesh_tensorflow.transformer import transformer, transformer_layers
        from mesh_tensorflow.transformer import utils as transformer_utils


def t5_gin() -> Path:
    """The folder of the gin files in the t5 library, which is not imported for them.

    Raises:
      SpotError: it is not installed.
    """
    spec = importlib.util.find_spec("t5")
    if spec is None or spec.origin is None:
        raise SpotError(
            "The package t5 is not installed, whose files describe T5's sizes. Install it with "
            '`pip install "spotfw[mesh]"`.'
        )
    return Path(spec.origin).parent / "models" / "gin"


__all__ = [
    "mesh_tensorflow",
    "t5_gin",
    "tf",
    "transformer",
    "transformer_layers",
    "transformer_utils",
]
