"""The customers of the demo company: what they bought, what they are like, and what they did recently."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from churn_mlops.data.demo_company.months import DAYS_OF_A_MONTH, Days

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
Counts = npt.NDArray[np.int16]
Cents = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

CONTRACT_TYPES = ("month-to-month", "one_year", "two_year")
PAYMENT_METHODS = ("electronic_check", "mailed_check", "bank_transfer", "credit_card")
INTERNET_SERVICES = ("dsl", "fiber_optic", "no")
YES_NO = ("no", "yes")
MONTHLY, ONE_YEAR, TWO_YEAR = range(3)
DSL, FIBER, OFFLINE = range(3)
WEEKS = 12
"""Weeks of logins that a customer carries: the long window of the trend."""
WELCOME_DAYS = 365
TERM_DAYS = np.array([WELCOME_DAYS, 365, 730], dtype=np.int32)
"""By contract type: the fixed term, and without one the time of the welcome price."""
_RECENT = 3  # months of tickets and failed payments that a customer carries
_WELCOME_SHARE = 0.15
_BASE_CENTS = np.array([4500, 7200, 2200])
_LOGINS_A_WEEK = np.array([6.0, 8.0, 3.0])
_GIGABYTES_A_WEEK = np.array([22.0, 60.0, 0.0])


@dataclass
class People:
    """Customers as arrays of length n; row i of each is one customer."""

    number: npt.NDArray[np.int32]  # from which customer_id is made
    signup: Days
    contract: Codes
    payment: Codes
    internet: Codes
    tech_support: Flags
    online_security: Flags
    renews: Days  # the day on which the contract renews or its welcome price ends; 0 for none
    list_cents: Cents  # price a month without the welcome discount
    logins_a_week: Floats
    gigabytes_a_week: Floats
    dissatisfaction: Floats  # the hidden trait behind falling usage, tickets and bad ratings
    weeks: Counts  # (n, WEEKS) logins, the latest week last
    last_usage: Days
    tickets: Counts  # (n, 3) a month, the latest last
    rated: Counts  # (n, 3) tickets with a rating
    ratings: Counts  # (n, 3) their sum
    failed: Counts  # (n, 3) failed payments
    dunned: Flags  # the retry of this month failed too
    offered: Counts  # (n, 2) offers a month
    offer_effect: Floats  # (n, 2) what they do to the log-odds

    def __len__(self) -> int:
        """How many."""
        return len(self.number)

    def with_more(self, more: Self) -> Self:
        """These and ``more`` of them."""
        joined = {
            field.name: np.concatenate([getattr(self, field.name), getattr(more, field.name)]) for field in fields(self)
        }
        return type(self)(**joined)

    def rows(self, index: npt.NDArray[Any]) -> Self:
        """The customers at ``index``."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def cents(self, day: int | Days) -> Cents:
        """USD cents a month that each pays on ``day``: the welcome discount lasts a year."""
        return price(self.list_cents, self.signup, day)

    def tenure(self, day: int) -> Floats:
        """Months since signup."""
        return np.asarray((day - self.signup) / DAYS_OF_A_MONTH, dtype=np.float64)

    def forget_a_month(self) -> None:
        """Make room for the counts of a new month."""
        for counts in (self.tickets, self.rated, self.ratings, self.failed, self.offered, self.offer_effect):
            counts[:, :-1] = counts[:, 1:]
            counts[:, -1] = 0


def price(list_cents: Cents, signup: Days, day: int | Days) -> Cents:
    """USD cents a month on ``day``: the welcome discount lasts a year."""
    welcomed = np.asarray(day) < signup + WELCOME_DAYS
    return np.where(welcomed, np.rint(list_cents * (1 - _WELCOME_SHARE)), list_cents).astype(np.int32)


def renewal_after(contract: Codes, signup: Days, day: Days) -> Days:
    """The first renewal after ``day`` of contracts since ``signup``.

    Without a fixed term it is the end of the welcome price, and 0 once that is over.
    """
    term = TERM_DAYS[contract]
    renews = signup + term * np.maximum((day - signup) // term + 1, 1)
    return np.where((contract == MONTHLY) & (renews > signup + WELCOME_DAYS), 0, renews).astype(np.int32)


def sign_up(draw: np.random.Generator, numbers: npt.NDArray[np.int32], first: int, last: int) -> People:
    """New customers, who sign up on days from ``first`` to ``last``."""
    return _people(draw, numbers, np.sort(draw.integers(first, last + 1, len(numbers))).astype(np.int32))


def settled(draw: np.random.Generator, count: int, day: int) -> People:
    """Customers of a company that has been there for years: signed up within the 72 months before ``day``."""
    people = _people(draw, np.zeros(count, dtype=np.int32), np.full(count, day, dtype=np.int32))
    typical = np.array([16.0, 26.0, 32.0])[people.contract]
    months = np.clip(draw.gamma(1.2, typical / 1.2), 0.1, 72.0)
    people.signup -= np.rint(months * DAYS_OF_A_MONTH).astype(np.int32)
    people.renews = renewal_after(people.contract, people.signup, np.full(count, day, dtype=np.int32))
    people.last_usage[:] = day
    people.dissatisfaction = draw.normal(0.0, 0.8, count)
    return people


def _people(draw: np.random.Generator, numbers: npt.NDArray[np.int32], signup: Days) -> People:
    count = len(numbers)
    commitment = draw.standard_normal(count)  # ties the products of a customer together, as in a real company
    zero = np.zeros(count)
    contract = _choose(draw, [0.5 - 0.9 * commitment, zero, -0.1 + 0.8 * commitment])
    internet = _choose(draw, [0.35 + zero, 0.45 - 0.5 * commitment, -0.6 + 0.1 * commitment])
    payment = _choose(
        draw,
        [0.1 - 0.7 * commitment + 0.5 * (internet == FIBER), -0.3 + zero, 0.3 * commitment, 0.1 + 0.3 * commitment],
    )
    takes = 1.0 / (1.0 + np.exp(-(0.9 * commitment - 0.4 * (internet == FIBER))))
    tech, security = ((draw.random(count) < takes) & (internet != OFFLINE) for _ in range(2))
    noise = np.clip(draw.normal(0.0, 800.0, count), -1500, 2500)
    price = _BASE_CENTS[internet] + 600 * tech + 500 * security + noise
    return People(
        number=numbers,
        signup=signup,
        contract=contract,
        payment=payment,
        internet=internet,
        tech_support=tech,
        online_security=security,
        renews=renewal_after(contract, signup, signup),
        list_cents=np.maximum(price, 1800).astype(np.int32),
        logins_a_week=_LOGINS_A_WEEK[internet] * np.exp(draw.normal(0.0, 0.4, count)),
        gigabytes_a_week=_GIGABYTES_A_WEEK[internet] * np.exp(draw.normal(0.0, 0.5, count)),
        dissatisfaction=draw.normal(0.0, 0.3, count),
        last_usage=signup.copy(),
        dunned=np.zeros(count, dtype=np.bool_),
        **_nothing_yet(count),
    )


def _nothing_yet(count: int) -> dict[str, Any]:
    widths = {"weeks": WEEKS, "tickets": _RECENT, "rated": _RECENT, "ratings": _RECENT, "failed": _RECENT, "offered": 2}
    counts: dict[str, Any] = {name: np.zeros((count, width), dtype=np.int16) for name, width in widths.items()}
    return counts | {"offer_effect": np.zeros((count, 2))}


def _choose(draw: np.random.Generator, utilities: list[Floats]) -> Codes:
    """One level a customer, with chances proportional to exp(utility) (the Gumbel trick)."""
    utility = np.stack(utilities, axis=1)
    return np.asarray(np.argmax(utility + draw.gumbel(size=utility.shape), axis=1), dtype=np.int8)
