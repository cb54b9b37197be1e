"""Retention: from a score to an action, and what it is worth."""

from churn_mlops.retention.decision import DecisionRule
from churn_mlops.retention.economics import (
    Action,
    Economics,
    action,
    break_even_probability,
    expected_gain,
    worth_an_offer,
)
from churn_mlops.retention.ranking import rank_customers

__all__ = [
    "Action",
    "DecisionRule",
    "Economics",
    "action",
    "break_even_probability",
    "expected_gain",
    "rank_customers",
    "worth_an_offer",
]
