"""The behaviour of customers in a month: they use the service less when they are dissatisfied, and open tickets."""

from __future__ import annotations

import numpy as np

from churn_mlops.data.demo_company.active import Active, Indices
from churn_mlops.data.demo_company.customers import FIBER, MONTHLY, OFFLINE, Floats, People
from churn_mlops.data.demo_company.late import recorded
from churn_mlops.data.demo_company.months import Days, Month
from churn_mlops.data.demo_company.tables import Columns

_MEMORY = 0.75  # of last month's dissatisfaction that is left
_NOTICED = 0.06  # what the competitor's advertising adds to it, a month


def grow_dissatisfied(draw: np.random.Generator, people: People, shifted: bool) -> Floats:
    """Take the hidden trait a month on, and give what it was.

    It fades, wanders, and for one in twenty customers jumps: something went wrong.
    """
    before = people.dissatisfaction
    count = len(people)
    jump = 1.3 * (draw.random(count) < 0.05)
    noticed = _NOTICED * (shifted * (people.contract == MONTHLY) * (people.internet == FIBER))
    people.dissatisfaction = _MEMORY * before - 0.065 + draw.normal(0.0, 0.45, count) + jump + noticed
    return before


def use(draw: np.random.Generator, active: Active, before: Floats) -> list[Columns]:
    """Usage of the weeks that end in the month, one set of rows a week; a week without a login has no row."""
    people, month = active.people, active.month
    weeks = []
    for sunday in month.sundays:
        passed = (sunday - month.first + 1) / (month.last - month.first + 1)
        mood = before + passed * (people.dissatisfaction - before)
        share = np.where(active.on(sunday), np.clip((sunday - people.signup + 1) / 7.0, 0.0, 1.0), 0.0)
        logins = draw.poisson(people.logins_a_week * month.logins_season * np.exp(-0.5 * mood) * share).astype(np.int16)
        people.weeks[:, :-1] = people.weeks[:, 1:]
        people.weeks[:, -1] = logins
        people.last_usage[logins > 0] = sunday
        who = np.flatnonzero(logins)
        weeks.append(_week(draw, people, who, month, sunday, (mood * share)[who], share[who]))
    return weeks


def ask_for_help(draw: np.random.Generator, active: Active) -> Columns:
    """Tickets of the month; two in three are rated, the worse the more dissatisfied the customer is."""
    people = active.people
    mood = people.dissatisfaction
    rate = (
        0.10
        * np.exp(0.5 * mood)
        * np.where(people.internet == FIBER, 1.3, 1.0)
        * np.where(people.tech_support, 0.7, 1.0)
    )
    count = np.minimum(draw.poisson(rate), 4)
    who, days = active.some_day(draw, np.repeat(np.arange(len(people)), count))
    rating = np.clip(np.rint(3.2 - 0.8 * mood[who] + draw.normal(0.0, 0.9, len(who))), 1, 5).astype(np.int16)
    rated = draw.random(len(who)) < 0.65
    np.add.at(people.tickets[:, -1], who, 1)
    np.add.at(people.rated[:, -1], who[rated], 1)
    np.add.at(people.ratings[:, -1], who[rated], rating[rated])
    return {
        "customer_id": people.number[who],
        "opened_at": days,
        "recorded_at": recorded(draw, days, late=0.02),
        "topic": _topics(draw, people, who),
        "satisfaction": np.where(rated, rating, 0).astype(np.int16),
    }


def _week(
    draw: np.random.Generator, people: People, who: Indices, month: Month, sunday: int, mood: Floats, share: Floats
) -> Columns:
    days: Days = np.full(len(who), sunday, dtype=np.int32)
    wanted = people.gigabytes_a_week[who] * share * month.gigabytes_season * np.exp(-0.3 * mood)
    return {
        "customer_id": people.number[who],
        "week_ending": days,
        "loaded_at": recorded(draw, days),
        "logins": people.weeks[who, -1],
        "gigabytes": np.round(wanted * np.exp(draw.normal(0.0, 0.3, len(who))), 1),
        "call_minutes": draw.poisson(40.0 * share * np.exp(-0.1 * mood)).astype(np.int16),
    }


def _topics(draw: np.random.Generator, people: People, who: Indices) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    topic = draw.choice(4, len(who), p=[0.35, 0.25, 0.3, 0.1]).astype(np.int8)
    topic[(topic == 1) & (people.internet[who] == OFFLINE)] = 0  # no internet, no outage
    return topic
