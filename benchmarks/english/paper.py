"""The paper's figures that this study can be laid beside (Vu et al. 2022, Table 4)."""

from __future__ import annotations

from scipy.stats import spearmanr

from benchmarks.english.declaration import PREFIX_LM
from benchmarks.english.figures import Table
from benchmarks.english.results import Results, gains

#: Mean over the ten targets of Table 4 of a source's score less the baseline's, T5 Base.
MEAN_GAINS = {
    "glue_mnli": 3.91,
    "glue_qnli": 1.95,
    "squad": 1.90,
    "glue_qqp": 1.80,
    "cosmos_qa": -0.17,
    "yelp_polarity_reviews": -0.21,
    "glue_sst2": -0.47,
    "super_glue_record": -0.53,
    PREFIX_LM: -0.57,
    "winogrande": -0.99,
    "super_glue_multirc": -1.56,
    "hellaswag": -3.87,
}


def paper_table(read: Results) -> Table:
    """Sources of both by the paper's mean gain; C4 is laid beside text of Wikipedia."""
    course, reported = gains(read, "course").mean(), gains(read, "score").mean()
    table = [["source", "paper: mean gain", "here, whole course", "here, reported"]]
    for source, gain in MEAN_GAINS.items():
        table.append([source, f"{gain:+.2f}", f"{course[source]:+.2f}", f"{reported[source]:+.2f}"])
    names = list(MEAN_GAINS)
    ranks = [
        f"{spearmanr(list(MEAN_GAINS.values()), ours[names]).statistic:+.2f}"
        for ours in (course, reported)
    ]
    table.append(["Spearman with the paper", "", *ranks])
    return table
