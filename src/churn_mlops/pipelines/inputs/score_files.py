"""The files of scores that a run on Spark writes: their folder, and their column of customers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

CUSTOMER = "customer"


def local_score_files(output: str | None) -> Path | None:
    """The folder that the setting ``scoring.output`` names, None where it is not on this machine, or not set."""
    if output is None:
        return None
    parts = urlsplit(output)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(output).expanduser()
    return path if path.is_dir() else None
