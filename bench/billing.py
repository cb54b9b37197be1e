"""Whether `churn init` reads the export of each billing system as its subscribers lived; ``make study``.

Made-up subscribers with a known truth are exported as each system's exporter writes them. `init`, `train` and `score`
run on the folder. Prints the rows of the export, the seconds of the three commands, the active customers of four days,
and those who were misread: they are active and were not, or the reverse, or their label is another one.

    python -m bench.billing [--customers 5000] [--systems stripe recurly]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from churn_mlops.data.contract import HistoryContract, load_contract
from tests.companies.billing import chargebee, recurly, stripe, zuora
from tests.companies.billing.lives import (
    Subscriber,
    active,
    labels,
    subscribers,
    without_causes,
    without_trials,
)
from tests.companies.billing.tables import write_csv, write_json_lines
from tests.data.proposal.billing.reading import DAYS, misread

RESULTS = Path("bench/billing.json")


class System(NamedTuple):
    """A billing system: its tables of the subscribers, what they show of their lives, and its ids of customers."""

    tables: Callable[[list[Subscriber]], dict[str, Any]]
    customer_id: Callable[[int], str]
    shown: Callable[[list[Subscriber]], list[Subscriber]] = list
    write: Callable[[dict[str, Any], Path], Path] = write_csv


SYSTEMS = {
    "stripe": System(stripe.fivetran, stripe.customer_id),
    "recurly": System(recurly.fivetran, recurly.account_id),
    "chargebee": System(chargebee.airbyte, chargebee.customer_id, write=write_json_lines),
    "zuora": System(
        lambda people: zuora.fivetran(without_trials(people)),
        zuora.account_id,
        lambda people: without_causes(without_trials(people)),
    ),
}


def study(system: System, customers: int, folder: Path) -> dict[str, Any]:
    """The figures of one system, in an empty ``folder``."""
    people = subscribers(customers, seed=12)
    tables = {name: list(rows) for name, rows in system.tables(people).items()}
    export = system.write(tables, folder / "export")
    seconds = {
        command: _churn(folder, command, *options)
        for command, *options in (["init", "--from", str(export)], ["train"], ["score"])
    }
    contract = load_contract(folder / "config" / "contract.yaml")
    assert isinstance(contract, HistoryContract)
    shown = system.shown(people)
    wrong = misread(contract, export, system.customer_id, lambda day, days: labels(shown, day, days))
    return {
        "tables": len(tables),
        "rows": sum(map(len, tables.values())),
        "seconds": {name: round(taken, 1) for name, taken in seconds.items()},
        "active": [len(active(shown, day)) for day in DAYS],
        "misread": [len(wrong[day]) for day in DAYS],
    }


def _churn(folder: Path, *arguments: str) -> float:
    """Run the command in ``folder``; how long it took, in seconds."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, ["src", "."]))}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from churn_mlops.cli import main; main()", *arguments],
        check=True,
        cwd=folder,
        env=environ,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def main() -> None:
    """Study each system, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=5000)
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS), choices=list(SYSTEMS))
    asked = parser.parse_args()
    found = {}
    for name in asked.systems:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = study(SYSTEMS[name], asked.customers, Path(folder))
        print(f"{name}: {json.dumps(found[name])}", flush=True)
    RESULTS.write_text(json.dumps({"customers": asked.customers, "systems": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
