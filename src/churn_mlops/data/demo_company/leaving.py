"""The customers who leave in the month after an as-of date, when, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn_mlops.data.demo_company.customers import FIBER, MONTHLY, Flags, Floats, People
from churn_mlops.data.demo_company.hazard import FAILURE_ENDS, kinds, log_odds, offer_effect, probability
from churn_mlops.data.demo_company.late import Timestamps, recorded, reported
from churn_mlops.data.demo_company.months import Days
from churn_mlops.data.demo_company.tables import REASONS, Columns

STAYED, LEFT, PAYMENT_FAILURE = range(3)
_UNPAID = REASONS.index("payment_failure")


@dataclass(frozen=True)
class Leaving:
    """The events of the 30 days after an as-of date. ``fate`` has shape (n,), the others one row a churner."""

    truth: Columns
    fate: npt.NDArray[np.int8]
    who: npt.NDArray[np.intp]
    end: Days
    recorded_at: Timestamps
    reason: npt.NDArray[np.int8]


def leave(draw: np.random.Generator, people: People, day: int, shifted: bool, days: tuple[int, int]) -> Leaving:
    """Draw who leaves after ``day``, on a day from the first to the last of ``days``."""
    odds = log_odds(people, day, shifted)
    hazard, offered = probability(odds), probability(odds + offer_effect(people, day))
    unpaid: Flags = people.dunned & (draw.random(len(people)) < FAILURE_ENDS)
    left: Flags = ~unpaid & (draw.random(len(people)) < hazard)
    fate = np.select([unpaid, left], [PAYMENT_FAILURE, LEFT], STAYED).astype(np.int8)
    who = np.flatnonzero(fate)
    end = draw.integers(days[0], days[1] + 1, len(who)).astype(np.int32)
    reason = np.where(unpaid[who], _UNPAID, _reasons(draw, people.rows(who), day, shifted)).astype(np.int8)
    return Leaving(_truth(people, day, hazard, offered, fate), fate, who, end, reported(draw, end), reason)


def cancellations(draw: np.random.Generator, people: People, leaving: Leaving) -> Columns:
    """The requests of customers who leave by choice, 2 to 10 days before the end: they reveal the label."""
    chose = leaving.reason != _UNPAID
    who, end = leaving.who[chose], leaving.end[chose]
    requested = np.maximum(end - draw.integers(2, 11, len(who)), people.signup[who]).astype(np.int32)
    return {
        "customer_id": people.number[who],
        "requested_at": requested,
        "effective_on": end,
        "recorded_at": recorded(draw, requested, late=0.02, very_late=0.0),
    }


def _truth(people: People, day: int, hazard: Floats, offered: Floats, fate: npt.NDArray[np.int8]) -> Columns:
    return {
        "customer_id": people.number,
        "as_of": np.full(len(people), day, dtype=np.int32),
        "hazard": hazard,
        "hazard_if_offered": offered,
        "kind": kinds(hazard, offered),
        "fate": fate,
    }


def _reasons(draw: np.random.Generator, people: People, day: int, shifted: bool) -> npt.NDArray[np.int64]:
    """The reason that each customer gives on leaving: it follows their own case, with much chance in it."""
    dear = np.abs(people.tenure(day) - 12.0) < 3.0
    tempted = shifted & (people.contract == MONTHLY) & (people.internet == FIBER)
    weights = np.stack(
        [1.0 + 2.0 * dear, 0.7 + 1.5 * people.tickets.sum(axis=1), 0.6 + 1.2 * tempted, 0.6 + 0 * dear, 0.5 + 0 * dear],
        axis=1,
    )
    return np.asarray(np.argmax(np.log(weights) + draw.gumbel(size=weights.shape), axis=1), dtype=np.int64)
