"""A preset: what the columns of the tables of one system mean, as its file says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import Field

from churn_mlops.data.contract.feature import Declaration

Names = tuple[str, ...]
"""The plain names of one column with different exporters; the first that is there counts."""


class ColumnValues(Declaration):
    """Some values of a column; any value if none is named."""

    column: Names
    values: Names = ()


class PresetVersions(Declaration):
    """A table that may hold several versions of a row."""

    key: Names = ()
    by: Names = ()
    marks: Names = Field((), description="a column that says which version is today's; then the others are not needed")
    valid_from: Names = Field((), description="from when a version holds, where the exporter says it")


class PresetTable(Declaration):
    """One table of a system: how it is recognised, and what its columns mean."""

    names: Names = Field(min_length=1, description="its names with different exporters, the preferred one first")
    kind: Literal["customers", "attributes", "events"]
    needs: Names = Field(min_length=1, description="columns that it has with every exporter; `a|b` for either")
    customer: Names = Field(min_length=1)
    time: Names = Field(min_length=1, description="the start, from when the values hold, or when it happened")
    end: Names = Field(
        (), description="customers: the day from which on they have no service; none if the system has no such day"
    )
    last_day: Names = Field(
        (), description="of `end`, those that hold the last day of service: the next row begins after"
    )
    trial_end: Names = ()
    renewal: Names = ()
    request: Names = Field((), description="customers: when they asked to end; they stay until the end")
    pause: ColumnValues | None = Field(None, description="customers: so while they pause; they stay")
    stopped: ColumnValues | None = Field(None, description="customers: so if they ended before the day in `end`")
    involuntary: ColumnValues | None = Field(
        None, description="customers: why they ended, with the reasons that they did not choose; none if texts are free"
    )
    failed: ColumnValues | None = Field(None, description="events: payments that failed")
    versions: PresetVersions | None = None
    keep: Mapping[str, Names] = Field(default_factory=dict, description="the rows that count, by values of a column")
    leave: Mapping[str, Names] = Field(
        default_factory=dict,
        description="other values of a column of `keep`; a value in neither counts, and is asked about",
    )
    dropped: Mapping[str, str] = Field(default_factory=dict, description="for a column of `keep`: what the others are")
    lasting: Names = Field((), description="columns that never change, so that today's value held in the past, too")
    meaning: Mapping[str, str] = Field(default_factory=dict, description="of columns that the model must not see")


class Preset(Declaration):
    """A system that holds customers.

    The first of its tables of customers that is there says who is one; the rows of the others are events.
    """

    system: str
    page: str = Field(description="its page of the documentation")
    bills: bool = Field(True, description="whether it bills; one that does knows better when a customer ended")
    prefixes: Names = Field((), description="words before the names of columns that an exporter adds")
    tables: tuple[PresetTable, ...]


@cache
def presets() -> tuple[Preset, ...]:
    """The presets of all systems, by the names of their files."""
    folder = resources.files("churn_mlops.data.presets")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(Preset.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))) for file in files)
