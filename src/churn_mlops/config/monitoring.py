"""The declaration of the settings of monitoring."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from churn_mlops.config.sections import Section, listed, setting


class Monitoring(Section):
    """The groups of customers that the scores have to be fair to."""

    segments: tuple[str, ...] = setting(
        (),
        "features by whose levels churn and accuracy are measured, commas between; empty takes each that has 2 to 12 "
        "declared levels",
    )

    @field_validator("segments", mode="before")
    @classmethod
    def _segments_as_list(cls, value: Any) -> Any:
        """The environment holds texts only."""
        return listed(value, "segments are a list of features, such as [plan, region]")
