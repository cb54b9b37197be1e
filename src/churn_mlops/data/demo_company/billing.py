"""Plans that change and bills that are paid, each month and for the years before the history."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from churn_mlops.data.demo_company.active import Active, Indices
from churn_mlops.data.demo_company.customers import (
    DSL,
    FIBER,
    MONTHLY,
    OFFLINE,
    ONE_YEAR,
    TWO_YEAR,
    WELCOME_DAYS,
    Cents,
    Flags,
    People,
    price,
)
from churn_mlops.data.demo_company.late import recorded
from churn_mlops.data.demo_company.months import Days, month_numbers, month_starts
from churn_mlops.data.demo_company.tables import Columns

PAID, FAILED = range(2)
_FAILS = np.array([0.045, 0.035, 0.012, 0.02])  # by payment method
_RETRY_FAILS = 0.25
_RETRY_AFTER = 5
_BILL_DAYS = 22  # so that the retry falls into the same month
_FIRST_BILL_AFTER = 20


def first_plans(draw: np.random.Generator, people: People) -> Columns:
    """The plan of each customer at sign-up: recorded immediately, since no customer is without one."""
    return _plans(people, np.arange(len(people)), people.signup, recorded(draw, people.signup, 0.0, 0.0))


def past_plans(draw: np.random.Generator, people: People, before: int) -> list[Columns]:
    """Plans of customers before the history begins on day ``before``: the first one, and the end of the discount."""
    over = np.flatnonzero(people.signup + WELCOME_DAYS < before)
    days = people.signup[over] + WELCOME_DAYS
    return [first_plans(draw, people), _plans(people, over, days, recorded(draw, days, 0.0, 0.0))]


def past_payments(draw: np.random.Generator, people: People, before: int) -> Columns:
    """The payments of customers before the history begins on day ``before``: all their bills."""
    this_month = month_numbers(np.array([before], dtype=np.int32))[0]
    months = this_month - month_numbers(people.signup)
    who = np.repeat(np.arange(len(people)), months)
    back = np.arange(len(who)) - np.repeat(np.cumsum(months) - months, months)
    days = month_starts(this_month - 1 - back) + _bill_day(people)[who] - 1
    due = days >= people.signup[who] + _FIRST_BILL_AFTER
    who, days = who[due], days[due]
    cents = price(people.list_cents[who], people.signup[who], days)
    return _payments(people, who, days, cents, np.zeros(len(who), dtype=np.int8), recorded(draw, days, 0.0, 0.0))


def change_plans(draw: np.random.Generator, active: Active) -> tuple[Columns, Days, Cents]:
    """At most one change of plan for each customer of the month.

    Returns:
        The rows; the day from which each customer's new price holds; and their price until then, USD cents a month.
    """
    people, month = active.people, active.month
    ends = people.signup + WELCOME_DAYS
    ending: Flags = (ends >= month.first) & (ends <= month.last)
    day = np.where(ending, ends, draw.integers(month.first, month.last + 1, len(people))).astype(np.int32)
    price = people.cents(month.first - 1)
    free = ~ending & active.on(day) & (people.signup < month.first)
    changed = _change_services(draw, people, free)
    changed |= _change_contract(draw, people, free & ~changed)
    changed |= _change_payment(draw, people, free & ~changed)
    who = np.flatnonzero((changed | ending) & active.on(day))
    rows = _plans(people, who, day[who], recorded(draw, day[who], late=0.02))
    return rows, day, np.where(people.signup >= month.first, people.cents(month.last), price).astype(np.int32)


def bill(draw: np.random.Generator, active: Active, changed: Days, price_before: Cents) -> Columns:
    """The payments of the month, and a second try five days after one that failed."""
    people, month = active.people, active.month
    day = (month.first + _bill_day(people) - 1).astype(np.int32)
    due = np.flatnonzero(active.on(day) & (day >= people.signup + _FIRST_BILL_AFTER))
    fails = draw.random(len(due)) < _FAILS[people.payment[due]]
    again = due[fails & (day[due] + _RETRY_AFTER <= active.last[due])]
    fails_again = draw.random(len(again)) < _RETRY_FAILS
    np.add.at(people.failed[:, -1], due[fails], 1)
    np.add.at(people.failed[:, -1], again[fails_again], 1)
    people.dunned[:] = False
    people.dunned[again[fails_again]] = True
    cents = np.where(day >= changed, people.cents(day), price_before)
    who = np.concatenate([due, again])
    days = np.concatenate([day[due], day[again] + _RETRY_AFTER]).astype(np.int32)
    status = np.concatenate([fails, fails_again]).astype(np.int8)
    return _payments(people, who, days, cents[who], status, recorded(draw, days, late=0.05, very_late=0.004))


def _change_services(draw: np.random.Generator, people: People, free: Flags) -> Flags:
    """Faster internet, and extras added or cancelled."""
    fate = draw.random(len(people))
    faster = free & (people.internet == DSL) & (fate < 0.004)
    people.internet[faster] = FIBER
    people.list_cents[faster] += 2500
    people.gigabytes_a_week[faster] *= 2.5
    extras = free & (people.internet != OFFLINE) & (fate > 0.990)
    people.list_cents[extras] += np.where(people.tech_support[extras], -600, 600).astype(np.int32)
    people.tech_support[extras] ^= True
    secure = free & (people.internet != OFFLINE) & (fate > 0.982) & ~extras
    people.list_cents[secure] += np.where(people.online_security[secure], -500, 500).astype(np.int32)
    people.online_security[secure] ^= True
    return np.asarray(faster | extras | secure)


def _change_contract(draw: np.random.Generator, people: People, free: Flags) -> Flags:
    """Another term; a longer one is 3 USD a month cheaper."""
    fate = draw.random(len(people))
    was = people.contract.copy()
    people.contract[free & (was == MONTHLY) & (fate < 0.012)] = ONE_YEAR
    people.contract[free & (was == MONTHLY) & (fate < 0.005)] = TWO_YEAR
    people.contract[free & (was == ONE_YEAR) & (fate < 0.012)] = TWO_YEAR
    people.contract[free & (was == ONE_YEAR) & (fate > 0.992)] = MONTHLY
    people.contract[free & (was == TWO_YEAR) & (fate > 0.994)] = ONE_YEAR
    changed: Flags = people.contract != was
    people.list_cents[changed] -= 300 * np.sign(people.contract[changed] - was[changed]).astype(np.int32)
    return changed


def _change_payment(draw: np.random.Generator, people: People, free: Flags) -> Flags:
    changed = free & (draw.random(len(people)) < 0.004)
    was = people.payment.copy()
    people.payment[changed] = draw.choice(4, int(changed.sum()), p=[0.2, 0.1, 0.3, 0.4])
    differs: Flags = people.payment != was
    return differs


def _bill_day(people: People) -> Days:
    return np.asarray(1 + people.signup % _BILL_DAYS, dtype=np.int32)


def _plans(people: People, who: Indices, days: Days, recorded_at: npt.NDArray[np.int64]) -> Columns:
    some = people.rows(who)
    return {
        "customer_id": some.number,
        "valid_from": days,
        "recorded_at": recorded_at,
        "contract_type": some.contract,
        "monthly_charges": some.cents(days),
        "internet_service": some.internet,
        "tech_support": some.tech_support.astype(np.int8),
        "online_security": some.online_security.astype(np.int8),
        "payment_method": some.payment,
    }


def _payments(
    people: People,
    who: Indices,
    days: Days,
    cents: Cents,
    status: npt.NDArray[np.int8],
    recorded_at: npt.NDArray[np.int64],
) -> Columns:
    return {
        "customer_id": people.number[who],
        "paid_on": days,
        "recorded_at": recorded_at,
        "amount": cents,
        "status": status,
    }
