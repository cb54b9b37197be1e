"""The data contract: what a person declares about a data set. Opens no data and computes nothing."""

from churn_mlops.data.contract.feature import FALSE_TEXTS, TRUE_TEXTS, Feature, FeatureType, level_text
from churn_mlops.data.contract.flat import (
    ABSURD,
    CONTRACT_VERSION,
    LABEL,
    ContractFile,
    DataContract,
    Days,
    ExcludedColumn,
    ExclusionReason,
    Label,
)
from churn_mlops.data.contract.history import (
    AS_OF,
    DAYS_OF_UNIT,
    LEFT,
    HistoryContract,
    HistoryFeature,
    Ratio,
    load_contract,
)
from churn_mlops.data.contract.history_label import HistoryLabel, Inactivity, Involuntary
from churn_mlops.data.contract.history_table import END, END_KNOWN_AT, HistoryTable, Through, Where
from churn_mlops.data.contract.units import unit_of

SetAside, SetAsideReason = ExcludedColumn, ExclusionReason  # their names up to version 0.1

__all__ = [
    "ABSURD",
    "AS_OF",
    "CONTRACT_VERSION",
    "DAYS_OF_UNIT",
    "END",
    "END_KNOWN_AT",
    "FALSE_TEXTS",
    "LABEL",
    "LEFT",
    "TRUE_TEXTS",
    "ContractFile",
    "DataContract",
    "Days",
    "ExcludedColumn",
    "ExclusionReason",
    "Feature",
    "FeatureType",
    "HistoryContract",
    "HistoryFeature",
    "HistoryLabel",
    "HistoryTable",
    "Inactivity",
    "Involuntary",
    "Label",
    "Ratio",
    "SetAside",
    "SetAsideReason",
    "Through",
    "Where",
    "level_text",
    "load_contract",
    "unit_of",
]
