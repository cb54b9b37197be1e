"""From when to when a history runs: what is dated ahead does not count."""

from __future__ import annotations

from datetime import date, datetime

import ibis
import pyarrow as pa

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.snapshot.date_range import last_day, rows_after

TODAY = date(2026, 11, 23)
CONTRACT = HistoryContract.from_dict(
    {
        "name": "club",
        "customer": "member",
        "tables": {"members": {"start": "joined"}, "visits": {"event_time": "day"}},
        "features": {"visits_60d": {"count": "visits", "days": 60}},
    }
)
MEMBERS = pa.table({"member": ["a"], "joined": [datetime(2026, 1, 1)]})


def test_rows_of_after_today_do_not_make_a_history_longer() -> None:
    days = [datetime(2026, 10, 31, 12), datetime(2026, 11, 24), datetime(2027, 5, 12, 10)]
    tables = {
        "members": ibis.memtable(MEMBERS),
        "visits": ibis.memtable(pa.table({"member": ["a"] * 3, "day": days})),
    }
    assert last_day(tables, CONTRACT, TODAY) == date(2026, 10, 30)
    assert last_day(tables, CONTRACT) == date(2027, 5, 11)
    assert rows_after(tables, CONTRACT, TODAY) == {"visits": 2}
    assert rows_after(tables, CONTRACT, date(2027, 5, 12)) == {}
