"""The life of the demo company: month by month, who leaves, who comes, and what everyone does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np

from churn_mlops.data.demo_company.active import Active
from churn_mlops.data.demo_company.behaviour import ask_for_help, grow_dissatisfied, use
from churn_mlops.data.demo_company.billing import bill, change_plans, first_plans, past_payments, past_plans
from churn_mlops.data.demo_company.customers import People, settled, sign_up
from churn_mlops.data.demo_company.leaving import Leaving, cancellations, leave
from churn_mlops.data.demo_company.months import Days, Month, calendar, shift_month
from churn_mlops.data.demo_company.offers import make_offers
from churn_mlops.data.demo_company.tables import Columns

Sink = Callable[[str, Columns], None]
"""Takes rows of a table. Three are not in the database: "signups" and "ends" make "customers", "truth" is apart."""
_BURN_IN = 30  # months until the mix of customers is what the leaving makes it
_BLOCK = 20_000  # customers whose past is written together


def live(draw: np.random.Generator, customers: int, months: int, last_day: date, sink: Sink) -> None:
    """Hand the rows of a whole history to ``sink``, a month at a time; they are not moved yet."""
    calendar_months = calendar(_BURN_IN, months, last_day)
    company = _Company(draw, customers, shift_month(months), calendar_months[0])
    for month in calendar_months:
        if month.index == 0:
            company.open_books(month, sink)
        company.go_through(month, sink if month.index >= 0 else _forget)
    company.look_ahead(sink)


def _forget(table: str, columns: Columns) -> None:
    """Drop the rows of the burn-in."""


class _Company:
    """Its customers at the end of a month; there are always equally many, since each churner is replaced."""

    def __init__(self, draw: np.random.Generator, customers: int, shift: int, first: Month) -> None:
        self._draw = draw
        self._people = settled(draw, customers, first.first - 1)
        self._as_of = first.first - 1
        self._as_of_before = self._as_of - 30
        self._shift = shift
        self._next = 1
        self._index = first.index

    def open_books(self, month: Month, sink: Sink) -> None:
        """Number the customers by the day they came, and write down their past."""
        self._next = 1
        self._people = self._people.rows(np.argsort(self._people.signup, kind="stable"))
        self._people.number = self._numbers(len(self._people))
        for start in range(0, len(self._people), _BLOCK):
            block = self._people.rows(np.arange(start, min(start + _BLOCK, len(self._people))))
            sink("signups", _signed_up(block))
            for plans in past_plans(self._draw, block, month.first):
                sink("plans", plans)
            sink("payments", past_payments(self._draw, block, month.first))

    def go_through(self, month: Month, sink: Sink) -> None:
        """Live one month."""
        leaving = self._leave(month.last, sink)
        come = sign_up(self._draw, self._numbers(len(leaving.who)), month.first, month.last)
        sink("signups", _signed_up(come))
        sink("plans", first_plans(self._draw, come))
        active = self._active(month, leaving.who, leaving.end, come)
        self._spend(active, sink)
        stays = np.arange(len(self._people))
        stays[leaving.who] = len(self._people) + np.arange(len(come))
        self._people = active.people.rows(stays)
        self._as_of_before, self._as_of, self._index = self._as_of, month.last, month.index + 1

    def look_ahead(self, sink: Sink) -> None:
        """Write who will leave after the last day: the truth for the list of that day, and recorded requests."""
        self._leave(self._as_of + 30, sink)

    def _leave(self, last: int, sink: Sink) -> Leaving:
        # Ends of this month lie within 30 days of its as-of date, and beyond 30 days of the one before, which
        # matters after February: so the truth is exact at every as-of date.
        days = max(self._as_of, self._as_of_before + 30) + 1, min(last, self._as_of + 30)
        leaving = leave(self._draw, self._people, self._as_of, self._index >= self._shift, days)
        sink("truth", leaving.truth)
        sink("cancellations", cancellations(self._draw, self._people, leaving))
        sink(
            "ends",
            {
                "customer_id": self._people.number[leaving.who],
                "churn_date": leaving.end,
                "churn_recorded_at": leaving.recorded_at,
                "churn_reason": leaving.reason,
            },
        )
        return leaving

    def _active(self, month: Month, who: np.ndarray[tuple[int], np.dtype[np.intp]], end: Days, come: People) -> Active:
        people = self._people.with_more(come)
        people.forget_a_month()
        last = np.full(len(people), month.last, dtype=np.int32)
        last[who] = end
        return Active(month, people, np.maximum(people.signup, month.first).astype(np.int32), last)

    def _spend(self, active: Active, sink: Sink) -> None:
        """Everything that customers do in a month, in a fixed order, since all draws come from one stream."""
        before = grow_dissatisfied(self._draw, active.people, active.month.index >= self._shift)
        plans, changed, price = change_plans(self._draw, active)
        for rows in plans:
            sink("plans", rows)
        for week in use(self._draw, active, before):
            sink("usage", week)
        sink("tickets", ask_for_help(self._draw, active))
        sink("payments", bill(self._draw, active, changed, price))
        sink("offers", make_offers(self._draw, active))

    def _numbers(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        numbers = np.arange(self._next, self._next + count, dtype=np.int32)
        self._next += count
        return numbers


def _signed_up(people: People) -> Columns:
    return {"customer_id": people.number, "signup_date": people.signup}
