"""What the grid's rows say of the paper's claims, as Markdown.

    python -m benchmarks.english.findings [FOLDER]

Everything comes from the CSV files beside this one. A candidate is always chosen by rows to
select by; every score printed is of other rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.english import paper, prediction, results, strategies
from benchmarks.english.figures import markdown, percent
from benchmarks.english.results import Results, read_results


def main() -> None:
    """Prints all tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    read = read_results(folder)
    print("\n\n".join(sections(read)))


def sections(read: Results) -> list[str]:
    """Each table with its heading."""
    return [
        "### Source prompts\n\n" + markdown(results.source_table(read)),
        "### Targets\n\n" + markdown(strategies.target_table(read)),
        "### What strategies gain over from scratch\n\n" + markdown(strategies.gain_table(read)),
        "### Which sources help\n\n" + markdown(results.source_gains(read)),
        "### Sources in the paper's order\n\n" + markdown(paper.paper_table(read)),
        "### Target by source: gain over the whole course\n\n"
        + markdown(results.transfer_table(read, "course")),
        "### Target by source: gain of the reported score\n\n"
        + markdown(results.transfer_table(read, "score")),
        "### Is the order of sources more than noise?\n\n" + markdown(prediction.agreement(read)),
        *(
            f"### What predicts the order of sources: {name}\n\n"
            + markdown(prediction.prediction_table(read, column))
            for column, name in prediction.TRUTHS.items()
        ),
        "### Similarity and gain, pair by pair\n\n" + markdown(prediction.pairs_table(read)),
        "### Counts\n\n" + percent(results.counts(read)),
    ]


if __name__ == "__main__":
    main()
