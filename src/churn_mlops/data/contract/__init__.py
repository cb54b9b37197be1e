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
    CHURNED,
    DAYS_OF_UNIT,
    RENEWAL,
    HistoryContract,
    HistoryFeature,
    Ratio,
    load_contract,
)
from churn_mlops.data.contract.history_label import HistoryLabel, Inactivity, Involuntary
from churn_mlops.data.contract.history_table import (
    END,
    END_KNOWN_AT,
    HistoryTable,
    NormalForm,
    Through,
    Versions,
    Where,
)
from churn_mlops.data.contract.units import unit_of

LEFT = CHURNED  # its name up to version 0.1, as are the next two
SetAside, SetAsideReason = ExcludedColumn, ExclusionReason

__all__ = [
    "ABSURD",
    "AS_OF",
    "CHURNED",
    "CONTRACT_VERSION",
    "DAYS_OF_UNIT",
    "END",
    "END_KNOWN_AT",
    "FALSE_TEXTS",
    "LABEL",
    "LEFT",
    "RENEWAL",
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
    "NormalForm",
    "Ratio",
    "SetAside",
    "SetAsideReason",
    "Through",
    "Versions",
    "Where",
    "level_text",
    "load_contract",
    "unit_of",
]
