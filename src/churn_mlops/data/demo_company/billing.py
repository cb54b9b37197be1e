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
    TERM_DAYS,
    TWO_YEAR,
    WELCOME_DAYS,
    Cents,
    Flags,
    People,
    price,
    renewal_after,
)
from churn_mlops.data.demo_company.late import recorded, recorded_on_time
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
    renews = renewal_after(people.contract, people.signup, people.signup)
    rows = _plans(people, np.arange(len(people)), people.signup, recorded(draw, people.signup, 0.0, 0.0))
    return {**rows, "renews_on": renews}


def past_plans(draw: np.random.Generator, people: People, before: int) -> list[Columns]:
    """Plans from before the history, which begins on day ``before``: first one, end of the discount, last renewal."""
    first = first_plans(draw, people)
    is_over: Flags = people.signup + WELCOME_DAYS < before
    over, began = np.flatnonzero(is_over), people.renews - TERM_DAYS[people.contract]
    days = people.signup[over] + WELCOME_DAYS
    earlier = renewal_after(people.contract[over], people.signup[over], days)
    renews = np.where(began[over] <= days, people.renews[over], earlier).astype(np.int32)
    ended = {**_plans(people, over, days, recorded(draw, days, 0.0, 0.0)), "renews_on": renews}
    latest = people.signup + np.where(is_over, WELCOME_DAYS, 0)
    again = np.flatnonzero((people.renews > 0) & (began > latest))
    return [first, ended, _plans(people, again, began[again], recorded_on_time(began[again]))]


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


def change_plans(draw: np.random.Generator, active: Active) -> tuple[list[Columns], Days, Cents]:
    """At most one change of plan for each customer of the month, and the renewals of the others.

    Returns:
        The rows of changes, and of renewals; the day from which each customer's new price holds; and their price until
        then, USD cents a month.
    """
    people, month = active.people, active.month
    ends = people.signup + WELCOME_DAYS
    ending: Flags = (ends >= month.first) & (ends <= month.last)
    day = np.where(ending, ends, draw.integers(month.first, month.last + 1, len(people))).astype(np.int32)
    price = people.cents(month.first - 1)
    free = ~ending & active.on(day) & (people.signup < month.first)
    changed = _change_services(draw, people, free)
    other_term = _change_contract(draw, people, free & ~changed)
    changed |= other_term
    changed |= _change_payment(draw, people, free & ~changed)
    renewed = _renew(active, other_term, day)
    who = np.flatnonzero((changed | ending) & active.on(day))
    rows = [_plans(people, who, day[who], recorded(draw, day[who], late=0.02))]
    again = np.flatnonzero((renewed > 0) & ~changed & ~ending & active.on(renewed))
    rows.append(_plans(people, again, renewed[again], recorded_on_time(renewed[again])))
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


def _renew(active: Active, other_term: Flags, day: Days) -> Days:
    """Let the terms that are over begin again, and other terms on ``day``; the days of the former, 0 for the others.

    A change of plan in the month of a renewal renews it too.
    """
    people = active.people
    monthly = people.contract == MONTHLY
    due: Flags = (people.renews > 0) & (people.renews <= active.month.last) & ~other_term
    renewed = np.where(due, people.renews, 0).astype(np.int32)
    begins = np.where(other_term, day, renewed)
    later = np.where(monthly, 0, begins + TERM_DAYS[people.contract])
    people.renews = np.where(due | other_term, later, people.renews).astype(np.int32)
    return renewed


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
        "renews_on": some.renews,
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
