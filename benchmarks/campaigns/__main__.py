"""``python -m benchmarks.campaigns``: runs campaigns, prints and writes their counts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import attrs

from benchmarks import rows
from benchmarks.campaigns import driver
from benchmarks.campaigns.acts import ACTS
from benchmarks.campaigns.formats import FORMATS
from benchmarks.campaigns.verdict import FAULTS, GOOD
from spotfw.cli.display import print_table

DISTRIBUTIONS = ("spotfw", "tensorflow", "numpy", "safetensors", "gin-config", "pyarrow")


def main() -> int:
    """Runs the campaigns named, by default all; returns 1 if a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaigns", description=__doc__)
    names = [*FORMATS, *ACTS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--cases", type=int, default=500, help="of a campaign of share 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one case, and all of it")
    parser.add_argument("--json", metavar="FILE", help="also write the counts to FILE")
    given = parser.parse_args()
    wrong = sorted(set(given.names) - set(names))
    if wrong:
        parser.error(f"no campaign {', '.join(wrong)}; there are {', '.join(names)}")
    counts = [_run(name, given) for name in given.names or names]
    _report(counts, given)
    return int(any(set(count.verdicts) - set(GOOD) for count in counts))


def _run(name: str, given: argparse.Namespace) -> driver.Count:
    count = driver.Count(name)
    began = time.monotonic()
    if name in ACTS:
        cases = ACTS[name](given.cases, given.seed)
    else:
        first, last = 0, max(2, round(given.cases * FORMATS[name].share))
        if given.only is not None:
            first, last = given.only, given.only + 1
        cases = driver.cases(FORMATS[name], given.seed, first, last)
    for case in cases:
        count.add(case)
        if given.only is not None:
            print(json.dumps(attrs.asdict(case), indent=1))
    count.seconds = round(time.monotonic() - began, 1)
    verdicts = ", ".join(
        f"{verdict} {number}" for verdict, number in sorted(count.verdicts.items())
    )
    print(f"{name}: {count.cases} cases in {count.seconds:.0f} s: {verdicts}", file=sys.stderr)
    for kind, fault in sorted(count.faults.items()):
        print(f"  {fault['count']} x {kind}", file=sys.stderr)
        print(f"      first: {fault['first']}: {fault['what']}"[:200], file=sys.stderr)
    return count


def _report(counts: list[driver.Count], given: argparse.Namespace) -> None:
    total = driver.Count("all")
    for count in counts:
        total.cases += count.cases
        for verdict, number in count.verdicts.items():
            total.verdicts[verdict] = total.verdicts.get(verdict, 0) + number
    print_table(
        ["campaign", "cases", *GOOD, *FAULTS],
        [
            [c.name, c.cases, *(c.verdicts.get(v, 0) for v in (*GOOD, *FAULTS))]
            for c in [*counts, total]
        ],
    )
    if given.json:
        document = {
            "benchmark": "campaigns",
            "seed": given.seed,
            "machine": rows.machine(),
            "versions": rows.versions(*DISTRIBUTIONS),
            "cases": total.cases,
            "verdicts": total.verdicts,
            "campaigns": [attrs.asdict(count) for count in counts],
        }
        Path(given.json).write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
