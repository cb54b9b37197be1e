"""How much more the lists of the model in the shadow would earn than those of the live one, on the same customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from churn_mlops.monitoring.accuracy import FEWEST, ScoredRows, customer_groups
from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.money.lists import ListTerms, MonthlyGain, is_enough, listed_weights
from churn_mlops.monitoring.weighted_metrics import Floats

_WAIT_FOR_CHURNERS = (
    f"Wait: this needs {FEWEST} customers who left after both models had scored them, and a control group where the "
    "customers of the list get offers."
)


@dataclass(frozen=True)
class PairedRows:
    """The scores of two models for the same customers on one date.

    Args:
        live: the scores of the live model, and the labels; a customer who has not left so far counts as retained.
        shadow: the scores of the other model, shape (rows,).
        share: the share of the horizon that is over, in (0, 1]; 1 where the labels are final.
    """

    live: ScoredRows
    shadow: Floats
    share: float = 1.0


def shadow_gain(part: str, dates: Sequence[PairedRows], terms: ListTerms) -> Measurement:
    """How much more a month's lists of the model in the shadow would earn than those of the live model.

    Before labels are final both lists have the same length, and a customer who left within a share of the horizon
    counts for one over that share: so many are expected to leave over the whole of it. The 95 % interval leaves out one
    of 30 groups of customers at a time; it is narrow, because both lists are of the same customers.

    Args:
        part: the version of the model in the shadow.
        dates: of both models; rows without a label are left out by the caller, and of a date there may be none.
        terms: by which a list earns.

    Returns:
        the figure ``shadow_gain``, in the currency of the settings, per month; above it the gain of the shadow, below
        it that of the live model.
    """
    dates = [one for one in dates if len(one.live.scores)]
    if not is_enough([one.live for one in dates]):
        return too_little("shadow_gain", part, _WAIT_FOR_CHURNERS, is_final=False)
    gains = [_both(one, terms) for one in dates]
    weights = np.concatenate([one.live.weights for one in dates])
    groups = customer_groups(np.concatenate([one.live.customers for one in dates]))
    live, shadow = (
        MonthlyGain.of(np.concatenate([both[place] for both in gains]), weights, groups, terms) for place in (0, 1)
    )
    more = MonthlyGain(shadow.value - live.value, shadow.without - live.without)
    low, high = more.value - more.half, more.value + more.half
    status: Status = "watch" if low > 0 else "good"
    step = {
        "good": "Nothing to do: the live model earns no less than the other, as far as chance lets one see.",
        "watch": "Nothing to do: the review after each daily run makes the better model live once it is sure.",
    }[status]
    final = all(one.share == 1 for one in dates)
    return Measurement("shadow_gain", part, more.value, low, high, shadow.value, live.value, status, step, final)


def _both(pair: PairedRows, terms: ListTerms) -> tuple[Floats, Floats]:
    """The gain of each row by the list of the live model, and by that of the shadow."""
    gains = terms.gains(pair.live.churned / pair.share)
    listed = listed_weights(pair.live, terms)
    other = replace(pair.live, scores=pair.shadow)
    return listed * gains, listed_weights(other, terms, None if pair.share == 1 else float(listed.sum())) * gains
