"""The tables of a history: whose rows they hold, from when these count, and when they were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from churn_mlops.data.contract.aggregate_grammar import TableKind
from churn_mlops.data.contract.feature import Declaration, level_text
from churn_mlops.data.contract.time_format import readable_formats

END, END_KNOWN_AT = "__end__", "__end_known_at__"
"""Columns of the first end, where the ends of customers stand in another table (`ends`)."""
Where = Mapping[str, tuple[str, ...]]
NormalForm = Literal["whole_number", "lower_case", "letters_and_digits", "salesforce_15"]
"""A form in which two ways to write a key are the same text."""


class Through(Declaration):
    """A table that names the customer of another one's rows."""

    table: str = Field(description="table of the contract that names the customer")
    column: str = Field(description="column of the linked rows")
    key: str = Field(description="column of that table which holds the same values, each once")
    normal_form: NormalForm | None = Field(
        None, description="form in which the values of both columns are compared, if they are written differently"
    )


class Versions(Declaration):
    """Rows that a table holds in several versions, of which only the newest counts."""

    key: str = Field(description="column that names the row, the same in all of its versions")
    by: str = Field(description="column of the time, or of the number, of a version: the latest is the newest")


class HistoryTable(Declaration):
    """One table of the history: who its rows belong to, when they hold, and when the company learnt of them."""

    table: str | None = Field(None, description="name of the table in the database; the key when left out")
    customer: str | None = Field(None, description="column that names the customer; the contract's when left out")
    through: Through | None = Field(None, description="for rows that name their customer through another table")
    start: str | None = Field(None, description="customers: column of the first day as a customer")
    start_known_at: str | None = Field(
        None, description="customers: when the start was recorded; the start if left out"
    )
    trial_end: str | None = Field(
        None, description="customers: column of the end of a trial, if the customer begins only then; blank without one"
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
    versions: Versions | None = Field(
        None, description="rows stored in several versions: only the newest counts, before `where` is asked"
    )
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
        return readable_formats(value)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> HistoryTable:
        kinds = [name for name in ("start", "valid_from", "event_time") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(
                "give one of `start` (customers), `valid_from` (attributes that change) and `event_time` (events)"
            )
        of_customers = [
            name for name in ("start_known_at", "trial_end", "end", "end_known_at") if getattr(self, name) is not None
        ]
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


def where_as_texts(value: Any) -> Any:
    """``where`` with each column's values as texts, a single value as a list of one."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: tuple(map(level_text, found if isinstance(found, list | tuple) else (found,)))
        for name, found in value.items()
    }
