"""About 500 seeded cases of the campaigns; ``python -m benchmarks.campaigns`` runs 10,000."""

from __future__ import annotations

import pytest

from benchmarks.campaigns import driver
from benchmarks.campaigns.acts import ACTS
from benchmarks.campaigns.formats import FORMATS
from benchmarks.campaigns.verdict import GOOD

#: Cases of each campaign here; those of models open TensorFlow, and take seconds a case.
CASES = {name: 30 for name in FORMATS} | {
    "config.json": 10,
    "weights": 10,
    "mesh checkpoint": 10,
    "vocabulary": 10,
}
SEED = 11


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_taken_for_what_it_says_or_refused(name: str) -> None:
    count = driver.Count(name)
    for case in driver.cases(FORMATS[name], SEED, 0, CASES[name]):
        count.add(case)
    assert count.cases == CASES[name]
    assert set(count.verdicts) <= set(GOOD), count.faults


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hostile plugins", "full disk"])
def test_an_act(name: str) -> None:
    count = driver.Count(name)
    for case in ACTS[name](40, SEED):
        count.add(case)
    assert set(count.verdicts) <= set(GOOD), count.faults
