"""The list: customers best first, with what to do about each, and reasons for those whom somebody will talk to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.models.explain import wording
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.retention.economics import Economics, expected_gain
from churn_mlops.retention.ranking import REASONS, customer_column

TOLD = 100
"""Reasons are given for those on either list, and for so many at the top where the lists are shorter."""
BANDS = ("low", "medium", "high")
_CENT = 0.01
OFFER, LEAVE_ALONE = "offer", "leave_alone"


@dataclass(frozen=True)
class Verdicts:
    """What follows from each score alone, each of shape (rows,).

    Args:
        risk_band: one of `BANDS`.
        will_churn: whether the score reaches the decision threshold.
        gains: whether an offer is expected to earn more than it costs.
        expected_gain: of an offer, USD, rounded to cents; a cent at least where it ``gains``.
    """

    risk_band: npt.NDArray[np.str_]
    will_churn: npt.NDArray[np.bool_]
    gains: npt.NDArray[np.bool_]
    expected_gain: Floats


def ranked(
    snapshot: pa.Table,
    places: npt.NDArray[np.int64],
    scores: Floats,
    points: npt.NDArray[np.int64] | None,
    predictor: ChurnPredictor,
    settings: Settings,
) -> pa.Table:
    """The list, best first.

    Args:
        snapshot: the customers, typed by the contract.
        places: the row of each in the source, counted from 1: the name of one who has no other, shape (rows,).
        scores: churn probabilities, shape (rows,).
        points: of each feature, shape (rows, features); None computes those that are shown.
        predictor: gives bands and reasons.
        settings: who counts as likely, and what an offer costs and earns.

    Returns:
        rank, customer, score, risk_band, will_churn, action, expected_gain and the reasons, blank below the lists.
    """
    contract = predictor.contract
    order = np.argsort(-scores, kind="stable")
    rows, scores = snapshot.take(pa.array(order)), scores[order]
    found = verdicts(scores, predictor, Economics(**settings.decision.economics()))
    capacity = settings.decision.capacity
    offered = found.gains & (np.arange(len(scores)) < (len(scores) if capacity is None else capacity))
    names = places[order] if contract.customer is None else rows.column(contract.customer)
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(scores) + 1),
        customer_column(contract.customer): names,
        "score": scores,
        "risk_band": found.risk_band,
        "will_churn": found.will_churn,
        "action": np.where(offered, OFFER, LEAVE_ALONE),
        "expected_gain": found.expected_gain,
    }
    told = rows.slice(0, max(int(offered.sum()), int(found.will_churn.sum()), TOLD))
    shares = predictor.explain(told)[1] if points is None else points[order[: len(told)]]
    values = {feature: told.column(feature).to_pylist() for feature in contract.features}
    for reason, texts in reasons_of(values, shares, contract).items():
        columns[reason] = texts + [""] * (len(scores) - len(told))
    return pa.table(columns)


def verdicts(scores: Floats, predictor: ChurnPredictor, economics: Economics) -> Verdicts:
    """What follows from each score alone.

    Args:
        scores: churn probabilities, shape (rows,).
        predictor: gives the bands and the threshold.
        economics: what an offer costs and earns.
    """
    gains = np.asarray(expected_gain(scores, economics))
    bands = [predictor.bands.medium_from, predictor.bands.high_from]
    shown = np.where(gains > 0, np.maximum(gains.round(2), _CENT), gains.round(2))
    return Verdicts(np.array(BANDS)[np.digitize(scores, bands)], scores >= predictor.threshold, gains > 0, shown)


def reasons_of(
    values: Mapping[str, list[Any]], points: npt.NDArray[np.int64], contract: DataContract
) -> dict[str, list[str]]:
    """The largest reasons of each customer, in words; blank where a feature adds nothing.

    Args:
        values: of each feature, those of the customers.
        points: of each customer and feature, shape (customers, features), features in the contract's order.
        contract: gives the words.

    Returns:
        ``reason_1`` to ``reason_3`` (fewer where there are fewer features), one text a customer.
    """
    features = list(contract.features)
    wordings = [wording(contract, name) for name in features]
    top = np.argsort(-np.abs(points), axis=1, kind="stable")[:, :REASONS]
    reasons: dict[str, list[str]] = {}
    for place in range(top.shape[1]):
        texts = []
        for row, feature in enumerate(top[:, place].tolist()):
            size = int(points[row, feature])
            texts.append(wordings[feature](values[features[feature]][row], size) if size else "")
        reasons[f"reason_{place + 1}"] = texts
    return reasons
