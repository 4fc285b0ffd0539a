"""What a plugin can give besides an engine: sources, initializers, metrics, strategies.

A part raises `spotfw.SpotError` (`spotfw.errors.WrongUse` for a request that makes no sense) for
what a user can correct, and the user sees it as it is. Whatever else a plugin's part raises is
reported as a fault of that plugin, with its name and version.

A part need not follow the protocols described as optional. If it has the method or attribute, that
is used as described.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from spotfw.contracts.candidates import Candidate
from spotfw.contracts.engine import Array, FrozenModel, InitContext
from spotfw.tasks.mixtures import AnyTask

if TYPE_CHECKING:
    from spotfw.ranking import Ranking


@runtime_checkable
class TaskSource(Protocol):
    """Gives tasks by name, without loading data.

    See `TaskFinder`, `UnlistedTasks` and `ShortNames` for optional methods.
    """

    name: str

    def tasks(self) -> Iterable[AnyTask]:
        """All tasks and mixtures of this source; must be cheap and import no TensorFlow.

        Called when a task is first looked up or listed, and again for each new session. A
        mixture of tasks of other sources is a `spotfw.tasks.mixtures.MixtureDefinition`.

        Raises:
          Exception: any is reported as the plugin's fault; tasks given before it are kept.
        """
        ...


@runtime_checkable
class TaskFinder(Protocol):
    """Optional for a task source: knows tasks that it does not list."""

    def find(self, name: str) -> AnyTask | None:
        """The task or mixture of a name (the source's own name left off), None if it is unknown.

        Called at each look-up of a name that no source lists. If the source has no `names`, it is
        also called for the members of listed mixtures, and must be as cheap as `tasks`.

        Raises:
          SpotError: the source knows the task but cannot give it; the message tells the user why.
          Exception: any other is reported as the plugin's fault, and counts as None.
        """
        ...


@runtime_checkable
class UnlistedTasks(TaskFinder, Protocol):
    """Optional for a task source with `find`: has tasks that are too costly to list."""

    def names(self) -> Iterable[str]:
        """All names that `find` knows; may import TensorFlow and take seconds.

        Called by ``spotfw tasks list --all`` alone. If a source has this method, its `find` is
        taken to be costly too, and is called only for a task that the user names.
        """
        ...


@runtime_checkable
class ShortNames(TaskFinder, Protocol):
    """Optional for a task source with `find`: other names of its tasks."""

    def short_names(self) -> Iterable[str]:
        """Names that `find` knows besides those listed; must be cheap.

        Called only where a task is unknown, to suggest close names.
        """
        ...


@runtime_checkable
class PromptInitializer(Protocol):
    """Starts a prompt; see `ExampleArgument` for an optional attribute."""

    name: str

    def __call__(self, context: InitContext, rng: np.random.Generator) -> Array:
        """Returns the initial prompt, float32 [context.length, E], in new memory.

        Called once for each tuning, unless that starts from another prompt or is resumed.

        Raises:
          WrongUse: `context.argument` is missing, not expected, or cannot be used.
          SpotError: no prompt can be started from what the context holds.
        """
        ...


@runtime_checkable
class ExampleArgument(Protocol):
    """Optional for an initializer that needs an argument: one to test it with.

    Attributes:
      example_argument: read by `spotfw.testing` and ``spotfw plugins check`` alone.
    """

    example_argument: str


class SimilarityMetric(ABC):
    """Compares task embeddings; higher means more alike.

    Most metrics are a dot product of one vector for each prompt, and define `features`. A metric
    that cannot be written so overrides `compare`, which then receives the stacked features of its
    choice.

    Attributes:
      name: what users ask for it by.
      measure: what its values are, in a word or two, as tables head them.
      symmetric: whether it promises the same for (a, b) and (b, a).
      range: the lowest and highest value it promises, None where there is none.
      pointwise: whether a similarity depends on its two prompts alone, and not on which
        others are compared in the same call.
      kept_as: a name under which a library may keep features on disk, for a metric that is a
        dot product and whose features depend on the prompt alone. Name them anew
        (``spread/2``) whenever they change. None: they are never kept.
    """

    name: str
    measure: str = "similarity"
    symmetric: bool = False
    range: tuple[float, float] | None = None
    pointwise: bool = True
    kept_as: str | None = None

    @abstractmethod
    def features(self, prompt: Array) -> npt.NDArray[np.floating[Any]]:
        """What is kept of a prompt [L, E] to compare it: an array [D].

        Where `compare` is overridden, any shape that is the same for all prompts [L, E]. Called
        once for each prompt of a library and each query, as long as the metric is in use.

        Raises:
          SpotError: the prompt cannot be compared.
        """

    def with_model(self, model: FrozenModel) -> SimilarityMetric:
        """The metric to use with this frozen model, by default itself.

        A session asks for it before it ranks. A metric that looks at what prompts do inside
        the model returns a copy that holds `model`, and leaves itself as it is.

        Raises:
          SpotError: the model does not give what the metric needs.
        """
        return self

    def content(self) -> Mapping[str, str]:
        """Digests, by name, of what it reads beside the prompts, the model and the target.

        By default nothing. A study asks for it when it is planned: where it has changed since, what
        the metric chose is chosen anew. A file that cannot be read now is left out.
        """
        return {}

    def compare(
        self,
        query: npt.NDArray[np.floating[Any]],
        stack: npt.NDArray[np.floating[Any]],
    ) -> npt.NDArray[np.floating[Any]]:
        """Similarities [N] of features [D] with each of [N, D]: finite numbers.

        Raises:
          SpotError: they cannot be compared. Anything but N finite numbers is reported as a
            fault of the metric.
        """
        similarities: npt.NDArray[np.floating[Any]] = stack @ query
        return similarities

    def __call__(self, a: Array, b: Array) -> float:
        """The similarity of two prompts [L, E]."""
        return float(self.compare(self.features(a), self.features(b)[None])[0])


@runtime_checkable
class SourceTasks(Protocol):
    """Optional for a metric: looks at which tasks the prompts are of, and not at prompts alone."""

    def with_sources(self, sources: Sequence[str | None], target: str | None) -> SimilarityMetric:
        """A copy whose `compare` is with prompts of these tasks; the metric stays as it is.

        Called by a library before each ranking. `compare` is then called with their features, all
        of them in this order. If the copy has a text ``note``, it stands among the ranking's.

        Args:
          sources: each prompt's task, None where it names none.
          target: what is ranked for, None where that is not known.

        Raises:
          SpotError: what it looks at is not there.
        """
        ...


@runtime_checkable
class SelectionStrategy(Protocol):
    """Turns a ranking into candidates; a pure function that knows no backend."""

    name: str

    def __call__(self, ranking: Ranking, k: int) -> Sequence[Candidate]:
        """The candidates, one or more; the engine runs all and keeps the best on validation.

        Args:
          ranking: the library's prompts by falling similarity; may be empty.
          k: how many sources may be used, 1 or more; the ranking may have fewer.

        Raises:
          WrongUse: nothing can be chosen from this ranking, or `k` makes no sense.
        """
        ...
