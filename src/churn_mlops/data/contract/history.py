"""The history shape of the contract: tables with keys and times, and features declared as computations over them.

A history contract says how a snapshot is made; the snapshot itself is a flat table and keeps the flat contract that
:meth:`HistoryContract.flat` gives, so whatever reads a snapshot needs to know nothing of its history.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from churn_mlops.data.contract.feature import Declaration, Feature, FeatureType, level_text
from churn_mlops.data.contract.flat import ContractFile, DataContract, Days, ExcludedColumn, Label
from churn_mlops.data.contract.names import check_feature_names
from churn_mlops.data.contract.time_format import TIME_FORMATS, is_time_format

AS_OF = "__as_of__"
"""Name of the column of a snapshot that holds its as-of date."""
LEFT = "__left__"
"""Name of the column of a snapshot that holds the label: "yes", "no", or null where it has not matured."""
END, END_KNOWN_AT = "__end__", "__end_known_at__"
"""Columns of the first end, where the ends of customers stand in another table (`ends`)."""
TableKind = Literal["customers", "attributes", "events"]
Where = Mapping[str, tuple[str, ...]]
AGGREGATES = ("last", "count", "sum", "mean", "smallest", "largest", "distinct", "since_last", "age_of")
_OF_A_TABLE = frozenset({"count", "since_last"})
DAYS_OF_UNIT = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}


class Through(Declaration):
    """A table that names the customer of another one's rows."""

    table: str = Field(description="table of the contract that names the customer")
    column: str = Field(description="column of the linked rows")
    key: str = Field(description="column of that table which holds the same values, each once")


class HistoryTable(Declaration):
    """One table of the history: who its rows belong to, when they hold, and when the company learnt of them."""

    table: str | None = Field(None, description="name of the table in the database; the key when left out")
    customer: str | None = Field(None, description="column that names the customer; the contract's when left out")
    through: Through | None = Field(None, description="for rows that name their customer through another table")
    start: str | None = Field(None, description="customers: column of the first day as a customer")
    start_known_at: str | None = Field(
        None, description="customers: when the start was recorded; the start if left out"
    )
    end: str | None = Field(None, description="customers: column of the last day, blank while they are one")
    end_known_at: str | None = Field(None, description="customers: when the end was recorded; the end if left out")
    ends: str | None = Field(
        None, description="customers: the table of events that are ends, the first of which counts; instead of `end`"
    )
    valid_from: str | None = Field(None, description="attributes: from when the row's values hold")
    event_time: str | None = Field(None, description="events: when it happened")
    known_at: str | None = Field(None, description="when the row was recorded; its own time if left out")
    where: Where = Field(default_factory=dict, description="only rows whose columns hold one of these values")
    formats: Mapping[str, str] = Field(
        default_factory=dict, description="how times are written as text, if not as in ISO 8601: such as %d/%m/%Y %H:%M"
    )

    @model_validator(mode="before")
    @classmethod
    def _end_from_ends(cls, data: Any) -> Any:
        """Ends of another table are read as a column like any other, which ``data.ends`` adds."""
        if not isinstance(data, Mapping) or data.get("ends") is None:
            return data
        if data.get("end") not in (None, END) or data.get("end_known_at") not in (None, END_KNOWN_AT):
            raise ValueError("give `end` or `ends`, not both")
        return {**data, "end": END, "end_known_at": END_KNOWN_AT}

    @field_validator("where", mode="before")
    @classmethod
    def _where_as_texts(cls, value: Any) -> Any:
        return where_as_texts(value)

    @field_validator("formats")
    @classmethod
    def _formats_are_read(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for column, time_format in value.items():
            if not is_time_format(time_format):
                raise ValueError(f"`formats` of {column!r}: {time_format!r} is none that is read: {TIME_FORMATS}")
        return value

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> HistoryTable:
        kinds = [name for name in ("start", "valid_from", "event_time") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(
                "give one of `start` (customers), `valid_from` (attributes that change) and `event_time` (events)"
            )
        of_customers = [name for name in ("start_known_at", "end", "end_known_at") if getattr(self, name) is not None]
        if self.start is None and of_customers:
            raise ValueError(f"`{of_customers[0]}` belongs to the table of customers, the one with `start`")
        if self.start is not None and self.known_at is not None:
            raise ValueError("the table of customers has `start_known_at` and `end_known_at`, not `known_at`")
        if self.end is None and self.end_known_at is not None:
            raise ValueError("`end_known_at` needs an `end`")
        if self.through is not None and self.customer is not None:
            raise ValueError("give `customer` or `through`, not both")
        return self

    @property
    def kind(self) -> TableKind:
        """The kind of the rows."""
        if self.start is not None:
            return "customers"
        return "attributes" if self.valid_from is not None else "events"

    @property
    def time(self) -> str:
        """The column of the time from which a row counts."""
        return str(self.start or self.valid_from or self.event_time)

    @property
    def known(self) -> str:
        """The column of the time when the company learnt of a row: its own time where none is declared."""
        return self.start_known_at or self.known_at or self.time


class Ratio(Declaration):
    """A daily rate over a short window by that over a long one: above 1 means that it grows."""

    count: str | None = None
    sum: str | None = None
    days: tuple[Days, Days] = Field(description="the short window and the long one")
    where: Where = Field(default_factory=dict)

    @field_validator("where", mode="before")
    @classmethod
    def _where_as_texts(cls, value: Any) -> Any:
        return where_as_texts(value)

    @model_validator(mode="after")
    def _is_clear(self) -> Ratio:
        if (self.count is None) == (self.sum is None):
            raise ValueError("a `ratio` takes one of `count` and `sum`")
        if not 0 < self.days[0] < self.days[1]:
            raise ValueError("`days` of a `ratio` are a short window and a longer one, such as [30, 90]")
        return self


class HistoryFeature(Feature):
    """A feature with the computation that gives it: exactly one of the aggregates, or a ratio."""

    type: FeatureType = "number"
    last: str | None = Field(None, description="last value of a column, `table.column`")
    count: str | None = Field(None, description="rows of a table")
    sum: str | None = Field(None, description="sum of a column")
    mean: str | None = Field(None, description="mean of a column")
    smallest: str | None = Field(None, description="smallest value of a column")
    largest: str | None = Field(None, description="largest value of a column")
    distinct: str | None = Field(None, description="different values of a column")
    since_last: str | None = Field(None, description="days since the last row of a table")
    age_of: str | None = Field(None, description="time since a date, in `unit`: days, weeks, months or years")
    ratio: Ratio | None = Field(None, description="rate over a short window by rate over a long one")
    days: Days | None = Field(None, gt=0, description="rows of the last so many days; all rows when left out")
    where: Where = Field(default_factory=dict, description="only rows whose columns hold one of these values")

    @model_validator(mode="before")
    @classmethod
    def _type_from_levels(cls, data: Any) -> Any:
        return {"type": "category", **data} if isinstance(data, Mapping) and data.get("levels") else data

    @field_validator("where", mode="before")
    @classmethod
    def _where_as_texts(cls, value: Any) -> Any:
        return where_as_texts(value)

    @model_validator(mode="after")
    def _has_one_computation(self) -> HistoryFeature:
        given = [name for name in (*AGGREGATES, "ratio") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give one computation, one of {', '.join((*AGGREGATES, 'ratio'))}; found {given or 'none'}"
            )
        if self.column is not None:
            raise ValueError("`column` belongs to a flat contract: name the column in the computation, `table.column`")
        if self.type != "number" and self.aggregate not in ("last", "smallest", "largest"):
            raise ValueError(f"`{self.aggregate}` gives a number, not a {self.type}")
        if self.age_of is not None and self.unit not in DAYS_OF_UNIT:
            raise ValueError(f"`age_of` needs a `unit`, one of {', '.join(DAYS_OF_UNIT)}")
        if self.days is not None and self.aggregate in ("age_of", "ratio"):
            raise ValueError(f"`days` means nothing beside `{self.aggregate}`")
        if self.where and self.ratio is not None:
            raise ValueError("write `where` inside the `ratio`")
        return self

    @property
    def aggregate(self) -> str:
        """The name of the computation."""
        return next(name for name in (*AGGREGATES, "ratio") if getattr(self, name) is not None)

    @property
    def reads(self) -> tuple[str, str | None]:
        """The table that is read, and its column, None where rows are counted."""
        if self.ratio is not None:
            text = self.ratio.count or str(self.ratio.sum)
            alone = self.ratio.count is not None
        else:
            text, alone = getattr(self, self.aggregate), self.aggregate in _OF_A_TABLE
        table, _, column = text.partition(".")
        return (text, None) if alone else (table, column)

    @property
    def longest_days(self) -> int | None:
        """The days of history that the feature needs, None where it takes all of it."""
        return self.ratio.days[1] if self.ratio is not None else self.days

    def flat(self) -> Feature:
        """The feature of the snapshot's flat contract."""
        said = (set(Feature.model_fields) & self.model_fields_set) - {"column"} | {"type"}
        return Feature(**{name: value for name, value in self if name in said})


class Involuntary(Declaration):
    """Customers who did not choose to leave, recognised by a column of the table of customers."""

    column: str
    values: tuple[str, ...] = Field(min_length=1)
    count_as: Literal["unknown", "left", "stayed"] = Field(
        "unknown", description="label of such a customer; unknown keeps them out of training and out of accuracy"
    )

    @field_validator("values", mode="before")
    @classmethod
    def _as_texts(cls, value: Any) -> Any:
        return tuple(map(level_text, value)) if isinstance(value, list | tuple) else value


class Inactivity(Declaration):
    """Churn by inactivity: no row of a table of events for so many days."""

    events: str = Field(description="table of events that show a customer is still there")
    days: Days = Field(gt=0)


class HistoryLabel(Declaration):
    """Did the customer churn in (as-of + lead, as-of + lead + horizon]?"""

    event: str | None = Field(None, description="`table.end` of the table of customers")
    inactive: Inactivity | None = Field(None, description="left = no such event for so many days")
    horizon_days: Days = Field(30, gt=0, description="days ahead that are predicted; those of `inactive`, with it")
    lead_days: Days = Field(0, ge=0, description="days that the team needs before it can act")
    reporting_delay_days: Days = Field(0, ge=0, description="days until the database knows of an end, at the latest")
    involuntary: Involuntary | None = Field(None, description="ends that the customer did not choose")

    @model_validator(mode="after")
    def _has_one_sign(self) -> HistoryLabel:
        if (self.event is None) == (self.inactive is None):
            raise ValueError("a label takes one of `event` (an end date) and `inactive`")
        if self.inactive is not None and self.involuntary is not None:
            raise ValueError("`involuntary` belongs to an end date, not to `inactive`")
        return self

    @property
    def days(self) -> int:
        """Length of the horizon."""
        return self.inactive.days if self.inactive is not None else self.horizon_days

    @property
    def matures_after(self) -> int:
        """Days after the as-of date when a label is final, and the gap between training and test periods."""
        return self.lead_days + self.days + self.reporting_delay_days


class HistoryContract(ContractFile):
    """The declaration of a customer database with its history."""

    version: Literal[1] = 1
    name: str = Field(min_length=1)
    customer: str = Field(min_length=1, description="column that names the customer")
    time_zone: str = Field("UTC", description="time zone in which days are counted, such as Europe/Berlin")
    tables: Mapping[str, HistoryTable] = Field(min_length=1)
    label: HistoryLabel | None = None
    features: Mapping[str, HistoryFeature] = Field(min_length=1)
    set_aside: Mapping[str, ExcludedColumn] = Field(
        default_factory=dict, description="`table.column`, not used, and why"
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; write it like Europe/Berlin, or UTC") from None
        return value

    @model_validator(mode="after")
    def _tables_fit_together(self) -> HistoryContract:
        of_customers = [name for name, table in self.tables.items() if table.kind == "customers"]
        if len(of_customers) != 1:
            raise ValueError(f"one table has a `start`, that of the customers; found {of_customers or 'none'}")
        for name, table in self.tables.items():
            if table.through is not None:
                self._table(table.through.table, f"table {name!r}: `through`")
                if self.tables[table.through.table].through is not None or table.through.table == name:
                    raise ValueError(f"table {name!r}: `through` leads to a table that names no customer itself")
            if table.ends is not None and self._table(table.ends, f"table {name!r}: `ends`").kind != "events":
                raise ValueError(
                    f"table {name!r}: `ends` needs a table with `event_time`, which {table.ends!r} has not"
                )
        return self

    @model_validator(mode="after")
    def _label_is_declared(self) -> HistoryContract:
        if self.label is None:
            return self
        if self.label.event is not None:
            table, _, column = self.label.event.partition(".")
            if table != self.customers or column != "end" or self.tables[table].end is None:
                raise ValueError(f"label: `event` is the `end` of the table of customers: {self.customers}.end")
        if self.label.inactive is not None:
            name = self.label.inactive.events
            if self._table(name, "label: `inactive`").kind != "events":
                raise ValueError(f"label: `inactive` needs a table with `event_time`, which {name!r} has not")
        return self

    @model_validator(mode="after")
    def _features_read_tables(self) -> HistoryContract:
        check_feature_names(self.features, self.customer)
        for name, feature in self.features.items():
            table, column = feature.reads
            declared = self._table(table, f"feature {name!r}")
            if table == self.tables[self.customers].ends:
                raise ValueError(f"feature {name!r} reads the ends of customers, which are what is predicted")
            if column == "":
                raise ValueError(f"feature {name!r}: `{feature.aggregate}` takes a column, such as {table}.amount")
            if declared.kind == "customers":
                self._reads_no_end(name, feature, declared)
            elif feature.aggregate == "age_of" and declared.kind != "attributes":
                raise ValueError(f"feature {name!r}: `age_of` takes a date of customers or of attributes that change")
            elif feature.aggregate not in ("last", "age_of") and declared.kind == "attributes":
                raise ValueError(f"feature {name!r}: attributes that change have a `last` value, events are counted")
        return self

    def _reads_no_end(self, name: str, feature: HistoryFeature, declared: HistoryTable) -> None:
        if feature.aggregate not in ("last", "age_of"):
            raise ValueError(f"feature {name!r}: a table of customers has one row each: take `last` or `age_of`")
        column = feature.reads[1]
        column = {"start": declared.start, "end": declared.end}.get(str(column), column)
        if column in (declared.end, declared.end_known_at) or (
            self.label is not None and self.label.involuntary and column == self.label.involuntary.column
        ):
            raise ValueError(f"feature {name!r} reads the end of a customer, which is what is predicted")

    def _table(self, name: str, what: str) -> HistoryTable:
        if name not in self.tables:
            raise ValueError(f"{what} reads table {name!r}, which is not declared: {', '.join(self.tables)} are")
        return self.tables[name]

    @property
    def customers(self) -> str:
        """Name of the table of customers."""
        return next(name for name, table in self.tables.items() if table.kind == "customers")

    def column(self, table: str, column: str) -> str:
        """The database's name of a column, where ``start`` and ``end`` stand for the declared ones."""
        declared = self.tables[table]
        return {"start": declared.start, "end": declared.end}.get(column) or column

    def flat(self) -> DataContract:
        """The flat contract of its snapshots, which the model bundle holds."""
        label = None
        if self.label is not None:
            label = Label(column=LEFT, positive="yes", negative="no", horizon_days=self.label.days)
        features = {name: feature.flat() for name, feature in self.features.items()}
        return DataContract(name=self.name, customer=self.customer, label=label, features=features)


def where_as_texts(value: Any) -> Any:
    """``where`` with each column's values as texts, a single value as a list of one."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: tuple(map(level_text, found if isinstance(found, list | tuple) else (found,)))
        for name, found in value.items()
    }


def load_contract(path: str | os.PathLike[str]) -> DataContract | HistoryContract:
    """Read the contract at ``path``, of either shape: one with ``tables`` is a history.

    Raises:
        ContractError: the file is not there, is not YAML, or is not a contract.
    """
    data = ContractFile.read(path)
    shape: type[DataContract] | type[HistoryContract] = (
        HistoryContract if isinstance(data, Mapping) and "tables" in data else DataContract
    )
    return shape.from_dict(data, where=str(path))
