"""Whether `churn init` reads the export of each known system as its customers lived; ``make study``.

Made-up customers with a known truth are exported as each system's exporter writes them. `init`, `train` and `score`
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
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from churn_mlops.data.contract import HistoryContract, load_contract
from tests.companies.billing import chargebee, hubspot, recurly, salesforce, stripe, zuora
from tests.companies.billing.contracts import Account, accounts, as_subscribers, extended, signed
from tests.companies.billing.lives import Subscriber, labels, subscribers, without_causes, without_trials
from tests.companies.billing.tables import write_csv, write_json_lines
from tests.data.proposal.billing.reading import DAYS, Labels, misread, of_purchases

LATE_DAYS = 31
RESULTS = Path("bench/billing.json")


class System(NamedTuple):
    """A system that holds customers.

    Attributes:
        lives: so many made-up customers.
        tables: their export.
        truth: of them, the label of each active customer of a day, for a horizon of so many days.
        customer_id: the ID of the customer of a number.
        write: writes the export into a folder.
        options: what a person answers `init`.
        as_of: what they answer where `init` asks which day is the last of the data; the export is an old one.
    """

    lives: Callable[[int], Any]
    tables: Callable[[Any], dict[str, Any]]
    truth: Callable[[Any, date, int], Labels]
    customer_id: Callable[[int], str]
    write: Callable[[dict[str, Any], Path], Path] = write_csv
    options: tuple[str, ...] = ()
    as_of: str = "latest"


def _subscribers(customers: int) -> list[Subscriber]:
    return subscribers(customers, seed=12)


def _accounts(customers: int) -> list[Account]:
    return extended(accounts(customers), LATE_DAYS)


SYSTEMS = {
    "stripe": System(_subscribers, stripe.fivetran, labels, stripe.customer_id),
    "recurly": System(_subscribers, recurly.fivetran, labels, recurly.account_id),
    "chargebee": System(_subscribers, chargebee.airbyte, labels, chargebee.customer_id, write_json_lines),
    "zuora": System(
        lambda customers: without_trials(_subscribers(customers)),
        zuora.fivetran,
        lambda people, day, days: labels(without_causes(people), day, days),
        zuora.account_id,
    ),
    "salesforce": System(
        _accounts,
        salesforce.airbyte,
        lambda people, day, days: labels(as_subscribers(people, 0), day, days),
        salesforce.account_id,
        as_of="2026-06-29",
    ),
    "hubspot": System(
        accounts,
        hubspot.fivetran,
        lambda people, day, days: of_purchases(signed(people), day, days),
        hubspot.company_id,
        options=("--inactive-days", "400"),
    ),
}


def study(system: System, customers: int, folder: Path) -> dict[str, Any]:
    """The figures of one system, in an empty ``folder``."""
    people = system.lives(customers)
    tables = {name: list(rows) for name, rows in system.tables(people).items()}
    export = system.write(tables, folder / "export")
    seconds = {"init": _churn(folder, "init", "--from", str(export), *system.options)}
    settings = folder / "config" / "config.yaml"
    settings.write_text(settings.read_text().replace("as_of: latest", f"as_of: {system.as_of}"))
    seconds |= {command: _churn(folder, command) for command in ("train", "score")}
    contract = load_contract(folder / "config" / "contract.yaml")
    assert isinstance(contract, HistoryContract)
    assert contract.label is not None
    truth = partial(system.truth, people)
    wrong = misread(contract, export, system.customer_id, truth)
    return {
        "tables": len(tables),
        "rows": sum(map(len, tables.values())),
        "seconds": seconds,
        "active": [len(truth(day, contract.label.days)) for day in DAYS],
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
    return round(time.perf_counter() - began, 1)


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
