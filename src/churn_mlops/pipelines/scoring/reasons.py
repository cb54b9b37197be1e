"""Reasons of customers in the list, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.data.contract import DataContract
from churn_mlops.models.explain import wording
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.retention.ranking import REASONS

_FIRST = 1_000  # more than all points


@dataclass(frozen=True)
class Explainer:
    """Gives the reasons of a run's customers by their place in the list.

    Args:
        snapshot: the customers, a column for each feature.
        order: the row of the snapshot of each place, best first.
        predictor: of the model that scored them.
        points: of each row and feature, where another model scored each; None asks the predictor.
    """

    snapshot: pa.Table
    order: npt.NDArray[np.intp]
    predictor: ChurnPredictor
    points: npt.NDArray[np.int64] | None = None

    def reasons(self, places: npt.NDArray[np.intp]) -> dict[str, list[str]]:
        """The :func:`reason_columns` of the customers at these places, in their order."""
        rows = self.order[places]
        customers = self.snapshot.take(pa.array(rows))
        points = self.predictor.explain(customers)[1] if self.points is None else self.points[rows]
        return reasons_of(customers, points, self.predictor.contract)

    def explained(self, customers: pa.Table, listed: npt.NDArray[np.bool_]) -> pa.Table:
        """The list with reasons for everyone on the contact list: a campaign takes customers from far below the top.

        Args:
            customers: the whole list, best first.
            listed: whether each of them is on the contact list, shape (customers,).
        """
        columns = [name for name in customers.column_names if name in reason_columns(REASONS)]
        blank = np.all([pc.equal(customers.column(name), "").to_numpy() for name in columns], axis=0)
        missing = listed & blank
        if not missing.any():
            return customers
        for name, texts in self.reasons(np.flatnonzero(missing)).items():
            filled = pc.replace_with_mask(customers.column(name).combine_chunks(), pa.array(missing), pa.array(texts))
            customers = customers.set_column(customers.column_names.index(name), name, filled)
        return customers


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
