"""The rule that decides about customers, from the settings."""

from __future__ import annotations

from churn_mlops.config.settings import Decision
from churn_mlops.retention import DecisionRule, Economics
from churn_mlops.retention.fatigue import FatigueRule


def rule_of(decision: Decision) -> DecisionRule:
    """The rule that decides about each customer."""
    economics, fatigue = Economics(**decision.economics()), FatigueRule(**decision.fatigue())
    return DecisionRule(economics, fatigue=fatigue, **decision.limits())
