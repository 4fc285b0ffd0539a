"""TensorFlow and seqio, imported quietly; every module that uses either imports this first."""

from __future__ import annotations

import logging
import os
import warnings

from spotfw.errors import SpotError

# Read by TensorFlow's C++ side when it is first loaded: no start-up chatter on stderr.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

# Takes seconds: the command line shows this line.
logging.getLogger("spotfw.waiting").info("Loading TensorFlow ...")

with warnings.catch_warnings():
    # These warnings come from inside the libraries at import; a user can do nothing.
    warnings.simplefilter("ignore")
    try:
        import tensorflow.compat.v1 as tf

        tf.logging.set_verbosity(tf.logging.ERROR)
        logging.getLogger("absl").setLevel(logging.ERROR)

        import seqio
        import t5.data
        import t5.evaluation
    except ModuleNotFoundError as error:
        raise SpotError(
            f"The package {error.name} is not installed, which Mesh TensorFlow's checkpoints and "
            'tasks that are seqio\'s own need. Install it with `pip install "spotfw[mesh]"`, on '
            "Python 3.10 or 3.11; everything else works without it."
        ) from error

__all__ = ["seqio", "t5", "tf"]
