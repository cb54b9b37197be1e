"""Decisions of another agent that a change would end: their work on a customer, or a wait with a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from churn_mlops.store.campaigns.list_work import ListWork, WorkAction

ENDS_WAIT = ("take", "snooze", "done")
"""Actions that end a wait, or move its date."""
_ENDS_WORK = ("release", "hand_on")


@dataclass(frozen=True)
class Doubt:
    """A customer whose change has to be confirmed.

    Args:
        customer: the customer ID.
        agent: who works on them, or let them wait where no one does.
        until: the date until which they wait; None where ``agent`` works on them.
    """

    customer: str
    agent: str
    until: date | None = None


def doubts_of(
    seen: Mapping[str, int], works: Mapping[str, ListWork], action: WorkAction, me: str, today: date
) -> list[Doubt]:
    """The customers that an agent is asked about before a change; one that changed since they were seen is refused.

    Args:
        seen: the version of the work that was seen, by customer ID.
        works: the work as it is.
        action: what is done.
        me: the agent.
        today: customers who wait until then are open again.
    """
    found = (_doubt(works[name], action, me, today) for name in seen if name in works)
    return [one for one in found if one is not None and works[one.customer].version == seen[one.customer]]


def keeps_waiting(work: ListWork, action: WorkAction, today: date) -> bool:
    """Whether a change of all that match leaves a customer out, since it would end their wait or move its date."""
    return action.kind in ENDS_WAIT and work.waits(today) and work.snoozed_until != action.day


def _doubt(work: ListWork, action: WorkAction, me: str, today: date) -> Doubt | None:
    if action.kind in _ENDS_WORK:
        return None if work.owner in (None, me) else Doubt(work.customer, work.agent)
    agent = work.changed_by if work.owner == me else work.agent
    if agent != me and keeps_waiting(work, action, today):
        return Doubt(work.customer, agent, work.snoozed_until)
    return None
