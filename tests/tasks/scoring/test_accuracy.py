"""Accuracy without scikit-learn, whose import takes a second."""

from __future__ import annotations

import sys

import pytest

from spotfw.tasks.scoring.classes import accuracy


@pytest.mark.parametrize("values", [[0, 1, -1, 2], ["yes", "no", "", "maybe"]])
def test_whole_classes_are_compared_without_scikit_learn(
    values: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = values * 5
    given = [*right[:13], *reversed(right[13:])]
    agree = sum(a == b for a, b in zip(right, given, strict=True))
    from sklearn.metrics import accuracy_score

    expected = 100 * accuracy_score(right, given)
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    assert accuracy(right, given) == {"accuracy": expected}
    assert expected == pytest.approx(100 * agree / 20)
    with pytest.raises(ImportError):  # what scikit-learn refuses stays its to refuse
        accuracy(right, given[1:])
