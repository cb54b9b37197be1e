"""Offers that the company made: some persuade, many go to customers who would have stayed, a few drive one away."""

from __future__ import annotations

import numpy as np

from churn_mlops.data.demo_company.active import Active
from churn_mlops.data.demo_company.customers import MONTHLY
from churn_mlops.data.demo_company.hazard import offer_effect
from churn_mlops.data.demo_company.late import recorded
from churn_mlops.data.demo_company.tables import Columns

_AT_RANDOM = 0.012
_CHOSEN = 0.10  # of those whose discount is about to end, as a sales team would choose


def make_offers(draw: np.random.Generator, active: Active) -> Columns:
    """Offers of the month; each acts on the leaving of this month's end and of the next."""
    people, month = active.people, active.month
    tenure = people.tenure(month.last)
    likely = (people.contract == MONTHLY) & (tenure > 9.0) & (tenure < 15.0)
    drawn = np.flatnonzero(draw.random(len(people)) < np.where(likely, _CHOSEN, _AT_RANDOM))
    who, days = active.some_day(draw, drawn)
    effect = offer_effect(people, month.last)[who]
    people.offered[who, -1] = 1
    people.offer_effect[who, -1] = effect
    accepts = np.select([effect > 0, effect > -0.1, effect < -0.8], [0.02, 0.1, 0.45], 0.6)
    fate = draw.random(len(who))
    return {
        "customer_id": people.number[who],
        "offered_on": days,
        "recorded_at": recorded(draw, days, 0.02, 0.0),
        "outcome": np.select([fate < accepts, fate < accepts + (1 - accepts) * 0.4], [0, 1], 2).astype(np.int8),
    }
