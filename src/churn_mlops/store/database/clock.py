"""The clock of the store: UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present time: the clock where no other is given."""
    return datetime.now(UTC)


Clock = Callable[[], datetime]
