"""The renewal of the customers, which is shown and never scored: a source without it gives a warning, and no stop."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir
import structlog

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.findings import Problem
from churn_mlops.data.sources.history_tables import unread_renewal

UNREAD = "renewal_unread"
log = structlog.get_logger("churn_mlops.pipelines")


def no_renewal(tables: Mapping[str, ir.Table], contract: HistoryContract) -> tuple[Problem, ...]:
    """A warning where the column of `renewal` is gone or holds no dates; it is logged too.

    Args:
        tables: of the history, by their keys in the contract.
        contract: what they mean.
    """
    reason = unread_renewal(tables, contract)
    if reason is None:
        return ()
    log.warning("renewal_unread", renewal=contract.renewal, reason=reason)
    advice = f"{reason}. No renewal date is shown until the column is back, or `renewal` of the contract is corrected"
    return (Problem("warning", str(contract.renewal), UNREAD, 0, (), advice),)
