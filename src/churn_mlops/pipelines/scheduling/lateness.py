"""Whether the daily run is on time: when it last succeeded, when it is due next, and how late it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from churn_mlops.pipelines.scheduling.steps import Success
from churn_mlops.pipelines.scheduling.timetable import Due, Timetable

LATE_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class ScheduleStatus:
    """How the daily run stands.

    Args:
        last_success: None where it never succeeded.
        next_run: when it is due next.
        overdue_since: the time at which the first run that is missing was due; None where none is, or where it never
            succeeded.
        late: whether it never succeeded, or is overdue by more than a day.
    """

    last_success: Success | None
    next_run: Due
    overdue_since: datetime | None
    late: bool

    @property
    def overdue(self) -> bool:
        """Whether a run is missing."""
        return self.last_success is None or self.overdue_since is not None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for machines."""
        last, since = self.last_success, self.overdue_since
        return {
            "last_success": last
            and {
                "as_of": last.as_of.isoformat(),
                "finished_at": _text(last.finished_at),
                "list_as_of": (last.list_as_of or last.as_of).isoformat(),
            },
            "next_run": {"as_of": self.next_run.as_of.isoformat(), "at": _text(self.next_run.at)},
            "overdue": self.overdue,
            "overdue_since": since and _text(since),
            "late": self.late,
        }


def punctuality(timetable: Timetable, last_success: Success | None, now: datetime) -> ScheduleStatus:
    """How the daily run stands at ``now``."""
    following = timetable.next(now)
    if last_success is None:
        return ScheduleStatus(None, following, None, late=True)
    missing = timetable.after(last_success.as_of)
    late_by = now.astimezone(UTC) - missing.at.astimezone(UTC)
    since = missing.at if late_by >= timedelta(0) else None
    return ScheduleStatus(last_success, following, since, late=late_by > LATE_AFTER)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
