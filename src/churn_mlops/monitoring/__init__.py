"""Monitoring: whether the model is still right, and whether the offers work. Tables in, verdicts out."""

from churn_mlops.monitoring.accuracy import FEWEST, ScoredRows, accuracy, joined, untreated_weights
from churn_mlops.monitoring.campaigns import Arms, CampaignCosts, roi, success
from churn_mlops.monitoring.drift import score_drift
from churn_mlops.monitoring.estimates import EarlierErrors, earlier_errors, estimates_held, expected_accuracy
from churn_mlops.monitoring.exposure import customers_at_risk, revenue_at_risk
from churn_mlops.monitoring.feature_drift import feature_drift
from churn_mlops.monitoring.levels import accuracy_by_level
from churn_mlops.monitoring.list_use import ListContact, list_today, list_use
from churn_mlops.monitoring.measurement import Measurement
from churn_mlops.monitoring.money import (
    ListGain,
    ListTerms,
    PairedRows,
    expected_money_lost,
    measured_by,
    money_lost,
    shadow_gain,
    share_of_list,
    week_gain,
)
from churn_mlops.monitoring.run_age import run_age
from churn_mlops.monitoring.segments import churn_by_segment

__all__ = [
    "FEWEST",
    "Arms",
    "CampaignCosts",
    "EarlierErrors",
    "ListContact",
    "ListGain",
    "ListTerms",
    "Measurement",
    "PairedRows",
    "ScoredRows",
    "accuracy",
    "accuracy_by_level",
    "churn_by_segment",
    "customers_at_risk",
    "earlier_errors",
    "estimates_held",
    "expected_accuracy",
    "expected_money_lost",
    "feature_drift",
    "joined",
    "list_today",
    "list_use",
    "measured_by",
    "money_lost",
    "revenue_at_risk",
    "roi",
    "run_age",
    "score_drift",
    "shadow_gain",
    "share_of_list",
    "success",
    "untreated_weights",
    "week_gain",
]
