"""The scores of a run as monitoring takes them: without treated customers, the control group by its weight."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from churn_mlops.monitoring import ListTerms, PairedRows, ScoredRows, joined, share_of_list, untreated_weights
from churn_mlops.store import Store
from churn_mlops.store.campaigns.arm_outcomes import EXPLORERS_CONTROL_SHARE, ArmOn, arms_between, first_draw_of_offers
from churn_mlops.store.scoring.run_scores import RunScores, offered_between, run_scores
from churn_mlops.store.scoring.runs import Run

_NO_ROWS = ScoredRows(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Treatment:
    """The treated customers around a date, and the probability of the control group.

    Args:
        treated: customer IDs of the treated arm, and of customers with an offer outside of any campaign.
        control_share: by customer ID of the control group, the probability of that arm.
        unseen: treated customers without a control group for them: nothing shows how many of them would have left.
    """

    treated: frozenset[str]
    control_share: dict[str, float]
    unseen: frozenset[str] = frozenset()


def weekly_runs(runs: Sequence[Run], most: int) -> list[Run]:
    """The last run of each calendar week, at most the newest ``most``; ``runs`` are the earliest first."""
    weeks = {run.as_of.isocalendar()[:2]: run for run in runs}
    return list(weeks.values())[-most:]


def treatment_around(store: Store, run: Run, *, follow_days: int, final_after: int) -> Treatment:
    """The customers treated from ``follow_days`` before a run until its labels are final.

    A treated customer may stay because of the offer, also if they are drawn after the run, within its horizon. If they
    were drawn earlier and got their offer within these days, all arms that were drawn since then count, those of the
    control group too.

    Args:
        store: the store.
        run: the run.
        follow_days: days for which an offer may still act.
        final_after: days until the labels of the run are final.
    """
    first, last = run.as_of - timedelta(days=follow_days), run.as_of + timedelta(days=final_after)
    drawn = first_draw_of_offers(store, first, last) or first
    return treatment_of(arms_between(store, min(first, drawn), last), offered_between(store, first, last))


def treatment_of(arms: Sequence[ArmOn], offered: set[str]) -> Treatment:
    """The treatment that follows from arms and offers.

    Args:
        arms: of all campaigns that count.
        offered: customer IDs with an offer; one of the control group counts in the arm that was drawn.
    """
    treated = {one.customer for one in arms if not one.is_control}
    control: dict[str, float] = {}
    for one in arms:
        if one.is_control and one.customer not in treated:
            share = EXPLORERS_CONTROL_SHARE if one.explored else one.control_share
            control[one.customer] = control.get(one.customer, 1.0) * share
    has_control = {one.customer for one in arms if one.control_share > 0 or one.explored}
    unseen = (treated | offered) - has_control
    return Treatment(frozenset(treated | (offered - control.keys())), control, frozenset(unseen))


def untreated_rows(store: Store, run: Run, treatment: Treatment) -> ScoredRows:
    """The scores of a run without treated customers; labels that are not final are NaN.

    Raises:
        StoreError: the store fails.
    """
    around = treatment.treated | treatment.control_share.keys()
    parts = [_counted(batch, treatment, around)[0] for batch in run_scores(store, run)]
    return joined([_NO_ROWS, *parts])


def paired_rows(
    store: Store, run: Run, treatment: Treatment, left_so_far: Mapping[str, bool | None] | None, share: float
) -> PairedRows:
    """The scores of champion and shadow for the untreated customers of a run whose label is known.

    Args:
        store: the store.
        run: a run that the shadow scored too.
        treatment: around its date.
        left_so_far: whether each customer has left so far, by ID; None where the labels of the run are final.
        share: the share of the horizon that is over.

    Raises:
        StoreError: the store fails.
    """
    around, parts, others = treatment.treated | treatment.control_share.keys(), [_NO_ROWS], [np.zeros(0)]
    for batch in run_scores(store, run):
        if left_so_far is not None:
            batch = replace(batch, left=[left_so_far.get(name) for name in batch.customer])
        rows, counts = _counted(batch, treatment, around)
        other = np.array(batch.shadow_score, dtype=np.float64)[counts]
        known = ~np.isnan(rows.churned) & ~np.isnan(other)
        parts.append(rows.only(known))
        others.append(other[known])
    return PairedRows(joined(parts), np.concatenate(others), share)


def unseen_share(store: Store, run: Run, treatment: Treatment, terms: ListTerms) -> float:
    """The share of the champion's list of a run that was treated, and for which no control group stands.

    Raises:
        StoreError: the store fails.
    """
    if not treatment.unseen:
        return 0.0
    scores, unseen = [np.zeros(0)], [np.zeros(0, dtype=bool)]
    for batch in run_scores(store, run):
        scores.append(np.array(batch.score))
        unseen.append(np.array([name in treatment.unseen for name in batch.customer]))
    return share_of_list(np.concatenate(scores), np.concatenate(unseen), terms)


def customer_number(customer: str) -> int:
    """A number that is the same on all dates and machines; two customers with one number count as one cluster."""
    return zlib.crc32(customer.encode())


def _counted(
    batch: RunScores, treatment: Treatment, around: frozenset[str]
) -> tuple[ScoredRows, npt.NDArray[np.bool_]]:
    """The rows of a batch that count, and which they are; few customers are of a campaign: only these are looked up."""
    treated, share = np.zeros(len(batch.customer), dtype=bool), np.ones(len(batch.customer))
    for place in np.flatnonzero([name in around for name in batch.customer]):
        name = batch.customer[place]
        treated[place] = name in treatment.treated
        share[place] = treatment.control_share.get(name, 1.0)
    counts, weights = untreated_weights(treated, share)
    labels = np.array(batch.left, dtype=np.float64)  # None becomes NaN
    numbers = np.fromiter(map(customer_number, batch.customer), np.int64, len(batch.customer))
    return ScoredRows(numbers[counts], np.array(batch.score)[counts], labels[counts], weights), counts
