"""The declaration of the settings of the console."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from churn_mlops.config.sections import Section, listed, setting

LocaleName = Literal["en-US", "en-GB", "de-DE", "de-CH", "es-ES", "fr-FR", "it-IT", "nl-NL", "pl-PL", "sv-SE"]


class Console(Section):
    """The pages in the browser."""

    locale: LocaleName = setting("en-US", "how dates, numbers and money are written")
    currency: str = setting("USD", "currency of the amounts, by its code of three letters", pattern=r"^[A-Z]{3}$")
    offer: str = setting(
        "Retention offer", "offer that is recorded with a contact, unless the agent writes another", min_length=1
    )
    controlled: tuple[str, ...] = setting(
        (), "features that the company controls, such as contract_type: an agent may ask what another value would mean"
    )
    stale_days: int = setting(3, "age of the data from which a page warns", "days", ge=1, le=3650)

    @field_validator("controlled", mode="before")
    @classmethod
    def _features_as_list(cls, value: Any) -> Any:
        """The environment holds texts only."""
        return listed(value)
