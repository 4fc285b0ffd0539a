"""What a tuning is asked for, what is heard of it, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from spotfw.config import TuningSettings
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.ranking.markup import html_table
from spotfw.recipe.run_folder import Scored
from spotfw.tasks import Mixture, Task


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TunedPrompt:
    """A learned prompt.

    Attributes:
      best: the checkpoint with the highest validation score.
      embedding: the early checkpoint that stands for the task (paper 3.1.3).
      final: the prompt after the last step.
      history: every checkpoint's scores, in order.
      folder: where the run lies.
    """

    best: SoftPrompt
    embedding: SoftPrompt
    final: SoftPrompt
    history: tuple[Scored, ...]
    folder: str

    @property
    def score(self) -> float:
        """The best checkpoint's validation score."""
        return max(entry.score for entry in self.history)

    def _repr_html_(self) -> str:
        """As a notebook shows it: the scores of its checkpoints."""
        best = self.best.provenance.step
        metrics = list(self.history[-1].metrics)
        return html_table(
            f"{self.best.provenance.task or 'A prompt'}: {self.score:.2f} at step {best:,}"
            if best is not None
            else f"{self.score:.2f}",
            ("step", "loss", *metrics, "score", ""),
            [
                (
                    *(entry.step, f"{entry.loss:.4g}"),
                    *(entry.metrics.get(name) for name in metrics),
                    *(entry.score, "best" if entry.step == best else ""),
                )
                for entry in self.history
            ],
        )

    def __repr__(self) -> str:
        return f"TunedPrompt(score={self.score:g}, folder={self.folder!r})"


@attrs.frozen(kw_only=True)
class Report:
    """What an observer hears of a tuning.

    Attributes:
      task: its name.
      source: where it starts, ``from glue_mnli (seed 0)``; empty for an initializer.
      step, steps: updates done, and in all.
      loss: mean since the last report.
      score, best: of the checkpoint just scored (None otherwise) and the best so far.
      run: its folder, which tells it from others side by side.
      beside: how many run side by side in one call of the engine, this one counted.
    """

    task: str
    step: int
    steps: int
    loss: float
    score: float | None
    best: float | None
    run: str = ""
    beside: int = 1
    source: str = ""


Observer = Callable[[Report], None]


@attrs.frozen(kw_only=True, eq=False)
class Tuning:
    """A tuning asked for.

    Attributes:
      task: what to learn; a mixture is scored by its members' mean.
      settings: the recipe.
      out: the run's folder.
      initializer: ``NAME[:ARGUMENT]``; ``prompt:FILE`` starts from a prompt.
      start: a prompt to start from, in place of the initializer.
      resume: go on with the run in `out`, if there is one.
      observer: hears of progress.
      until: updates after which it pauses, None where it goes on to the end of `settings`. A run
        that has done more already is given as it is.
    """

    task: Task | Mixture
    settings: TuningSettings
    out: str
    initializer: str = "sampled_vocab"
    start: SoftPrompt | None = None
    resume: bool = False
    observer: Observer | None = None
    until: int | None = None

    @property
    def last(self) -> int:
        """Updates after which it ends or pauses."""
        steps = self.settings.steps
        return steps if self.until is None else min(self.until, steps)

    @property
    def source(self) -> str:
        """Where it starts, in words, ``from glue_mnli (seed 0)``; empty for an initializer."""
        return "" if self.start is None else f"from {_origin(self.start.provenance)}"


def _origin(start: Provenance) -> str:
    members = start.settings.get("average_of")
    if isinstance(members, list) and all(isinstance(m, dict) for m in members):
        # A file may say anything here.
        return " + ".join(f"{m.get('weight')!s:.4} {m.get('task') or 'a prompt'}" for m in members)
    seed = "" if start.seed is None else f" (seed {start.seed})"
    return f"{start.task or 'a prompt'}{seed}"
