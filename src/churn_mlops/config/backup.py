"""The declaration of the settings of backups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import field_validator

from churn_mlops.config.sections import Section, listed, setting


class Backup(Section):
    """The folder of the backups, and the keys that open them."""

    folder: Path = setting(Path("backups"), "folder of the backups; another machine's, mounted, outlives this one")
    recipients: tuple[str, ...] = setting(
        (),
        "public keys (age1...) that backups are encrypted to, commas between; any of their private keys opens one",
    )
    keep: int | None = setting(14, "backups that stay in the folder, the newest; null deletes none", "backups", ge=1)

    @field_validator("recipients", mode="before")
    @classmethod
    def _recipients_as_list(cls, value: Any) -> Any:
        """The environment holds texts only."""
        return listed(value, "recipients are a list, such as [age1...]")
