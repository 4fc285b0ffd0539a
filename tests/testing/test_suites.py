"""A suite tells every promise that is broken, each in a sentence, and nothing else."""

from __future__ import annotations

import pytest

from spotfw.testing import metrics, strategies
from spotfw.testing.suites import Outcome, Skip, Suite, check_name, expect

SUITE: Suite[dict] = Suite("thing")


@SUITE.check
def positive(thing: dict) -> None:
    """Is above zero."""
    expect(thing["size"] > 0, f"expected a size above zero, got {thing['size']}.")


@SUITE.check
def even(thing: dict) -> None:
    """Is even."""
    if thing["size"] > 100:
        raise Skip("large ones need not be even.")
    expect(thing["size"] % 2 == 0, "expected an even size.")


def test_outcomes():
    assert SUITE.outcomes({"size": 2}) == [Outcome("positive", "passed"), Outcome("even", "passed")]
    assert SUITE.outcomes({"size": -1}) == [
        Outcome("positive", "failed", "expected a size above zero, got -1."),
        Outcome("even", "failed", "expected an even size."),
    ]
    assert SUITE.outcomes({"size": 101})[1].status == "skipped"
    assert [o.check for o in SUITE.outcomes({"size": 2}, only=("even",))] == ["even"]


def test_what_a_component_raises_fails_its_check_alone():
    first, second = SUITE.outcomes({})
    assert first.said == "expected: Is above zero; but it raised KeyError: 'size'"
    assert second.status == "failed"


def test_demand_raises_once_with_a_line_a_fault():
    SUITE.demand("x", SUITE.outcomes({"size": 2}))
    with pytest.raises(AssertionError) as caught:
        SUITE.demand("x", SUITE.outcomes({"size": -1}))
    assert str(caught.value).splitlines() == [
        "The thing 'x' does not conform to spotfw's contract:",
        "- positive: expected a size above zero, got -1.",
        "- even: expected an even size.",
    ]


class Named:
    def __init__(self, name: object) -> None:
        self.name = name


@pytest.mark.parametrize("name", [None, "", "a b", "dist:name", 3])
def test_names_that_nobody_can_ask_for(name):
    with pytest.raises(AssertionError, match="expected"):
        check_name(Named(name))
    check_name(Named("fine-name_2"))


def test_a_class_is_no_instance():
    with pytest.raises(AssertionError, match="give the hook an instance"):
        check_name(Named)


@pytest.mark.parametrize("suite", [metrics.SUITE, strategies.SUITE])
def test_every_check_says_its_promise(suite):
    assert all(text.endswith(".") for text in suite.promises.values())
