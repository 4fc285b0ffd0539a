"""TensorFlow and seqio, imported quietly; every module that uses either imports this first."""

from __future__ import annotations

import warnings

from spotfw.errors import SpotError

with warnings.catch_warnings():
    # These warnings come from inside the libraries at import; a user can do nothing.
    warnings.simplefilter("ignore")
    try:
        # First, since it sets how TensorFlow is loaded.
        from spotfw.tasks.seqio.quiet import tf  # noqa: I001
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
