"""Reasons of customers in the list, in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.data.contract import DataContract
from churn_mlops.models.explain import wording
from churn_mlops.retention.ranking import REASONS

_FIRST = 1_000  # more than all points


def reason_columns(features: int) -> list[str]:
    """The columns of reasons, given how many features a contract has."""
    return [f"reason_{place}" for place in range(1, min(REASONS, features) + 1)]


def reasons_of(customers: pa.Table, points: npt.NDArray[np.int64], contract: DataContract) -> dict[str, list[str]]:
    """The largest reasons of each customer, in words; blank where a feature adds nothing.

    They are those of :func:`order_of_reasons`: at the top of a list, the features that raise the risk come first.

    Args:
        customers: a column for each feature, one row a customer.
        points: percentage points of each customer and feature, shape (customers, features), features in the contract's
            order.
        contract: gives the words.

    Returns:
        the :func:`reason_columns`, one text a customer.
    """
    values = [customers.column(name).to_pylist() for name in contract.features]
    wordings = [wording(contract, name) for name in contract.features]
    side = np.where(points.sum(axis=1, keepdims=True) < 0, -1, 1)  # as order_of_reasons does
    largest = np.argsort(-np.abs(points) - _FIRST * (points * side > 0), axis=1, kind="stable")[:, :REASONS]
    reasons: dict[str, list[str]] = {}
    for column, features in zip(reason_columns(len(values)), largest.T.tolist(), strict=True):
        sizes = points[np.arange(len(points)), features].tolist()
        reasons[column] = [
            wordings[feature](values[feature][row], size) if size else ""
            for row, (feature, size) in enumerate(zip(features, sizes, strict=True))
        ]
    return reasons
