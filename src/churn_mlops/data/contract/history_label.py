"""The label of a history: which customers churned."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from churn_mlops.data.contract.feature import Declaration, level_text
from churn_mlops.data.contract.flat import Days


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
    def final_after(self) -> int:
        """Days after the as-of date when a label is final, and the gap between training and test periods."""
        return self.lead_days + self.days + self.reporting_delay_days
