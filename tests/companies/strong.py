"""Companies whose honest features are strong: churn by inactivity, and customers who fall silent before they leave."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.leakage import LeakageReport
from churn_mlops.data.leakage.snapshot_archive import SnapshotArchive
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.pipelines.training.leakage import check_history
from churn_mlops.pipelines.training.snapshots import read_labelled

FIRST = pd.Timestamp("2022-01-01")
DAYS = 480
Pauses = Callable[[np.random.Generator], Iterator[float]]
Tables = Mapping[str, ir.Table]


def monthly(rng: np.random.Generator) -> Iterator[float]:
    """A payment every month."""
    while True:
        yield rng.integers(29, 33)


def often(rng: np.random.Generator) -> Iterator[float]:
    """A visit every few days, each customer at their own rate."""
    rate = rng.uniform(1, 4)
    while True:
        yield max(1.0, rng.exponential(rate))


def now_and_then(rng: np.random.Generator) -> Iterator[float]:
    """A purchase now and then, as in a shop."""
    rate = rng.gamma(2, 12)
    while True:
        yield max(1.0, rng.exponential(rate))


RHYTHMS: Mapping[str, Pauses] = {"monthly": monthly, "often": often, "now and then": now_and_then}


def event_log(rhythm: str, seed: int, customers: int = 200) -> Tables:
    """A log of orders: customers come, go on in their rhythm, and stop one day; nothing else says that they left."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        day, pauses = float(rng.integers(0, DAYS - 30)), RHYTHMS[rhythm](rng)
        stops = day + rng.exponential(250)
        while day < min(stops, DAYS):
            rows.append((f"c{customer}", day, round(float(rng.gamma(2, 10)), 2)))
            day += next(pauses)
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    return {"orders": _table(frame.assign(ordered_at=_days(frame["ordered_at"])))}


def fading_subscribers(seed: int, customers: int = 400, *, recorded: bool = False) -> tuple[Tables, HistoryContract]:
    """Subscribers with a recorded end who stop using the service 20 to 45 days before it."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, DAYS - 60, customers)
    end = start + 60 + rng.exponential(300, customers).astype(int)
    rows = []
    for customer in range(customers):
        silent = end[customer] - rng.integers(20, 46)
        days = np.arange(start[customer], min(silent, DAYS))
        rows += [(f"c{customer}", day) for day in days[rng.random(days.size) < 0.5]]
    visits = pd.DataFrame(rows, columns=["customer_id", "day"])
    known = _days(visits["day"]) + pd.Timedelta(hours=20)
    visits = visits.assign(day=_days(visits["day"]), **({"loaded_at": known} if recorded else {}))
    names = np.char.add("c", np.arange(customers).astype(str))
    ended = pd.Series(_days(end)).where(end < DAYS)
    people = pd.DataFrame({"customer_id": names, "since": _days(start), "cancelled_on": ended})
    contract: dict[str, Any] = {
        "name": "fading",
        "customer": "customer_id",
        "tables": {
            "people": {"start": "since", "end": "cancelled_on"},
            "visits": {"event_time": "day"} | ({"known_at": "loaded_at"} if recorded else {}),
        },
        "features": {
            "visits_30d": {"count": "visits", "days": 30},
            "days_since_visits": {"since_last": "visits", "required": False},
            "tenure": {"age_of": "people.start", "unit": "days"},
        },
        "label": {"event": "people.end", "horizon_days": 30},
    }
    return {"people": _table(people), "visits": _table(visits)}, HistoryContract.from_dict(contract)


def proposed(tables: Tables, inactive_days: int | None = None) -> tuple[Tables, HistoryContract]:
    """The tables by the keys of the contract that `churn init` proposes, and that contract."""
    contract = propose_history(tables, name="log", inactive_days=inactive_days).contract
    return {key: tables[declared.table or key] for key, declared in contract.tables.items()}, contract


def leakage_of(tables: Tables, contract: HistoryContract) -> LeakageReport:
    """What the leakage checks of a training run find."""
    last = last_day(tables, contract)
    snapshots = read_labelled(tables, contract, last, every_days=30, max_dates=6)
    with tempfile.TemporaryDirectory() as folder:
        archive = SnapshotArchive(Path(folder), "key")
        return check_history(snapshots, tables, contract, last, archive, strict=False, seed=0).report


def _days(days: Any) -> Any:
    return FIRST + pd.to_timedelta(np.asarray(days, dtype=float), unit="D").floor("s")


def _table(frame: pd.DataFrame) -> ir.Table:
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))
