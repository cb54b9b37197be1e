"""Two years of retraining: what is promoted, what is refused, what goes back by itself, and the money that it earns.

    python -m bench.retraining [--seeds 20] [--months 24] [--customers 10000] [--out bench/retraining.json]

A made-up company whose customers leave for reasons that change: slowly all the time, and all of a sudden twice. Each
month a version is fitted on the twelve months before it. The same versions go live by different rules:

- ours: the promotion gate, and the review four times a month, which may go back by itself;
- fixed calendars: each version goes live in its month, every 1, 3, 6 or 12 months.

The money of a month is that of its list by the true churn probabilities, so no chance of single customers is in it.
In a second run two of the versions are bad, for every rule. One was fitted on labels in a random order. The other was
shown what was not known at the time: it is excellent in training and bad afterwards, so the gate lets it pass.
Whether a version is worse than the one before is counted by the truth: right after a jump a bad version can be better.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.retraining.figures import one_company, summary

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Simulate, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "retraining.json")
    given = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(one_company, [(seed, given.months, given.customers) for seed in range(given.seeds)]))
    found = summary(rows)
    print(json.dumps(found, indent=1))
    about = {"seeds": given.seeds, "months": given.months, "customers": given.customers}
    given.out.write_text(json.dumps({**about, **found, "companies": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
