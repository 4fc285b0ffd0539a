"""Settings of tunings that take a moment, for tests on the tiny tasks."""

from __future__ import annotations

#: Two checkpoints of a short prompt.
MOMENT = {
    "steps": 4,
    "batch_size": 8,
    "prompt_length": 4,
    "checkpoint_every": 2,
    "embedding_step": 2,
    "max_input_length": 16,
    "max_target_length": 4,
    "eval_batch_size": 20,
}
