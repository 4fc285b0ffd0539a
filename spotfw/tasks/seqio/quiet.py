"""TensorFlow, imported quietly and without what nothing here uses.

TensorFlow 2.15 imports two packages only to be complete, which take a third of its time: JAX, for
a converter of JAX's functions to TensorFlow Lite, and Keras's optimizers, to be known when a
saved model is opened. Both are optional to it. They are kept back while TensorFlow is imported,
and imported as ever by whoever asks for them afterwards.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

# Read by TensorFlow's C++ side when it is first loaded: no start-up chatter on stderr.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

_OPTIONAL = ("jax", "tf_keras.src.optimizers", "keras.src.optimizers")


@contextlib.contextmanager
def without(*modules: str) -> Iterator[None]:
    """A context in which these modules cannot be imported, unless they were before."""
    kept_back = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(kept_back))  # type: ignore[arg-type]  # None: as if absent
    try:
        yield
    finally:
        for name in kept_back:
            sys.modules.pop(name, None)


# Takes seconds: the command line shows this line, and a terminal counts until the import is over.
logging.getLogger("spotfw.waiting").info("Loading TensorFlow ...")

with warnings.catch_warnings(), without(*_OPTIONAL):
    # These warnings come from inside the library at import; a user can do nothing.
    warnings.simplefilter("ignore")
    import tensorflow.compat.v1 as tf

logging.getLogger("spotfw.waiting").debug("TensorFlow is loaded.")
tf.logging.set_verbosity(tf.logging.ERROR)
logging.getLogger("absl").setLevel(logging.ERROR)

__all__ = ["tf", "without"]
