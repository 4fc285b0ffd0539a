"""More ways to use a ranking: softmax averages, diverse tasks, racing."""

from spotfw_strategies.diverse import TaskDiverseTopK
from spotfw_strategies.racing import NoiseRacingTopK, RacingTopK
from spotfw_strategies.softmax import SoftmaxWeightedAverage

__all__ = ["NoiseRacingTopK", "RacingTopK", "SoftmaxWeightedAverage", "TaskDiverseTopK"]
