"""How the benchmark of metrics counts, and what it is known to give."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import metrics as benchmark
from spotfw.plugins import Plugins


def test_agreement_by_hand() -> None:
    nan = np.nan
    scores = np.array([[99.0, 30, 20, 10], [40, 99, 40, 10], [1, 2, 99, 3], [0, 5, 9, 99]])
    alike = np.array(
        [[nan, 3, 2, 1], [1, nan, 2, 3], [1, 2, nan, 3], [3, 2, 1, nan]]  # right, wrong, right, not
    )
    agreement = benchmark.agreement(alike, scores)
    # The second row has a tie of scores: ranks 2.5, 2.5, 1 against 1, 2, 3.
    assert agreement.spearman == pytest.approx((1 - 0.8660254 + 1 - 1) / 4)
    assert agreement.regret == {1: (0 + 30 + 0 + 9) / 4, 3: 0}


def test_a_prompt_is_not_compared_with_itself() -> None:
    prompts = np.random.default_rng(0).standard_normal((4, 3, 5)).astype(np.float32)
    metric = Plugins(entry_points=False).metric("per_token_cosine")
    table = benchmark.similarities(metric, prompts)
    assert np.isnan(np.diag(table)).all()
    assert table[0, 2] == pytest.approx(metric(prompts[0], prompts[2]))


@pytest.mark.skipif(not benchmark.PUBLISHED.is_dir(), reason="needs ../shared/prompts")
def test_the_known_figures() -> None:
    published = benchmark.read_published(benchmark.PUBLISHED)
    assert published.prompts.shape == (17, 100, 768)
    assert published.scores[published.tasks.index("MNLI"), published.tasks.index("snli")] == 83.69
    plugins = Plugins(entry_points=False)
    for name, known in benchmark.KNOWN.items():
        table = benchmark.similarities(plugins.metric(name), published.prompts)
        assert round(benchmark.agreement(table, published.scores).spearman, 4) == known
