"""`churn monitor` at the size of a large company: a demo company, ten weekly runs of all its customers, a campaign.

    python -m bench.monitor [--customers N] [--store sqlite|postgres|both] [--folder FOLDER]

The runs are made by bulk loading, not by scoring. Prints a line of JSON for each store: seconds, CPU seconds and peak
memory (without the database server) of `churn monitor` as a process of its own, and of the same once more, which keeps
the figures whose labels were not looked at since. A company and a SQLite store that are in FOLDER are taken again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sqlalchemy import Connection, Date, Integer, insert, literal, select, text, update

from bench.company import stores
from churn_mlops.data.demo_company import write_company
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.database.bulk_load import load
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS
from churn_mlops.store.database.schema import CONTACTS, OUTCOMES, PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import Predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import NewRun

LAST_DAY = date.today() - timedelta(days=1)
WEEKS, FINAL_WEEKS = 10, 5
ASSIGNED, CONTACTED = 0.05, 0.02
MONTHS, SEED = 5, 2
# In a small process of its own: a child's peak memory counts that of the process which it is forked from.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": round(time.perf_counter() - start, 1), "cpu": round(used.ru_utime + used.ru_stime, 1),
    "peak_mb": used.ru_maxrss // 1024}))
"""


def customers_of(database: Path) -> list[str]:
    """The customer IDs of the company, those who have left included."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return [name for (name,) in connection.execute("SELECT customer_id FROM customers ORDER BY 1").fetchall()]


def predictions_of(names: list[str], size: int = 50_000) -> Iterator[Predictions]:
    """A prediction of each customer, best first, in batches."""
    scores = np.sort(np.random.default_rng(1).beta(0.6, 9.0, len(names)))[::-1]
    for first in range(0, len(names), size):
        some = scores[first : first + size]
        yield Predictions(
            rank=list(range(first + 1, first + len(some) + 1)),
            customer=names[first : first + size],
            score=some.tolist(),
            will_churn=(some >= 0.3).tolist(),
            risk_band=np.select([some >= 0.3, some >= 0.1], ["high", "medium"], "low").tolist(),
            action=np.where(some >= 0.4, "offer", "leave_alone").tolist(),
            expected_gain=(100 * some - 40).tolist(),
            reasons=[None] * len(some),
        )


def fill(store: Store, names: list[str]) -> None:
    """Ten weekly runs of all customers, the older ones with labels, and a campaign with arms and contacts."""
    draw = np.random.default_rng(3)
    shuffled = [names[place] for place in draw.permutation(len(names))]
    first, now = LAST_DAY - timedelta(weeks=WEEKS - 1), datetime.now(UTC)
    run = NewRun(first, now, "1", "a" * 64, "c" * 64, now)
    published = publish(store, run, predictions_of(shuffled))
    campaign = create_campaign(store, NewCampaign("Large", "20 % off", 50.0, "Thank you.", first, "person:anna"))
    scores = np.concatenate([one.score for one in predictions_of(shuffled)])
    with store.writing("fill the store", much=True) as connection:
        load(connection, OUTCOMES, zip([published.id] * len(shuffled), shuffled,
             (draw.random(len(scores)) < scores).tolist(), strict=True))  # fmt: skip
        for week in range(1, WEEKS):
            _copy_run(connection, published.id, first + timedelta(weeks=week), with_labels=week < FINAL_WEEKS)
        final = RUNS.c.as_of < first + timedelta(weeks=FINAL_WEEKS)
        connection.execute(update(RUNS).where(final).values(matured_at=now, checked_at=now))
        assigned = shuffled[: int(ASSIGNED * len(shuffled))]
        arms = np.where(draw.random(len(assigned)) < 0.1, "control", "treated").tolist()
        dates = [first + timedelta(weeks=place % FINAL_WEEKS) for place in range(len(assigned))]
        load(connection, ASSIGNMENTS, ((campaign.id, name, arm, False, day) for name, arm, day in zip(
            assigned, arms, dates, strict=True)))  # fmt: skip
        load(connection, CONTACTS, _contacts(assigned[: int(CONTACTED * len(shuffled))], campaign.id, now))
    with store.writing("refresh the statistics of the planner", much=True) as connection:
        connection.execute(text("ANALYZE"))


def _copy_run(connection: Connection, run_id: int, as_of: date, *, with_labels: bool) -> None:
    """The run ``run_id`` again, as one of another date."""
    kept = [column for column in RUNS.columns if column.name not in ("id", "as_of")]
    copied = select(literal(as_of, Date), *kept).where(RUNS.c.id == run_id)
    connection.execute(insert(RUNS).from_select([RUNS.c.as_of, *kept], copied))
    new = connection.scalar(select(RUNS.c.id).where(RUNS.c.as_of == as_of))
    for table in (PREDICTIONS, OUTCOMES) if with_labels else (PREDICTIONS,):
        kept = [column for column in table.columns if column.name != "run_id"]
        copied = select(literal(new, Integer), *kept).where(table.c.run_id == run_id)
        connection.execute(insert(table).from_select([table.c.run_id, *kept], copied))


def _contacts(names: list[str], campaign: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    """A contact with each customer; every fourth accepted."""
    given = {"request_sha256": "s", "at": now - timedelta(days=10), "offer": "20 % off", "caller": "person:anna",
             "recorded_at": now, "campaign_id": campaign, "channel": "import"}  # fmt: skip
    for place, name in enumerate(names):
        result = "accepted" if place % 4 == 0 else "declined"
        row = given | {"id": place + 1, "key": f"k{place}", "customer": name, "result": result}
        yield tuple(_plain(row.get(column.name)) for column in CONTACTS.columns)


def _plain(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def measured(folder: Path, kind: str, store: str) -> dict[str, Any]:
    """The figures of two runs of `churn monitor` on ``store``."""
    settings = {
        "source": {"url": str(folder / "company.duckdb")},
        "contract": {"path": str(folder / "contract.yaml")},
        "models": {"folder": str(folder / "models")},
        "mlflow": {"uri": f"sqlite:///{folder / 'mlflow.db'}", "artifacts": str(folder / "artifacts")},
        "store": {"url": store},
    }
    config = folder / f"{kind}.yaml"
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("churn")), "--config", str(config), "monitor"]
    found = {}
    for name in ("first", "again"):
        done = subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, stdout=subprocess.PIPE)
        found[name] = json.loads(done.stdout)
    return {"store": kind} | found


def main() -> None:
    """Make the company once, then fill and measure each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="monitor-"))
    if not (folder / "company.duckdb").exists():
        write_company(folder, given.customers, MONTHS, SEED, LAST_DAY)
    names = customers_of(folder / "company.duckdb")[-given.customers :]
    for kind in ["sqlite", "postgres"] if given.store == "both" else [given.store]:
        with stores(kind) if kind == "postgres" else nullcontext(f"sqlite:///{folder}/churn.db") as address:
            if not (kind == "sqlite" and (folder / "churn.db").exists()):
                with open_store(address) as store:
                    fill(store, names)
            print(json.dumps({"customers": len(names)} | measured(folder, kind, address)), flush=True)


if __name__ == "__main__":
    main()
