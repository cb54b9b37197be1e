"""Why customers leave: the true probability of leaving within 30 days, and what an offer does to it.

Nearly all of it can be seen in the tables; only a small part of the hidden dissatisfaction cannot.
"""

from __future__ import annotations

import numpy as np

from churn_mlops.data.demo_company.customers import FIBER, MONTHLY, OFFLINE, TWO_YEAR, WEEKS, Flags, Floats, People

SHIFT = 0.12
"""The addition by the competitor to the log-odds of customers on fiber without a fixed term."""
FAILURE_ENDS = 0.8
"""Probability that the company ends a contract after a month in which payment and retry failed."""
_INTERCEPT = -4.2  # brings the ends to 5 % a month
_HIDDEN = 0.1


def log_odds(people: People, day: int, shifted: bool) -> Floats:
    """Log-odds of leaving by choice within 30 days after ``day``, shape (n,), as things stand at its end."""
    total = _of_plan(people, day) + _of_tenure(people, day) + _of_behaviour(people, day)
    total = total + people.offer_effect.sum(axis=1) + _HIDDEN * people.dissatisfaction
    return np.asarray(total + SHIFT * (shifted * (people.contract == MONTHLY) * (people.internet == FIBER)))


def probability(odds: Floats) -> Floats:
    """The probability of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def offer_effect(people: People, day: int) -> Floats:
    """The effect of an offer on the log-odds of each customer, shape (n,): below 0 persuades, above 0 drives away."""
    annoyed = (people.tickets.sum(axis=1) >= 2) & (mean_rating(people) < 3.0)
    price_rises = np.abs(people.tenure(day) - 12.0) < 3.0
    sleeping = (people.contract != MONTHLY) & (people.tenure(day) > 18.0) & (recent_logins(people) < 14)
    effect = np.where(people.contract == MONTHLY, -0.45, -0.2)
    effect = np.where((people.contract == MONTHLY) & price_rises, -1.0, effect)
    return np.select([annoyed, sleeping], [-0.02, 0.8], effect)


def kinds(hazard: Floats, offered: Floats) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """The one of :data:`tables.KINDS` of each customer, from their probability of leaving without and with an offer.

    An offer that costs 50 USD to keep a customer worth 500 USD pays from about 10 points on: they are persuadable.
    """
    saved = hazard - offered
    lost = (hazard >= 0.2) & (saved < 0.1)
    return np.select([saved < 0, saved >= 0.1, lost], [3, 0, 1], 2).astype(np.int8)


def trend(people: People, day: int) -> Floats:
    """Logins of the last four weeks over those of the last twelve, a week; 1 where there are none.

    Someone who came during those twelve weeks is compared with the weeks that they were there.
    """
    long = people.weeks.sum(axis=1)
    there = np.clip(day - people.signup, 28, 7 * WEEKS) / 7.0
    return np.where(long > 0, (recent_logins(people) / 4.0) / (np.maximum(long, 1) / there), 1.0)


def recent_logins(people: People) -> Floats:
    """Logins of the last four weeks."""
    return np.asarray(people.weeks[:, -4:].sum(axis=1), dtype=np.float64)


def mean_rating(people: People) -> Floats:
    """Mean satisfaction of the tickets of three months, 1 to 5; 3.2, the usual one, where none was rated."""
    rated = people.rated.sum(axis=1)
    return np.where(rated > 0, people.ratings.sum(axis=1) / np.maximum(rated, 1), 3.2)


def _of_plan(people: People, day: int) -> Floats:
    fiber = people.internet == FIBER
    monthly = people.contract == MONTHLY
    total = _INTERCEPT + 0.8 * monthly - 0.4 * (people.contract == TWO_YEAR)
    total = total + 0.4 * fiber - 0.4 * (people.internet == OFFLINE) + 0.8 * (monthly & fiber)
    total = total + 0.6 * (people.payment == 0) + 0.5 * ~people.tech_support + 0.5 * ~people.online_security
    return np.asarray(total + 0.1 * (people.cents(day) / 100.0 - 65.0) / 10.0)


def _of_tenure(people: People, day: int) -> Floats:
    tenure = people.tenure(day)
    total = 0.6 * np.exp(-tenure / 6.0) - 0.15 * np.minimum(tenure, 48.0) / 12.0
    # The welcome discount ends after twelve months; only who has no fixed term can walk away then.
    return np.asarray(total + 2.0 * (people.contract == MONTHLY) * np.exp(-(((tenure - 12.0) / 2.0) ** 2)))


def _of_behaviour(people: People, day: int) -> Floats:
    falling = np.clip(np.log(np.maximum(trend(people, day), 1e-9)), -1.5, 1.0)
    quiet: Flags = day - people.last_usage >= 14
    total = -1.4 * falling + 0.6 * quiet + 0.4 * np.minimum(people.tickets.sum(axis=1), 3)
    total = total - 0.35 * (mean_rating(people) - 3.2)
    return np.asarray(total + 0.5 * (people.failed.sum(axis=1) > 0))
