"""The list: customers best first, with what to do about each, and reasons for those whom somebody will talk to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.models.explain import wording
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.tables import Floats
from churn_mlops.retention.economics import Economics, expected_gain

REASONS = 3
TOLD = 100
"""Reasons are given for those on either list, and for so many at the top where the lists are shorter."""
BANDS = ("low", "medium", "high")
OFFER, LEAVE_ALONE = "offer", "leave_alone"
OWN_COLUMNS = frozenset({"rank", "score", "risk_band", "will_churn", "action", "expected_gain"})


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
    gains = np.asarray(expected_gain(scores, Economics(**settings.decision.economics())))
    capacity = settings.decision.capacity
    offered = (gains > 0) & (np.arange(len(scores)) < (len(scores) if capacity is None else capacity))
    names = places[order] if contract.customer is None else rows.column(contract.customer)
    # A company may call its customers by a word that the list needs for itself.
    name = "customer" if contract.customer in OWN_COLUMNS else contract.customer or "row"
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(scores) + 1),
        name: names,
        "score": scores,
        "risk_band": np.array(BANDS)[np.digitize(scores, [predictor.bands.medium_from, predictor.bands.high_from])],
        "will_churn": scores >= predictor.threshold,
        "action": np.where(offered, OFFER, LEAVE_ALONE),
        "expected_gain": gains.round(2),
    }
    told = rows.slice(0, max(int(offered.sum()), int((scores >= predictor.threshold).sum()), TOLD))
    shares = predictor.explain(told)[1] if points is None else points[order[: len(told)]]
    values = {feature: told.column(feature).to_pylist() for feature in contract.features}
    for reason, texts in _reasons(values, shares, contract).items():
        columns[reason] = texts + [""] * (len(scores) - len(told))
    return pa.table(columns)


def _reasons(
    values: Mapping[str, list[Any]], points: npt.NDArray[np.int64], contract: DataContract
) -> dict[str, list[str]]:
    """The largest reasons of each customer, in words; blank where a feature adds nothing."""
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
