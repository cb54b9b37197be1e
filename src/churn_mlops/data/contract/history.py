"""The history shape of the contract: tables with keys and times, and features declared as computations over them.

A history contract says how a snapshot is made; the snapshot itself is a flat table and keeps the flat contract that
:meth:`HistoryContract.flat` gives, so whatever reads a snapshot needs to know nothing of its history.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from churn_mlops.data.contract.aggregate_grammar import (
    NOT_OF_KIND,
    OWN_WINDOWS,
    AggregateGrammar,
    LatestDate,
    LatestValue,
    OfRows,
    OfValues,
    OneValue,
)
from churn_mlops.data.contract.feature import Declaration, Feature, FeatureType
from churn_mlops.data.contract.flat import ContractFile, DataContract, Days, ExcludedColumn, Label
from churn_mlops.data.contract.history_label import HistoryLabel
from churn_mlops.data.contract.history_table import HistoryTable, Where, where_as_texts
from churn_mlops.data.contract.names import check_feature_names

AS_OF = "__as_of__"
"""Name of the column of a snapshot that holds its as-of date."""
CHURNED = "__left__"
"""Name of the column of a snapshot that holds the label: "yes", "no", or null where it is not final."""
RENEWAL = "__renewal__"
"""Name of the column that holds the days since the renewal, below 0 for one to come."""
DAYS_OF_UNIT = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}


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
    last: LatestValue = Field(None, description="last value of a column, `table.column`")
    count: OfRows = Field(None, description="rows of a table")
    sum: OfValues = Field(None, description="sum of a column")
    mean: OfValues = Field(None, description="mean of a column")
    smallest: OneValue = Field(None, description="smallest value of a column")
    largest: OneValue = Field(None, description="largest value of a column")
    distinct: OfValues = Field(None, description="different values of a column")
    since_last: OfRows = Field(None, description="days since the last row of a table")
    age_of: LatestDate = Field(None, description="time since a date, in `unit`: days, weeks, months or years")
    ratio: Annotated[Ratio | None, OWN_WINDOWS] = Field(
        None, description="rate over a short window by rate over a long one"
    )
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
        given = [name for name in AGGREGATES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one computation, one of {', '.join(AGGREGATES)}; found {given or 'none'}")
        if self.column is not None or self.date_column is not None:
            named = "`column`, `since` and `until` belong to a flat contract"
            raise ValueError(f"{named}: name the column in the computation, `table.column`")
        if self.type not in self.grammar.types:
            raise ValueError(f"`{self.aggregate}` gives a number, not a {self.type}")
        if self.age_of is not None and self.unit not in DAYS_OF_UNIT:
            raise ValueError(f"`age_of` needs a `unit`, one of {', '.join(DAYS_OF_UNIT)}")
        if self.days is not None and not self.grammar.windowed:
            raise ValueError(f"`days` means nothing beside `{self.aggregate}`")
        if self.where and self.ratio is not None:
            raise ValueError("write `where` inside the `ratio`")
        return self

    @property
    def aggregate(self) -> str:
        """The name of the computation."""
        return next(name for name in AGGREGATES if getattr(self, name) is not None)

    @property
    def grammar(self) -> AggregateGrammar:
        """The input and the types of the computation."""
        return AGGREGATES[self.aggregate]

    @property
    def reads(self) -> tuple[str, str | None]:
        """The table that is read, and its column, None where rows are counted."""
        if self.ratio is not None:
            text = self.ratio.count or str(self.ratio.sum)
            alone = self.ratio.count is not None
        else:
            text, alone = getattr(self, self.aggregate), self.grammar.takes == "table"
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


AGGREGATES: Mapping[str, AggregateGrammar] = {
    name: grammar
    for name, field in HistoryFeature.model_fields.items()
    for grammar in field.metadata
    if isinstance(grammar, AggregateGrammar)
}
"""Each aggregate by its name in a contract."""


class HistoryContract(ContractFile):
    """The declaration of a customer database with its history."""

    version: Literal[1] = 1
    name: str = Field(min_length=1)
    customer: str = Field(min_length=1, description="column that names the customer")
    household: str | None = Field(
        None,
        description="column of the table of customers that names the household, or a shared e-mail address: its "
        "customers keep one arm",
    )
    renewal: str | None = Field(
        None,
        description="`table.column` of the date on which a running contract renews or ends: agents see it, and it is "
        "no input of the model",
    )
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
            self._leads_to_customers(name, table)
            if table.ends is not None and self._table(table.ends, f"table {name!r}: `ends`").kind != "events":
                raise ValueError(
                    f"table {name!r}: `ends` needs a table with `event_time`, which {table.ends!r} has not"
                )
        return self

    def _leads_to_customers(self, name: str, table: HistoryTable) -> None:
        passed = [name]
        while table.through is not None:
            linked = self._table(table.through.table, f"table {passed[-1]!r}: `through`")
            if table.through.table in passed:
                raise ValueError(f"table {name!r}: `through` leads back to {table.through.table!r}, and to no customer")
            passed.append(table.through.table)
            table = linked

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
            self._reads_a_table(f"feature {name!r}", feature)
        if self.renewal is not None:
            self._reads_a_table("`renewal`", self.with_renewal().features[RENEWAL])
        return self

    def _reads_a_table(self, what: str, feature: HistoryFeature) -> None:
        table, column = feature.reads
        declared = self._table(table, what)
        if table == self.tables[self.customers].ends:
            raise ValueError(f"{what} reads the ends of customers, which are what is predicted")
        if column == "":
            raise ValueError(f"{what}: `{feature.aggregate}` takes a column, such as {table}.amount")
        if declared.kind not in feature.grammar.tables:
            raise ValueError(f"{what}: {NOT_OF_KIND[declared.kind]}")
        if declared.kind == "customers":
            self._reads_no_end(what, feature, declared)

    def _reads_no_end(self, what: str, feature: HistoryFeature, declared: HistoryTable) -> None:
        column = feature.reads[1]
        column = {"start": declared.start, "end": declared.end}.get(str(column), column)
        if column in (declared.end, declared.end_known_at) or (
            self.label is not None and self.label.involuntary and column == self.label.involuntary.column
        ):
            raise ValueError(f"{what} reads the end of a customer, which is what is predicted")

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

    def with_renewal(self) -> HistoryContract:
        """The contract with the days since the renewal as one more feature, for a reader that shows it.

        It is the contract itself where it names no renewal.
        """
        if self.renewal is None:
            return self
        days = HistoryFeature(age_of=self.renewal, unit="days", required=False)
        return self.model_copy(update={"features": {**self.features, RENEWAL: days}})

    def flat(self) -> DataContract:
        """The flat contract of its snapshots, which the model bundle holds."""
        label = None
        if self.label is not None:
            label = Label(column=CHURNED, positive="yes", negative="no", horizon_days=self.label.days)
        features = {name: feature.flat() for name, feature in self.features.items()}
        return DataContract(name=self.name, customer=self.customer, label=label, features=features)


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
