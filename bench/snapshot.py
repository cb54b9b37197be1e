"""The snapshot of 1 M customers with 10 M events against the bare aggregation by hand, on DuckDB.

Both run in processes of their own, over the same file, and give their rows as Arrow; the bar is 3 times the bare query.

    python -m bench.snapshot [--customers N] [--events N] [--keys text]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables

BAR = 3.0
DAY = date(2025, 12, 31)
RUNS = 3

CONTRACT = HistoryContract.from_dict(
    {
        "name": "bench",
        "customer": "customer_id",
        "tables": {
            "customers": {"start": "signup", "end": "ended", "end_known_at": "ended_recorded"},
            "plans": {"valid_from": "valid_from", "known_at": "recorded"},
            "events": {"event_time": "happened", "known_at": "loaded"},
        },
        "features": {
            "tenure": {"age_of": "customers.start", "unit": "months"},
            "contract_type": {"last": "plans.contract_type", "levels": ["month-to-month", "one_year", "two_year"]},
            "monthly_charges": {"last": "plans.monthly_charges"},
            "logins_30d": {"sum": "events.logins", "days": 30},
            "logins_90d": {"sum": "events.logins", "days": 90},
            "minutes": {"sum": "events.minutes"},
            "mean_minutes_90d": {"mean": "events.minutes", "days": 90},
            "longest": {"largest": "events.minutes"},
            "mobile_visits_90d": {"count": "events", "days": 90, "where": {"channel": "mobile"}},
            "visits_trend": {"ratio": {"count": "events", "days": [30, 90]}},
            "days_since": {"since_last": "events"},
        },
        "label": {"event": "customers.end"},
    }
)

# What a person would write by hand for the same columns, with no care for exact sums or rows of the same time.
BARE = """
WITH active AS (
  SELECT customer_id, signup FROM customers
  WHERE signup <= DATE '2025-12-31'
    AND (ended IS NULL OR ended > DATE '2025-12-31' OR ended_recorded > DATE '2025-12-31')
), plan AS (
  SELECT customer_id, arg_max(contract_type, valid_from) AS contract_type,
    arg_max(monthly_charges, valid_from) AS monthly_charges
  FROM plans WHERE valid_from <= DATE '2025-12-31' AND recorded < TIMESTAMP '2026-01-01' GROUP BY customer_id
), event AS (
  SELECT customer_id,
    sum(logins) FILTER (WHERE happened >= TIMESTAMP '2025-12-02') AS logins_30d,
    sum(logins) FILTER (WHERE happened >= TIMESTAMP '2025-10-03') AS logins_90d,
    sum(minutes) AS minutes,
    avg(minutes) FILTER (WHERE happened >= TIMESTAMP '2025-10-03') AS mean_minutes_90d,
    max(minutes) AS longest,
    count(*) FILTER (WHERE happened >= TIMESTAMP '2025-10-03' AND channel = 'mobile') AS mobile_visits_90d,
    (count(*) FILTER (WHERE happened >= TIMESTAMP '2025-12-02') / 30)
      / nullif(count(*) FILTER (WHERE happened >= TIMESTAMP '2025-10-03') / 90, 0) AS visits_trend,
    date_diff('day', max(happened), TIMESTAMP '2025-12-31') AS days_since
  FROM events WHERE happened < TIMESTAMP '2026-01-01' AND loaded < TIMESTAMP '2026-01-01' GROUP BY customer_id
)
SELECT active.customer_id, date_diff('day', signup, DATE '2025-12-31') / 30.4375 AS tenure,
  plan.* EXCLUDE (customer_id), event.* EXCLUDE (customer_id)
FROM active LEFT JOIN plan USING (customer_id) LEFT JOIN event USING (customer_id)
"""


_CUSTOMERS = """DATE '2024-01-01' + (r * 700)::INT AS signup,
    CASE WHEN s < 0.3 THEN DATE '2025-06-01' + (s * 1300)::INT END AS ended,
    CASE WHEN s < 0.3 THEN DATE '2025-06-03' + (s * 1300)::INT END AS ended_recorded"""
_PLANS = """DATE '2024-01-01' + (r * 800)::INT AS valid_from,
    TIMESTAMP '2024-01-01 03:00:00' + to_days((r * 800)::INT) AS recorded,
    ['month-to-month', 'one_year', 'two_year'][1 + floor(s * 3)::INT] AS contract_type,
    (20 + s * 100)::DECIMAL(10, 2) AS monthly_charges"""
_EVENTS = """TIMESTAMP '2024-01-01' + to_seconds((r * 65000000)::BIGINT) AS happened,
    TIMESTAMP '2024-01-01 05:00:00' + to_seconds((r * 65000000)::BIGINT) AS loaded,
    floor(random() * 9)::INT AS logins, random() * 100 AS minutes,
    CASE WHEN random() < 0.4 THEN 'mobile' ELSE 'web' END AS channel"""


def make(path: Path, customers: int, events: int, keys: str) -> None:
    """Write a database of so many customers, two plans each, and events over two years."""
    key = "('C' || lpad(n::VARCHAR, 9, '0'))" if keys == "text" else "n"
    with duckdb.connect(str(path)) as connection:
        connection.execute("SELECT setseed(0.5)")
        for name, columns, rows in (
            ("customers", _CUSTOMERS, f"n, random() AS r, random() AS s FROM range({customers}) t(n)"),
            ("plans", _PLANS, f"n // 2 AS n, random() AS r, random() AS s FROM range({2 * customers}) t(n)"),
            ("events", _EVENTS, f"floor(random() * {customers})::BIGINT AS n, random() AS r FROM range({events})"),
        ):
            statement = f"CREATE TABLE {name} AS SELECT {key} AS customer_id, {columns} FROM (SELECT {rows})"  # noqa: S608 our own texts
            connection.execute(statement)


def measure(what: str, path: Path) -> dict[str, float]:
    """Of ``what`` ("snapshot" or "bare"): seconds of the fastest run, of processors too; peak memory, MB."""
    work = _snapshot(path) if what == "snapshot" else _bare(path)
    seconds, busy = [], []
    for _ in range(RUNS):
        start, start_busy = time.perf_counter(), time.process_time()
        rows = work()
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - start_busy)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": min(seconds), "busy": min(busy), "peak_mb": peak, "rows": rows.num_rows}


def _snapshot(path: Path) -> Callable[[], pa.Table]:
    tables = open_tables(str(path), CONTRACT)
    return lambda: read_history(tables, CONTRACT, [DAY])


def _bare(path: Path) -> Callable[[], pa.Table]:
    connection = duckdb.connect(str(path), read_only=True)
    return lambda: connection.sql(BARE).to_arrow_table()


def main() -> None:
    """Make the database, measure both, and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--keys", choices=["number", "text"], default="number")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments.only, arguments.path)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        make(path, arguments.customers, arguments.events, arguments.keys)
        found = {what: _in_a_process(what, path) for what in ("bare", "snapshot")}
    for what, figures in found.items():
        print(
            f"{what:10} {figures['seconds']:8.2f} s {figures['busy']:8.2f} s of processors "
            f"{figures['peak_mb']:8.0f} MB {figures['rows']:12,.0f} rows"
        )
    ratio, busy = (found["snapshot"][part] / found["bare"][part] for part in ("seconds", "busy"))
    print(f"ratio {ratio:.2f} ({busy:.2f} of processors), bar {BAR:g}: {'met' if ratio <= BAR else 'NOT MET'}")


def _in_a_process(what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.snapshot", "--only", what, "--path", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
