"""More ways to compare task embeddings: one module a concept, each with its source.

Every metric of prompts alone is symmetric, higher means more alike, and computes in double
precision. All but the distances are blind to a common factor of a prompt's values. Signals ask
the target's examples what each source prompt does on them, and past transfers what each source
did elsewhere.
"""

from spotfw_metrics.alignment import LinearCKA
from spotfw_metrics.centred import LibraryCentredCosine
from spotfw_metrics.euclidean import MeanTokenEuclidean, PromptEuclidean
from spotfw_metrics.first_steps import FirstStepsLossDrop
from spotfw_metrics.gradients import GradientAlignment
from spotfw_metrics.likelihoods import LabelCentredLoss, ZeroStepLoss
from spotfw_metrics.matching import BestMatchTokenCosine
from spotfw_metrics.neurons import ActivatedNeurons
from spotfw_metrics.past_transfers import PastTransfers
from spotfw_metrics.subspace import SubspaceOverlap
from spotfw_metrics.whole import PromptCosine

__all__ = [
    "ActivatedNeurons",
    "BestMatchTokenCosine",
    "FirstStepsLossDrop",
    "GradientAlignment",
    "LabelCentredLoss",
    "LibraryCentredCosine",
    "LinearCKA",
    "MeanTokenEuclidean",
    "PastTransfers",
    "PromptCosine",
    "PromptEuclidean",
    "SubspaceOverlap",
    "ZeroStepLoss",
]
