"""What a plugin can give, and the values that pass through it.

Parts (`TaskSource`, `PromptInitializer`, `SimilarityMetric`, `SelectionStrategy`), engines
(`Backend`, `FrozenModel`), candidates, named models, and what does a study's jobs.
"""

from spotfw.contracts.candidates import (
    Candidate,
    Race,
    Start,
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.contracts.engine import (
    Array,
    Backend,
    Evaluation,
    FrozenModel,
    InitContext,
    TuneProgress,
    TuneRequest,
    TuningState,
    Vocabulary,
)
from spotfw.contracts.models import DemoPlan, NamedModel
from spotfw.contracts.parts import (
    PromptInitializer,
    SelectionStrategy,
    SimilarityMetric,
    TaskSource,
)

__all__ = [
    "Array",
    "Backend",
    "Candidate",
    "DemoPlan",
    "Evaluation",
    "FrozenModel",
    "InitContext",
    "NamedModel",
    "PromptInitializer",
    "Race",
    "SelectionStrategy",
    "SimilarityMetric",
    "Start",
    "StartFromAverage",
    "StartFromMixture",
    "StartFromPrompt",
    "StartFromScratch",
    "TaskSource",
    "TuneProgress",
    "TuneRequest",
    "TuningState",
    "Vocabulary",
]
