"""The alerts of the demo company's quiet year: `python -m bench.quiet_year` (part of ``make study``).

The company lives a year in which nothing goes wrong, by the real code on a clock that moves: each night a backup and a
training where one is due, each morning the daily run, by day requests and contacts, once a month a rolling restart. The
pages of metrics are read as Prometheus does, and the rules of the project go through them. Prints a line of JSON for
each seed, and writes ``bench/quiet_year.json``. It ends with 1 where a year has a page, or more than four tickets.

    python -m bench.quiet_year [--seeds 1] [--customers 1500] [--days 365] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.quiet_year.plan import Plan
from bench.quiet_year.year import ROOT, lived, summary


def main() -> None:
    """Live the years, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "quiet_year.json")
    given = parser.parse_args()
    found = []
    for seed in range(1, given.seeds + 1):
        plan = Plan(customers=given.customers, days=given.days, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            found.append(summary(plan, *lived(plan, Path(folder))))
        print(json.dumps(found[-1]), flush=True)
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if all(all(one["bars"].values()) for one in found) else 1)


if __name__ == "__main__":
    main()
