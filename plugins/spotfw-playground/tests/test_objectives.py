"""Pre-training objectives on token ids."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from spotfw_playground.objectives import EOS, prefix_lm, span_corruption

ROWS = 896
texts = st.lists(st.integers(3, 799), min_size=2, max_size=60)


@given(texts, st.integers(0, 2**32))
def test_inputs_and_targets_of_span_corruption_make_up_the_text(ids: list[int], seed: int) -> None:
    inputs, targets = span_corruption(ids, Random(seed), ROWS)
    assert inputs[-1] == targets[-1] == EOS
    spans: dict[int, list[int]] = {}
    for token in targets[:-1]:
        if token >= 800:
            spans[token] = []
        else:
            spans[max(spans, key=lambda s: -s)].append(token)
    whole = [t for token in inputs[:-1] for t in (spans[token] if token >= 800 else [token])]
    assert whole == ids
    assert list(spans) == [ROWS - 1 - i for i in range(len(spans))]


@given(texts, st.integers(0, 2**32))
def test_prefix_lm_splits_the_text_in_two(ids: list[int], seed: int) -> None:
    inputs, targets = prefix_lm(ids, Random(seed), frozenset({3}))
    assert inputs[:-1] + targets[:-1] == ids
    assert len(inputs) > 1 and len(targets) > 1
    assert inputs[-1] == targets[-1] == EOS
