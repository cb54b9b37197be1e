"""Times in the table of customers that are no end, and no time of recording, though they look like one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.companies.known_truth.company import Company
from tests.companies.known_truth.lives import NEVER, Array, dates, times

Shape = Callable[[Company], None]


def _filled(company: Company, days: Array, share: float) -> Array:
    return np.where(company.rng.random(days.size) < share, days, NEVER)


def billing_period(company: Company) -> None:
    """The present month of billing; that of a customer who left is their last one."""
    life = company.lives
    into = (life.last - life.start) % 30
    company.home["current_period_start"] = dates(life.last - into)
    company.home["current_period_end"] = dates(life.last - into + 30)


def trial(company: Company) -> None:
    """Six in ten customers began with two weeks of trial."""
    company.home["trial_end"] = dates(_filled(company, company.lives.start + 14, 0.6))


def discount(company: Company) -> None:
    """A discount of the first months, for some."""
    days = company.lives.start + company.rng.integers(60, 200, company.lives.count)
    company.home["discount_end"] = dates(_filled(company, days, 0.6))


def promotion(company: Company) -> None:
    """The end of a promotion: the same few days for all who had it."""
    ends = np.array([150, 330, 510, 690])
    after = ends[np.minimum(np.searchsorted(ends, company.lives.start), 3)]
    company.home["promo_end_date"] = dates(_filled(company, after, 0.6))


def paid_until(company: Company) -> None:
    """Until when all is paid: ahead of the extract for who is there."""
    life = company.lives
    company.home["paid_until"] = dates(life.last + company.rng.integers(1, 45, life.count))


def least_term(company: Company) -> None:
    """The end of the least term, a year after the start, which most outlive or do not reach."""
    company.home["contract_end_date"] = dates(company.lives.start + 365)


def erasure(company: Company) -> None:
    """Rows of customers who left are marked as deleted months later, most of them."""
    life = company.lives
    days = np.where(life.left, life.end + company.rng.integers(30, 150, life.count), NEVER)
    days = _filled(company, days, 0.7)
    company.home["deleted_at"] = times(company.rng, np.where(days <= life.newest, days, NEVER))


def last_change(company: Company) -> None:
    """When the row was last changed: at the end for who left, now and then for who stays."""
    life = company.lives
    touched = life.start + (company.rng.random(life.count) * (life.last - life.start + 1)).astype(int)
    company.home["updated_at"] = times(company.rng, np.where(life.left, life.end, touched))


def last_load(company: Company) -> None:
    """When the row was last copied: all of them in the last days."""
    days = company.lives.newest - company.rng.integers(0, 3, company.lives.count)
    company.home["_fivetran_synced"] = times(company.rng, days)


def last_seen(company: Company) -> None:
    """The day of the last act, as it is today."""
    life = company.lives
    seen = np.zeros(life.count, dtype=int)
    np.maximum.at(seen, life.who, life.day)
    company.home["last_seen_at"] = times(company.rng, seen)


def next_bill(company: Company) -> None:
    """The next bill, of customers who are still there."""
    life = company.lives
    days = np.where(life.left, NEVER, life.newest + company.rng.integers(1, 30, life.count))
    company.home["next_billing_date"] = dates(days)


def pause(company: Company) -> None:
    """Some paused once and went on."""
    life = company.lives
    middle = life.start + (life.last - life.start) // 2
    company.home["paused_until"] = dates(_filled(company, np.minimum(middle + 20, life.last), 0.25))


def birth(company: Company) -> None:
    """The day of birth."""
    company.home["birth_date"] = dates(-company.rng.integers(7_000, 25_000, company.lives.count))


def card(company: Company) -> None:
    """Until when the card holds: ahead for most."""
    life = company.lives
    company.home["card_expires_on"] = dates(life.start + company.rng.integers(300, 1500, life.count))


def agreed_terms(company: Company) -> None:
    """When customers agreed to new terms: in one month, whoever was there."""
    life = company.lives
    days = life.newest // 2 + company.rng.integers(0, 30, life.count)
    there = (life.start < days) & (life.last > days)
    company.home["terms_accepted_at"] = times(company.rng, np.where(there, days, NEVER))


def migration(company: Company) -> None:
    """When the row was written: the day of a migration for all who began before it."""
    life = company.lives
    company.home["row_created_at"] = times(company.rng, np.maximum(life.start, life.newest // 2))


def first_act(company: Company) -> None:
    """The first payment, days after the start."""
    company.home["first_payment_at"] = dates(company.lives.start + company.rng.integers(0, 9, company.lives.count))


def end_known_late(company: Company) -> None:
    """An honest time of recording of the end: up to five days behind it, and not before the extract."""
    truth, life = company.truth, company.lives
    if truth.end_kind == "column" and truth.end[0] == truth.customers[0]:
        name = f"{truth.end[1]}_recorded_at"
        known = np.where(life.left, life.end + company.rng.integers(0, 5, life.count), NEVER)
        company.home[name] = dates(np.where(life.left, np.minimum(known, life.newest), NEVER))
        truth.known[f"{truth.end[0]}, its end"] = {name}


TIME_DECOYS: dict[str, Shape] = {
    "billing periods": billing_period,
    "trials": trial,
    "discounts": discount,
    "ends of promotions": promotion,
    "paid until": paid_until,
    "least terms": least_term,
    "marked as deleted": erasure,
    "last changes of customers": last_change,
    "last loads of customers": last_load,
    "last seen": last_seen,
    "next bills": next_bill,
    "pauses": pause,
    "days of birth": birth,
    "cards that expire": card,
    "terms accepted": agreed_terms,
    "rows made by a migration": migration,
    "first payments": first_act,
    "ends known late": end_known_late,
}
