import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotfw.errors import SpotError
from spotfw_paper_tasks.published import json_elements
from spotfw_paper_tasks.published.json_elements import elements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=st.lists(VALUES, max_size=8), indent=st.sampled_from([None, 1]), ascii_=st.booleans())
def test_elements_are_those_of_json_whatever_is_read_at_a_time(tmp_path, values, indent, ascii_):
    path = tmp_path / "array.json"
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    expected = json.loads(text)
    before = json_elements.CHUNK
    try:
        for chunk in (1, 7, 2**16):
            json_elements.CHUNK = chunk
            assert list(elements(path)) == expected
    finally:
        json_elements.CHUNK = before


@pytest.mark.parametrize(
    ("text", "given_first"),
    [("[1, 2", [1]), ("[1, 2,", [1, 2]), ("[1 2]", [1]), ("[1, x]", [1]), ("[", []), ('["a', [])],
)
def test_whole_elements_are_given_before_the_break_raises(tmp_path, text, given_first):
    path = tmp_path / "broken.json"
    path.write_text(text)
    given = []
    with pytest.raises(SpotError, match="broken off"):
        given.extend(elements(path))
    reading = elements(path)
    assert [next(reading) for _ in given_first] == given_first


def test_the_array_under_a_key(tmp_path):
    path = tmp_path / "object.json"
    path.write_text('{"info": {"x": "y"}, "rows" : [{"n": 1}, {"n": 2}], "more": [3]}')
    assert list(elements(path, "rows")) == [{"n": 1}, {"n": 2}]
    with pytest.raises(SpotError, match="no array under 'none'"):
        list(elements(path, "none"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SpotError, match="cannot be read"):
        list(elements(tmp_path / "absent.json"))
