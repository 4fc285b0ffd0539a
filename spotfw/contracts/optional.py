"""What a backend may have beside its contract: each is looked for, none is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from spotfw.config import TuningSettings


@runtime_checkable
class OptionNames(Protocol):
    """Optional for a backend: the names of what its `open` takes.

    Attributes:
      options: read when a study is planned, so that a misspelt name is refused before a model
        is opened.
    """

    options: Sequence[str]


@runtime_checkable
class OptionCheck(Protocol):
    """Optional for a backend: judges options early. Called when a session is made."""

    def check(self, **options: Any) -> None:
        """Looks at options of `open`, as the user gave them. Cheap: nothing heavy is imported.

        Raises:
          WrongUse: one cannot be used, or they do not go together. `open` refuses them too.
        """
        ...


@runtime_checkable
class SettingsCheck(Protocol):
    """Optional for a frozen model: judges a tuning's settings before its run's folder is made."""

    def check_settings(self, settings: TuningSettings) -> None:
        """Called for each tuning. Cheap: nothing is computed.

        Raises:
          WrongUse: the model, as it was opened, cannot be tuned so. `tune` refuses it too.
        """
        ...


@runtime_checkable
class FolderKind(Protocol):
    """Optional for a backend: the kind of model folder its `open` reads.

    Attributes:
      reads: ``mesh`` (what a backend without this attribute reads) or ``huggingface``. Of a
        model that goes by a name, the backend is given the folder of this kind.
    """

    reads: str


@runtime_checkable
class Requirements(Protocol):
    """Optional for a backend: whether what it needs beside spotfw is installed."""

    def missing(self) -> str | None:
        """The first package that is missing, or None. Cheap: nothing heavy is imported."""
        ...


@runtime_checkable
class Cohorts(Protocol):
    """Optional for a backend: how many requests of one shape its models gladly tune together.

    Attributes:
      cohort: 1 or more; a backend without it tunes one after the other. Read before a model is
        opened: a study gives a worker that many of its tunings at once. `FrozenModel.tune` takes
        any number all the same.
    """

    @property
    def cohort(self) -> int: ...
