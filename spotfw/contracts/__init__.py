"""What a plugin can give, and the values that pass through it.

Parts (`TaskSource`, `PromptInitializer`, `SimilarityMetric`, `SelectionStrategy`), engines
(`Backend`, `FrozenModel`), candidates, named models, and executors (`Executor`, `JobPool`) with
the jobs that they do.
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
from spotfw.contracts.jobs import (
    Executor,
    JobEnded,
    JobPool,
    JobProgress,
    ReportProgress,
    Work,
    Worker,
    WorkerStart,
)
from spotfw.contracts.models import DemoPlan, NamedModel
from spotfw.contracts.optional import (
    Cohorts,
    FolderKind,
    OptionCheck,
    OptionNames,
    Requirements,
    SettingsCheck,
)
from spotfw.contracts.parts import (
    ExampleArgument,
    PromptInitializer,
    SelectionStrategy,
    ShortNames,
    SimilarityMetric,
    SourceTasks,
    TaskFinder,
    TaskSource,
    UnlistedTasks,
)
from spotfw.contracts.signals import TargetContext, TargetSignal
from spotfw.contracts.weights import (
    TunesWeights,
    WeightCheckpoint,
    WeightProgress,
    WeightTuneRequest,
    WeightTuning,
)

__all__ = [
    "Array",
    "Backend",
    "Candidate",
    "Cohorts",
    "DemoPlan",
    "Evaluation",
    "ExampleArgument",
    "Executor",
    "FolderKind",
    "FrozenModel",
    "InitContext",
    "JobEnded",
    "JobPool",
    "JobProgress",
    "NamedModel",
    "OptionCheck",
    "OptionNames",
    "PromptInitializer",
    "Race",
    "ReportProgress",
    "Requirements",
    "SelectionStrategy",
    "SettingsCheck",
    "ShortNames",
    "SimilarityMetric",
    "SourceTasks",
    "Start",
    "StartFromAverage",
    "StartFromMixture",
    "StartFromPrompt",
    "StartFromScratch",
    "TargetContext",
    "TargetSignal",
    "TaskFinder",
    "TaskSource",
    "TuneProgress",
    "TuneRequest",
    "TunesWeights",
    "TuningState",
    "UnlistedTasks",
    "Vocabulary",
    "WeightCheckpoint",
    "WeightProgress",
    "WeightTuneRequest",
    "WeightTuning",
    "Work",
    "Worker",
    "WorkerStart",
]
