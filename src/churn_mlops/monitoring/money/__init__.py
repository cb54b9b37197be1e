"""Money: what lists earn, what is lost since the model was new, and the lists of two models side by side."""

from churn_mlops.monitoring.money.list_gain import measured_by, week_gain
from churn_mlops.monitoring.money.lists import ListTerms, share_of_list
from churn_mlops.monitoring.money.money_lost import ListGain, expected_money_lost, money_lost
from churn_mlops.monitoring.money.shadow_gain import PairedRows, shadow_gain

__all__ = [
    "ListGain",
    "ListTerms",
    "PairedRows",
    "expected_money_lost",
    "measured_by",
    "money_lost",
    "shadow_gain",
    "share_of_list",
    "week_gain",
]
