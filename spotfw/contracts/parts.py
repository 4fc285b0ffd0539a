"""What a plugin can give beside an engine: sources, initializers, metrics, strategies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from spotfw.contracts.candidates import Candidate
from spotfw.contracts.engine import Array, FrozenModel, InitContext
from spotfw.tasks.mixtures import Found

if TYPE_CHECKING:
    from spotfw.ranking import Ranking


@runtime_checkable
class TaskSource(Protocol):
    """Gives tasks by name, without loading data."""

    name: str

    def tasks(self) -> Iterable[Found]:
        """All tasks and mixtures of this source; must be cheap and import no TensorFlow.

        A mixture of tasks of other sources is a `spotfw.tasks.mixtures.MixtureDefinition`.
        """
        ...


@runtime_checkable
class PromptInitializer(Protocol):
    """Starts a prompt."""

    name: str

    def __call__(self, context: InitContext, rng: np.random.Generator) -> Array:
        """Returns the initial prompt, float32 [context.length, E]."""
        ...


class SimilarityMetric(ABC):
    """Compares task embeddings; higher means more alike.

    Most metrics are a dot product of one vector a prompt: give `features`. What cannot be
    written so overrides `compare`, which then receives the stacked features of its choice.

    Attributes:
      name: what users ask for it by.
      symmetric: whether it promises the same for (a, b) and (b, a).
      range: the lowest and highest value it promises, None where there is none.
      pointwise: whether a similarity depends on its two prompts alone, and not on which
        others are compared in the same call.
    """

    name: str
    symmetric: bool = False
    range: tuple[float, float] | None = None
    pointwise: bool = True

    @abstractmethod
    def features(self, prompt: Array) -> npt.NDArray[np.floating[Any]]:
        """What is kept of a prompt [L, E] to compare it: an array [D].

        Where `compare` is overridden, any shape that is the same for all prompts [L, E].
        """

    def with_model(self, model: FrozenModel) -> SimilarityMetric:
        """The metric to use beside this frozen model, by default itself.

        A session asks for it before it ranks. A metric that looks at what prompts do inside
        the model returns a copy that holds `model`, and leaves itself as it is.
        """
        return self

    def compare(
        self,
        query: npt.NDArray[np.floating[Any]],
        stack: npt.NDArray[np.floating[Any]],
    ) -> npt.NDArray[np.floating[Any]]:
        """Similarities [N] of features [D] with each of [N, D]."""
        similarities: npt.NDArray[np.floating[Any]] = stack @ query
        return similarities

    def __call__(self, a: Array, b: Array) -> float:
        """The similarity of two prompts [L, E]."""
        return float(self.compare(self.features(a), self.features(b)[None])[0])


@runtime_checkable
class SelectionStrategy(Protocol):
    """Turns a ranking into candidates; a pure function that knows no backend."""

    name: str

    def __call__(self, ranking: Ranking, k: int) -> Sequence[Candidate]:
        """The candidates; the engine runs all and keeps the best on validation."""
        ...
