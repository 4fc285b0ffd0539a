"""Overlap of activated neurons, with a stand-in model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from spotfw.contracts import FrozenModel
from spotfw.errors import SpotError, WrongUse
from spotfw.library import Library
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.testing import check_similarity_metric
from spotfw_metrics import ActivatedNeurons


class Mirror:
    """Two layers of three neurons: the prompt's own values are its activations."""

    name = "mirror"
    asked = 0

    def activations(self, prompt: Any) -> Any:
        self.asked += 1
        assert prompt.dtype == np.float32
        return prompt.reshape(2, 3)


def mirror() -> FrozenModel:
    return cast(FrozenModel, Mirror())


A = np.array([[1, 0.5, -1], [2, -3, 0]], np.float32)  # activates 0, 1 and 3
B = np.array([[-1, 0.1, 4], [9, -3, -2]], np.float32)  # activates 1, 2 and 3
C = np.array([[-1, -1, -1], [9, -3, -2]], np.float32)  # activates 3


def test_the_closed_form() -> None:
    metric = ActivatedNeurons().with_model(mirror())
    assert metric(A, B) == pytest.approx(2 / 3)
    assert metric(A, C) == pytest.approx(1 / 3**0.5)
    assert metric(A, A * 7) == pytest.approx(1)
    assert metric(A, -np.abs(A)) == 0


def test_only_the_last_layers_count() -> None:
    metric = ActivatedNeurons(top_layers=1).with_model(mirror())
    assert metric(A, C) == pytest.approx(1)
    with pytest.raises(WrongUse, match="top_layers"):
        ActivatedNeurons(top_layers=0)


def test_without_a_model_it_says_where_to_go() -> None:
    metric = ActivatedNeurons()
    bound = metric.with_model(mirror())
    assert bound is not metric and bound.name == metric.name
    with pytest.raises(SpotError, match="spotfw transfer"):
        metric.features(A)


def test_it_ranks_a_library_and_looks_at_each_prompt_once(tmp_path: Path) -> None:
    library, model = Library(tmp_path / "library"), Mirror()
    for task, array in (("b", B), ("c", C), ("a", A)):
        library.add(SoftPrompt(array, Provenance(task=task, fingerprint="f" * 16)))
    metric = ActivatedNeurons().with_model(cast(FrozenModel, model))
    for _ in range(2):
        ranking = library.rank(A, metric, "f" * 16)
    assert [item.task for item in ranking] == ["a", "b", "c"]
    assert model.asked == 3 + 2


@pytest.mark.slow
def test_conformance_beside_a_real_model(spotfw_opened_model: FrozenModel) -> None:
    check_similarity_metric(ActivatedNeurons(), model=spotfw_opened_model)
