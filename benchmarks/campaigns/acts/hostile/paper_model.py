"""A model of paper, for tunings that take no time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np


class PaperModel:
    """A frozen model that learns nothing, quickly."""

    name, width, fingerprint, precision = "paper", 4, "paper", "float32"
    distributions = ()
    identity: ClassVar[Mapping[str, str]] = {}

    def __init__(self, fails: bool = False) -> None:
        self.embeddings = np.ones((8, 4), np.float32)
        self._fails = fails

    def init_context(self, length: int, labels: Any = (), argument: str | None = None) -> Any:
        from spotfw.contracts import InitContext
        from spotfw.tasks.vocabulary import ByteVocabulary

        return InitContext(
            length=length,
            embeddings=self.embeddings,
            vocabulary=ByteVocabulary(),
            pieces=8,
            labels=tuple(labels),
            argument=argument,
            fingerprint=self.fingerprint,
        )

    def tune(self, requests: Any) -> Iterator[Any]:
        from spotfw.contracts import TuneProgress, TuningState

        for step in (2, 4):
            if self._fails:
                raise ArithmeticError("paper")
            state = TuningState(step=step, prompt=np.ones((3, 4), np.float32))
            yield TuneProgress(request=0, step=step, loss=1.0, examples=2, state=state)

    def evaluate(self, prompts: Any, *_: Any) -> Any:
        from spotfw.contracts import Evaluation

        return [Evaluation(metrics={"accuracy": 50.0}, score=50.0, examples=2) for _ in prompts]
