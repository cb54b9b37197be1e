"""Honest companies with strong features over many seeds: no leakage check may refuse one (``make study``).

    python -m bench.honest [SEEDS]

Prints a line of JSON for each kind of company: the companies made, and those with a sure leak, which there is none of.
Exit code 1 if there is one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial

from churn_mlops.data.leakage import LeakageReport
from tests.companies.strong import RHYTHMS, event_log, fading_subscribers, leakage_of, proposed

SEEDS = 20


def _of_log(rhythm: str, days: int | None, seed: int) -> LeakageReport:
    return leakage_of(*proposed(event_log(rhythm, seed), days))


def _fading(recorded: bool, seed: int) -> LeakageReport:
    return leakage_of(*fading_subscribers(seed, recorded=recorded))


KINDS: Mapping[str, Callable[[int], LeakageReport]] = {
    **{f"{rhythm}, days by the rhythm": partial(_of_log, rhythm, None) for rhythm in RHYTHMS},
    **{f"{rhythm}, 90 days": partial(_of_log, rhythm, 90) for rhythm in RHYTHMS},
    "fading before a recorded end": partial(_fading, False),
    "fading, rows with a recorded time": partial(_fading, True),
}


def main(seeds: int) -> int:
    """Print the figures of each kind; 1 if an honest company was refused."""
    refused = 0
    for kind, inspected in KINDS.items():
        found = [inspected(seed) for seed in range(seeds)]
        alarms = [seed for seed, report in enumerate(found) if report.sure]
        looks = sum(bool(report.findings) for report in found)
        blind = sum(bool(report.blind) for report in found)
        print(json.dumps({"kind": kind, "companies": seeds, "sure": alarms, "worth_a_look": looks, "blind": blind}))
        refused += len(alarms)
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS))
