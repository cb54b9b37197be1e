"""The clock of the store: UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The moment it is, the clock of whoever hands in no other."""
    return datetime.now(UTC)


Clock = Callable[[], datetime]
