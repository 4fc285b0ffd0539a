"""Tasks and mixtures: what they ask, where their rows come from, how they are scored."""

from spotfw.tasks.example import Example
from spotfw.tasks.task import (
    EXAMPLES_LIMIT,
    Mixture,
    Task,
    check_data,
    check_split_names,
    labels_in,
    proportional_rates,
    unknown_split,
)

__all__ = [
    "EXAMPLES_LIMIT",
    "Example",
    "Mixture",
    "Task",
    "check_data",
    "check_split_names",
    "labels_in",
    "proportional_rates",
    "unknown_split",
]
