"""Values as they cross the wire."""

from __future__ import annotations

import numpy as np
import pytest

from spotfw.contracts import JobEnded, JobProgress
from spotfw.testing.executor_promises import VALUE

pytest.importorskip("spotfw_ray", reason="spotfw-ray is not installed")

from spotfw_ray.plain import pack, pack_event, unpack, unpack_event


def test_a_value_comes_back_as_it_was():
    back = unpack(pack(dict(VALUE)))
    assert back.keys() == VALUE.keys()
    for key, value in VALUE.items():
        if isinstance(value, np.ndarray):
            assert back[key].dtype == value.dtype
            np.testing.assert_array_equal(back[key], value)
            back[key][...] = 0
        else:
            assert back[key] == value


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), lambda: 0])
def test_what_is_no_plain_value_is_refused(value):
    with pytest.raises(TypeError, match="no plain value"):
        pack({"x": value})


def test_events():
    for event in (JobProgress("a", 3, "film"), JobEnded("a", result={"x": 1}, lost=True)):
        assert unpack_event(pack_event(event)) == event
    ended = unpack_event(pack_event(JobEnded("a", result=object())))
    assert ended.key == "a" and "no plain value" in ended.error
