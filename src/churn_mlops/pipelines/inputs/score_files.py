"""The files of scores that a run on Spark writes: where they are, and their column of customers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from churn_mlops.config import Settings

if TYPE_CHECKING:
    pass


CUSTOMER = "customer"


def scores_on_this_machine(settings: Settings) -> Path | None:
    """The folder ``scoring.output`` where it is one of this machine; None where it is elsewhere, or not set."""
    output = settings.scoring.output
    if output is None:
        return None
    parts = urlsplit(output)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(output).expanduser()
    return path if path.is_dir() else None
