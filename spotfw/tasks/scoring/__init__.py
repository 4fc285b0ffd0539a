"""Scores of decoded texts: metrics by t5's names and with t5's values, without TensorFlow.

A metric is a function of targets and predictions, what `Scorer`'s postprocessing makes of the
right texts and of those a model wrote; it gives values by name, 0 to 100. t5 is the reference,
to the bit, also where it is odd.
"""

from spotfw.tasks.scoring.named import MEAN_F1, metric_functions, reported_name
from spotfw.tasks.scoring.postprocess import WRONG, ToLabel, to_answers, to_number
from spotfw.tasks.scoring.scorer import MetricFault, MetricFn, NotScored, Scorer

__all__ = [
    "MEAN_F1",
    "WRONG",
    "MetricFault",
    "MetricFn",
    "NotScored",
    "Scorer",
    "ToLabel",
    "metric_functions",
    "reported_name",
    "to_answers",
    "to_number",
]
