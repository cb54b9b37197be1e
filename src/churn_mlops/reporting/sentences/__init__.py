"""The plain sentences of a report: one for each thing it shows, the same on the page and in the model card."""

from churn_mlops.reporting.sentences.features import base, base_share, drivers, effect, missing_cell, odds_factor, pairs
from churn_mlops.reporting.sentences.leaks import is_too_good, noticed, too_good
from churn_mlops.reporting.sentences.money import churn_costs, defaults, list_earns, states_a_year, whole_list
from churn_mlops.reporting.sentences.ranks import (
    gains,
    later,
    leaving,
    length_near,
    lift,
    lift_of,
    order,
    precision_recall,
    ranking,
    roc,
    test_set_rate,
)
from churn_mlops.reporting.sentences.subject import about, horizon, limits, model_type, shown, within
from churn_mlops.reporting.sentences.trust import calibration, misjudged, slope

__all__ = [
    "about",
    "base",
    "base_share",
    "calibration",
    "churn_costs",
    "defaults",
    "drivers",
    "effect",
    "gains",
    "horizon",
    "is_too_good",
    "later",
    "leaving",
    "length_near",
    "lift",
    "lift_of",
    "limits",
    "list_earns",
    "misjudged",
    "missing_cell",
    "model_type",
    "noticed",
    "odds_factor",
    "order",
    "pairs",
    "precision_recall",
    "ranking",
    "roc",
    "shown",
    "slope",
    "states_a_year",
    "test_set_rate",
    "too_good",
    "whole_list",
    "within",
]
