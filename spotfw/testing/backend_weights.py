"""What a backend that tunes all weights of a model promises of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spotfw.config import ModelTuningSettings
from spotfw.contracts import FrozenModel, WeightProgress, WeightTuneRequest, WeightTuning
from spotfw.testing.backend_losses import EXAMPLES
from spotfw.testing.backend_promises import LINES, SETTINGS, SUITE, BackendSubject
from spotfw.testing.suites import Skip, expect

#: Of the tunings: a checkpoint after the second step, and after the last.
_TUNING = ModelTuningSettings(
    steps=3, batch_size=4, checkpoint_every=2, max_input_length=16, max_target_length=4, seed=7
)


@SUITE.check
def weights(s: BackendSubject) -> None:
    """All weights: folders of checkpoints open like models, and a tuning goes on from them."""
    model = s.opened
    if not isinstance(model, WeightTuning):
        raise Skip("the backend tunes no weights.")
    expect(model.checkpoint_bytes(_TUNING) > 0, "expected the bytes that a checkpoint takes.")
    before, answers = _losses(model), _answers(model)
    with tempfile.TemporaryDirectory(prefix="spotfw-") as place:
        whole = _tuned(s, Path(place, "whole"))
        steps = [step for step, _ in whole]
        expect(steps == [2, 3], f"expected checkpoints after the steps 2 and 3, got {steps}.")
        expect(
            np.array_equal(_losses(model), before) and _answers(model) == answers,
            "expected the opened model to stay as it is while its weights are tuned.",
        )
        expect(
            not np.array_equal(whole[-1][1], before),
            "expected tuned weights to give other losses, but they are the model's.",
        )
        again = _tuned(s, Path(place, "again"), 2, str(Path(place, "whole", "2")))
        expect(
            [step for step, _ in again] == [3] and np.array_equal(again[0][1], whole[-1][1]),
            "expected the same weights from the checkpoint's folder on as without a break.",
        )
        opened = s.backend.open(str(Path(place, "whole", "3")), **s.options)
        try:
            expect(
                opened.fingerprint != model.fingerprint,
                "expected a fingerprint of its own where weights were tuned.",
            )
            expect(
                np.array_equal(_losses(opened), whole[-1][1]),
                "expected the model in a checkpoint's folder to be the checkpoint's.",
            )
        finally:
            opened.close()


def _tuned(
    s: BackendSubject, place: Path, step: int = 0, checkpoint: str | None = None
) -> list[tuple[int, npt.NDArray[np.float64]]]:
    """Each checkpoint's step and losses; it is saved in a folder of that name below `place`."""
    assert isinstance(s.opened, WeightTuning)
    request = WeightTuneRequest(task=s.task, settings=_TUNING, step=step, checkpoint=checkpoint)
    kept = []
    for progress in s.opened.tune_weights(request):
        _check(progress)
        if progress.checkpoint is not None:
            folder = place / str(progress.step)
            folder.mkdir(parents=True)
            progress.checkpoint.save(str(folder))
            kept.append((progress.step, _losses(progress.checkpoint.model)))
    return kept


def _check(progress: WeightProgress) -> None:
    expect(
        np.isfinite(progress.loss) and progress.examples > 0,
        f"expected a finite loss of some examples in a report, got {progress!r:.120}.",
    )


def _losses(model: FrozenModel) -> npt.NDArray[np.float64]:
    return np.asarray(model.losses([None], EXAMPLES, SETTINGS))


def _answers(model: FrozenModel) -> list[str]:
    return model.predict(None, LINES, SETTINGS)
