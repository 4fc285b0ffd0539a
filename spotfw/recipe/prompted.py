"""What a session does with a prompt that is there: scores it, runs it, weighs labels by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.config import LENGTHS, TuningSettings
from spotfw.contracts import Evaluation
from spotfw.prompts import SoftPrompt
from spotfw.recipe.asked import Place, lines_of, prompt_of, split_of
from spotfw.recipe.evaluation import VALIDATION, Scoring, check_splits
from spotfw.recipe.label_shares import label_shares
from spotfw.recipe.plans import Plans
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import pinned


class Prompted(Plans):
    """The part of a session that puts prompts in front of inputs; `Session` opens it.

    Lengths that are not given are those that the prompt was tuned with, as far as it says.
    """

    def evaluate(
        self,
        prompt: Place | SoftPrompt | None,
        task: Place | Task | Mixture,
        split: str = VALIDATION,
        **settings: Any,
    ) -> Evaluation:
        """Scores a prompt (None: no prompt) on a task's split.

        Lengths that are not given are those that the prompt was tuned with, as far as it says;
        they are raised where the task needs more.
        """
        (evaluation,) = self.evaluate_all([prompt], task, split, **settings)
        return evaluation

    def evaluate_all(
        self,
        prompts: Sequence[Place | SoftPrompt | None],
        task: Place | Task | Mixture,
        split: str = VALIDATION,
        **settings: Any,
    ) -> list[Evaluation]:
        """Scores several prompts on one split, each as `evaluate` does, by one call of the engine.

        Raises:
          SpotError: as `evaluate`, of the first that cannot be scored.
        """
        resolved = self.task(task)
        check_splits(resolved, (split_of(split),))
        resolved = pinned(resolved)
        scorings = []
        for prompt in prompts:
            loaded = None if prompt is None else self._fitting(prompt)
            chosen = self.settings(**{**_lengths(loaded), **settings})
            chosen = self._bench.fitted(chosen, resolved, settings, (split,))
            array = None if loaded is None else loaded.array
            scorings.append(Scoring(array, resolved, chosen))
        return self._bench.evaluate_all(scorings, split)

    def predict(
        self, prompt: Place | SoftPrompt | None, lines: Sequence[str], **settings: Any
    ) -> list[str]:
        """Decodes greedily for each line of text with a prompt in front; lengths as `evaluate`."""
        texts = lines_of(lines)
        loaded = None if prompt is None else self._fitting(prompt)
        chosen = self.settings(**{**_lengths(loaded), **settings})
        return self._bench.predict(None if loaded is None else loaded.array, texts, chosen)

    def label_shares(
        self,
        prompt: str | SoftPrompt | None,
        lines: Sequence[str],
        labels: Sequence[str],
        **settings: Any,
    ) -> npt.NDArray[np.float64]:
        """How likely each label is as the answer to each line, of all labels together.

        Returns:
          float64 [lines, labels]; rows add up to 1.

        Raises:
          SpotError: the engine gives no losses of examples.
        """
        loaded = None if prompt is None else self._fitting(prompt)
        chosen = self.settings(**{**_lengths(loaded), **settings})
        array = None if loaded is None else loaded.array
        with self.plugins.blaming("backend", self._bench.backend):
            return label_shares(self._bench.model, array, lines, labels, chosen)

    def _fitting(self, prompt: Place | SoftPrompt) -> SoftPrompt:
        loaded = prompt_of(prompt)
        self._bench.check(loaded)
        return loaded


def _lengths(prompt: SoftPrompt | None) -> dict[str, Any]:
    """The lengths that a prompt was tuned with, as far as it says."""
    tuned_with = {} if prompt is None else prompt.provenance.settings
    lengths = {name: tuned_with[name] for name in LENGTHS if name in tuned_with}
    TuningSettings.from_dict(lengths, "the prompt's file, or make it again")
    return lengths
