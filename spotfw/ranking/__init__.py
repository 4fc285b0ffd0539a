"""Rankings: sources by similarity to a target, and how good such an order is."""

from spotfw.ranking.explanation import Explained, Explanation
from spotfw.ranking.order import Ranked, Ranking, in_order

__all__ = ["Explained", "Explanation", "Ranked", "Ranking", "in_order"]
