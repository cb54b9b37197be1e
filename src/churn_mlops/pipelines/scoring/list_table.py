"""The list as a table: its columns, from a ranking and the reasons at its top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from churn_mlops.retention.decision import actions
from churn_mlops.retention.ranking import Ranking, customer_column

LEFT = "left"
"""The column that marks customers who have left already."""


def list_table(
    ranking: Ranking, customers: Sequence[Any], customer: str | None, reasons: Mapping[str, list[str]]
) -> pa.Table:
    """The list, best first.

    Args:
        ranking: the order, and what is decided about each customer.
        customers: IDs of the customers, best first; their rows in the source where the contract has no column of IDs.
        customer: the contract's column of customer IDs; None where it has none.
        reasons: columns of reasons of the customers at the top.

    Returns:
        rank, customer, score, risk_band, will_churn, action, expected_gain and the reasons, blank below the top; `LEFT`
        before the reasons where some have left already.
    """
    found = ranking.decisions
    columns: dict[str, Any] = {
        "rank": ranking.ranks,
        customer_column(customer): customers,
        "score": ranking.scores,
        "risk_band": found.risk_band,
        "will_churn": found.will_churn,
        "action": actions(ranking.on_contact_list),
        "expected_gain": found.expected_gain,
    }
    if ranking.left.any():
        columns[LEFT] = ranking.left
    for name, texts in reasons.items():
        columns[name] = texts + [""] * (len(ranking.scores) - len(texts))
    return pa.table(columns)
