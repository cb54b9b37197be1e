"""The effect of offers that a campaign makes to customers of the demo company: its database goes on as the truth says.

The truth holds, for each customer and month, the probability of leaving with and without an offer. A customer who
leaves in the 30 days after a date is kept with the probability that follows, and a customer who stays is driven away
where the offer does harm. A kept customer goes on as before: their last twelve weeks repeat, and they may leave later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np

HORIZON_DAYS = 30
REPEATED_DAYS = 84
_TIMES = {
    "payments": ("paid_on", "recorded_at"),
    "usage": ("week_ending", "loaded_at"),
    "tickets": ("opened_at", "recorded_at"),
}
"""The tables of behaviour: the day of a row, and when it was recorded."""
_KNOWN = """
SELECT c.customer_id, c.churn_date, arg_max(t.hazard, t.as_of), arg_max(t.hazard_if_offered, t.as_of)
FROM customers c JOIN read_parquet(?) t USING (customer_id)
WHERE list_contains(?, c.customer_id) AND t.as_of <= ?
GROUP BY 1, 2 ORDER BY 1
"""


@dataclass(frozen=True)
class OfferEffects:
    """The customers whose fate an offer changed.

    Args:
        kept: customer IDs of churners who stay.
        driven_away: customer IDs of customers who leave because of the offer.
    """

    kept: tuple[str, ...] = ()
    driven_away: tuple[str, ...] = ()


def make_effective(
    database: Path,
    truth: Path,
    day: date,
    customers: Sequence[str],
    last_day: date,
    draw: np.random.Generator,
    strength: float = 1.0,
) -> OfferEffects:
    """Let an offer act on customers who heard it right after ``day``.

    Args:
        database: ``company.duckdb``, which no one else has open.
        truth: ``truth.parquet``.
        day: the date of the list.
        customers: IDs of the customers who heard the offer.
        last_day: the last complete day of the history.
        draw: of chance.
        strength: how many times as strong the offer is as that of the truth, in log-odds.
    """
    kept: dict[str, date | None] = {}
    away: dict[str, date] = {}
    with duckdb.connect(str(database)) as connection:
        for customer, end, hazard, offered in connection.execute(_KNOWN, [str(truth), list(customers), day]).fetchall():
            offered = _stronger(hazard, offered, strength)
            chance = draw.random()
            leaves = end is not None and day < end <= day + timedelta(days=HORIZON_DAYS)
            if leaves and chance < 1 - offered / hazard:
                months = int(draw.geometric(max(offered, 1e-3)))
                later = end + timedelta(days=HORIZON_DAYS * months)
                kept[customer] = later if later <= last_day else None
            elif not leaves and end is None and chance < (offered - hazard) / (1 - hazard):
                left = day + timedelta(days=int(draw.integers(1, HORIZON_DAYS + 1)))
                away[customer] = min(left, last_day)
        connection.begin()
        _keep(connection, kept, last_day)
        _send_away(connection, away)
        connection.commit()
    return OfferEffects(tuple(kept), tuple(away))


def _stronger(hazard: float, offered: float, strength: float) -> float:
    """The probability of leaving with an offer of another strength."""
    odds = hazard / (1 - hazard)
    moved = float(odds * (offered / (1 - offered) / odds) ** strength)
    return moved / (1 + moved)


def _keep(connection: duckdb.DuckDBPyConnection, kept: dict[str, date | None], last_day: date) -> None:
    """Give kept customers the behaviour of their last weeks again, until they leave later, or to the last day."""
    if not kept:
        return
    rows = list(kept.items())
    connection.execute("CREATE TEMP TABLE kept (customer_id VARCHAR, until DATE)")
    connection.executemany("INSERT INTO kept VALUES (?, ?)", rows)
    for table, (day, recorded) in _TIMES.items():
        connection.execute(
            f"""INSERT INTO {table} BY NAME
            SELECT r.* REPLACE (r.{day} + CAST(k AS INTEGER) * {REPEATED_DAYS} AS {day},
                r.{recorded} + to_days(CAST(k AS INTEGER) * {REPEATED_DAYS}) AS {recorded})
            FROM {table} r JOIN customers c USING (customer_id) JOIN kept USING (customer_id), range(1, 5) s(k)
            WHERE r.{day} > c.churn_date - {REPEATED_DAYS}
            AND r.{day} + CAST(k AS INTEGER) * {REPEATED_DAYS} > c.churn_date
            AND r.{day} + CAST(k AS INTEGER) * {REPEATED_DAYS} <= coalesce(until, DATE '{last_day}')
            AND r.{recorded} + to_days(CAST(k AS INTEGER) * {REPEATED_DAYS}) < DATE '{last_day}' + 1"""  # noqa: S608 our own
        )
    connection.execute("DELETE FROM cancellations USING kept WHERE cancellations.customer_id = kept.customer_id")
    connection.execute(
        """UPDATE customers SET churn_date = kept.until, churn_recorded_at = kept.until + INTERVAL 6 HOUR,
        churn_reason = CASE WHEN kept.until IS NULL THEN NULL ELSE churn_reason END
        FROM kept WHERE customers.customer_id = kept.customer_id"""
    )
    connection.execute("DROP TABLE kept")


def _send_away(connection: duckdb.DuckDBPyConnection, away: dict[str, date]) -> None:
    """End customers on a day, without what they would have done after it."""
    for name, end in away.items():
        connection.execute(
            "UPDATE customers SET churn_date = ?, churn_recorded_at = CAST(? AS DATE) + INTERVAL 6 HOUR, "
            "churn_reason = 'other' WHERE customer_id = ?",
            [end, end, name],
        )
        for table, (day, _) in _TIMES.items():
            connection.execute(f"DELETE FROM {table} WHERE customer_id = ? AND {day} > ?", [name, end])  # noqa: S608 our own
