"""The meaning of the tables of billing systems: one file for each system, and how its tables are recognised."""

from churn_mlops.data.presets.preset import Preset, PresetTable, presets
from churn_mlops.data.presets.recognise import KnownTable, Recognised, recognise

__all__ = ["KnownTable", "Preset", "PresetTable", "Recognised", "presets", "recognise"]
