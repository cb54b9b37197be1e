"""A small telecom with every kind of column and of feature, some oddities in each table."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa

from churn_mlops.data.contract import HistoryContract

FIRST = date(2024, 1, 1)
DAYS = 200

CONTRACT = HistoryContract.from_dict(
    {
        "name": "telecom",
        "customer": "customer_id",
        "time_zone": "Europe/Berlin",
        "tables": {
            "customers": {"start": "signup", "end": "ended", "end_known_at": "ended_recorded"},
            "subscriptions": {"valid_from": "opened"},
            "plans": {"valid_from": "valid_from", "known_at": "recorded"},
            "payments": {
                "event_time": "paid_on",
                "through": {"table": "subscriptions", "column": "subscription", "key": "id"},
            },
            "usage": {"event_time": "day", "known_at": "loaded", "where": {"valid": [1]}},
        },
        "features": {
            "tenure": {"age_of": "customers.start", "unit": "months"},
            "age": {"age_of": "customers.born", "unit": "years"},
            "contract": {"last": "plans.contract", "levels": ["monthly", "Ärger", "é", "Z"]},
            "charges": {"last": "plans.charges"},
            "is_paperless": {"last": "plans.paperless", "type": "boolean"},
            "recent_charges": {"last": "plans.charges", "days": 40},
            "monthly_charges": {"last": "plans.charges", "where": {"contract": "monthly"}},
            "plan_age": {"age_of": "plans.valid_from", "unit": "weeks"},
            "paid": {"sum": "payments.amount"},
            "paid_30d": {"sum": "payments.amount", "days": 30},
            "fees": {"sum": "payments.fee"},
            "mean_fee": {"mean": "payments.fee", "days": 60},
            "mean_paid": {"mean": "payments.amount"},
            "least": {"smallest": "payments.amount"},
            "most": {"largest": "payments.amount"},
            "ways": {"distinct": "payments.way"},
            "late_payments": {"count": "payments", "where": {"late": [True]}},
            "logins_30d": {"sum": "usage.logins", "days": 30},
            "logins_trend": {"ratio": {"sum": "usage.logins", "days": [14, 60]}},
            "visits_trend": {"ratio": {"count": "usage", "days": [14, 60], "where": {"way": ["web", "app"]}}},
            "minutes": {"sum": "usage.minutes", "missing_values": ["-99"]},
            "first_way": {"smallest": "usage.way", "levels": ["web", "app", "shop"]},
            "since_usage": {"since_last": "usage"},
            "since_shop": {"since_last": "usage", "days": 50, "where": {"way": "shop"}},
        },
        "label": {
            "event": "customers.end",
            "horizon_days": 30,
            "lead_days": 5,
            "involuntary": {"column": "reason", "values": ["unpaid"]},
        },
    }
)


def telecom(customers: int, seed: int) -> dict[str, pa.Table]:
    """Tables of so many customers, a few of which have come back."""
    random = Random(seed)
    ids = [f"C-{number}" for number in range(customers)]
    return {
        "customers": _customers(random, ids),
        "subscriptions": _subscriptions(random, ids),
        "plans": _plans(random, ids),
        "payments": _payments(random, customers),
        "usage": _usage(random, ids),
    }


def _time(random: Random) -> datetime:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    # Among others the two hours when the clock is put forward, and the last second of a local day.
    odd = [datetime(2024, 3, 31, 1, 0, tzinfo=UTC), datetime(2024, 5, 1, 21, 59, 59, tzinfo=UTC)]
    return random.choice(odd) if random.random() < 0.05 else start + timedelta(minutes=random.randrange(DAYS * 1440))


def _day(random: Random) -> date:
    return FIRST + timedelta(days=random.randrange(DAYS))


def _some(random: Random, value: Any, share: float = 0.95) -> Any:
    return value if random.random() < share else None


def _table(kinds: dict[str, pa.DataType], rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds.values(), strict=True)], list(kinds))


def _customers(random: Random, ids: list[str]) -> pa.Table:
    rows = []
    for one in ids + random.sample(ids, len(ids) // 10):
        signup = _day(random)
        ended = datetime.combine(signup, datetime.min.time()) + timedelta(hours=random.randrange(1, 4000))
        recorded = ended.replace(tzinfo=UTC) + timedelta(hours=random.randrange(300))
        gone = random.random() < 0.6
        born = random.choice(["1980-02-29", "1999-12-31T23:59:59Z", "2001-02-29", "unknown", "1970-05-01 10:00"])
        rows.append(
            (one, signup, ended if gone else None, _some(random, recorded) if gone else None, born,
             random.choice(["price", "unpaid", None]))
        )  # fmt: skip
    kinds = {
        "customer_id": pa.string(),
        "signup": pa.date32(),
        "ended": pa.timestamp("us"),
        "ended_recorded": pa.timestamp("us", "UTC"),
        "born": pa.string(),
        "reason": pa.string(),
    }
    return _table(kinds, rows)


def _subscriptions(random: Random, ids: list[str]) -> pa.Table:
    rows = [(number, one, _day(random)) for number, one in enumerate(ids)]
    rows += [(number, one, _day(random)) for number, one, _ in rows[::7]]  # two versions of one subscription
    return _table({"id": pa.int32(), "customer_id": pa.string(), "opened": pa.date32()}, rows)


def _plans(random: Random, ids: list[str]) -> pa.Table:
    rows = []
    for one in random.choices(ids, k=3 * len(ids)):
        valid = _time(random)
        recorded = valid.replace(tzinfo=None) + timedelta(days=random.choice([0, 0, 3, 40]))
        levels = ["monthly", "Ärger", "é", "Z", " monthly ", "", None]
        for _ in range(random.choice([1, 1, 2])):  # rows of the same times, too
            charges = random.choice([19.99, -0.0, float("nan"), float("inf"), 1e-12, 70.35, None])
            rows.append(
                (
                    one,
                    valid,
                    _some(random, recorded),
                    random.choice(levels),
                    charges,
                    random.choice([True, False, None]),
                )
            )
    kinds = {
        "customer_id": pa.string(),
        "valid_from": pa.timestamp("us", "UTC"),
        "recorded": pa.timestamp("us"),
        "contract": pa.string(),
        "charges": pa.float64(),
        "paperless": pa.bool_(),
    }
    return _table(kinds, rows)


def _payments(random: Random, subscriptions: int) -> pa.Table:
    rows = []
    for _ in range(12 * subscriptions):
        amount = random.choice([random.uniform(-50, 1000), 0.1, 1e15, 2e15, float("nan"), float("-inf"), None])
        fee = Decimal(random.randrange(-500, 5000)) / 100
        way = random.choice(["card", "Card", " card", "bank", "", None])
        rows.append(
            (random.randrange(subscriptions + 5), _some(random, _day(random)), amount, fee, way, random.random() < 0.3)
        )
    kinds = {
        "subscription": pa.int64(),
        "paid_on": pa.date32(),
        "amount": pa.float64(),
        "fee": pa.decimal128(12, 2),
        "way": pa.string(),
        "late": pa.bool_(),
    }
    return _table(kinds, rows)


def _usage(random: Random, ids: list[str]) -> pa.Table:
    rows = []
    for one in random.choices([*ids, "nobody", None], k=20 * len(ids)):
        day = _day(random)
        text = random.choice([day.isoformat(), f"{day}T23:30:00+00:00", f"{day} 22:15", f" {day} ", f"{day}T05:00:00Z"])
        if random.random() < 0.03:
            text = random.choice(["2024-02-30", "yesterday", "", "2024-13-01", "20240101"])
        loaded = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=random.randrange(200))
        minutes = random.choice(["12.5", "1e3", "-99", "n/a", "0.1", None])
        rows.append(
            (one, text, _some(random, loaded), random.choice([0, 1, 2, 50, None]), minutes,
             random.choice(["web", "app", "shop", " shop", None]), random.choice([1, 1, 1, 0]))
        )  # fmt: skip
    kinds = {
        "customer_id": pa.string(),
        "day": pa.string(),
        "loaded": pa.timestamp("us", "UTC"),
        "logins": pa.int64(),
        "minutes": pa.string(),
        "way": pa.string(),
        "valid": pa.int64(),
    }
    return _table(kinds, rows)
