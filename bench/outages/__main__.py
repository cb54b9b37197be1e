"""Every outage, or some: `python -m bench.outages`.

Prints one line of JSON for each, and a table at the end; ends with 1 where a bar is missed. The last figures stand in
``bench/outages.json`` and ``docs/serving.md``. It needs haproxy, and libfaketime for the clocks (Debian packages).

    python -m bench.outages [--only NAME ...] [--seconds 10] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench.outages.faults import SCENARIOS
from bench.outages.scenario import missed

COLUMNS = (
    "requests",
    "failed",
    "wrong",
    "contacts acknowledged",
    "contacts lost",
    "answers not kept",
    "recovery, s",
    "slowest prediction, ms",
    "slowest, ms",
)


def main() -> None:
    """Run the outages one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--seconds", type=float, default=10.0, help="of load after each outage")
    parser.add_argument("--out", type=Path, help="where the figures are written")
    given = parser.parse_args()
    found = []
    for name in given.only:
        scenario = SCENARIOS[name]
        with scenario.site() as made:
            one = scenario.run(made, calm=given.seconds)
        found.append(one | {"missed": missed(scenario, one)})
        print(json.dumps(found[-1]), flush=True)
    print(table(found))
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if any(one["missed"] for one in found) else 0)


def table(found: list[dict[str, Any]]) -> str:
    """The figures as a table in Markdown."""
    lines = [("outage", *COLUMNS), ("---",) * (len(COLUMNS) + 1)]
    lines += [(one["scenario"], *(f"{one[name]:,}" for name in COLUMNS)) for one in found]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
