"""Makes mesh-tensorflow 0.1.21 and t5 0.9.4's models importable on TensorFlow 2.15.

Every module of this backend imports this one before either library. Two shims, and
nothing else:

1. Mesh TF registers a tensor conversion through `tensorflow.python.framework.ops`, where
   TensorFlow 2.13 no longer has that function; it lives in `tensor_conversion_registry`.
2. `t5.models` imports its Hugging Face model and with it torch, which t5 does not declare.
   Where torch is absent a stand-in module takes its place and says so when used.
"""

from __future__ import annotations

import importlib.util
import sys
import types
import warnings
from typing import Any

from spotfw.tasks.seqio.compat import seqio, t5, tf

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorflow.python.framework import ops as _ops
    from tensorflow.python.framework import tensor_conversion_registry as _registry

    if not hasattr(_ops, "register_tensor_conversion_function"):
        _ops.register_tensor_conversion_function = _registry.register_tensor_conversion_function

    if importlib.util.find_spec("torch") is None and "t5.models.hf_model" not in sys.modules:

        class _WithoutTorch:
            """Stands in for t5's PyTorch model."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                raise ImportError("t5.models.HfPyTorchModel needs torch, which is not installed.")

        _module = types.ModuleType("t5.models.hf_model")
        _module.HfPyTorchModel = _WithoutTorch  # type: ignore[attr-defined]
        sys.modules["t5.models.hf_model"] = _module

    import mesh_tensorflow
    import t5.models.mesh_transformer  # registers the gin names T5's files use
    from mesh_tensorflow.transformer import transformer, transformer_layers
    from mesh_tensorflow.transformer import utils as transformer_utils

__all__ = [
    "mesh_tensorflow",
    "seqio",
    "t5",
    "tf",
    "transformer",
    "transformer_layers",
    "transformer_utils",
]
