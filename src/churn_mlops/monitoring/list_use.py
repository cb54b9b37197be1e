"""The use of the list: how many of its customers were worked, who did it, and why others were skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from churn_mlops.monitoring.measurement import Measurement, Status, too_little

GOOD_SHARE, WATCH_SHARE = 0.8, 0.5
"""Share of the list that is worked, from which the status is "good" and "watch"."""
_SKIPPED = "Talk to the agents if one reason stands out: it says what the list or the offer lacks."


@dataclass(frozen=True)
class ListContact:
    """The work of an agent on one customer of a list.

    Args:
        agent: the principal that recorded it.
        dismissal: why no offer was made, None where the customer was contacted.
    """

    agent: str
    dismissal: str | None = None


def list_use(part: str, listed: int, contacts: Iterable[ListContact]) -> list[Measurement]:
    """The share of the list that was worked, the skipped customers by reason, and the work by agent.

    Args:
        part: the as-of date of the last list whose day is over, empty without one.
        listed: customers on the lists whose days are over.
        contacts: the latest of each customer of the lists who has one.
    """
    found = list(contacts)
    if not part:
        return [too_little("list_worked", part, "Wait: no list has had its whole day yet.")]
    if not listed:
        return [too_little("list_worked", part, "Nothing to do: no customer was worth an offer.")]
    reasons = Counter(one.dismissal for one in found if one.dismissal is not None)
    agents = Counter(one.agent for one in found)
    share = len(found) / listed
    status: Status = "good" if share >= GOOD_SHARE else "watch" if share >= WATCH_SHARE else "act"
    step = {
        "good": "Nothing to do: the list is worked.",
        "watch": "Give the rest of the list to another agent, or set a capacity that can be worked.",
        "act": "Find out why the list is not worked: a score that no one acts on earns nothing.",
    }[status]
    by_reason = [
        _share("list_skipped", reason, count, len(found), _SKIPPED) for reason, count in sorted(reasons.items())
    ]
    by_agent = [
        _share("list_agent", agent, count, len(found), "Nothing to do: this shows who works on the list.")
        for agent, count in sorted(agents.items())
    ]
    worked = Measurement("list_worked", part, share, None, None, len(found), listed, status, step)
    return [worked, *by_reason, *by_agent]


def list_today(part: str, listed: int, worked: int) -> Measurement:
    """How far today's list is worked: its day is not over, so that a small share is no fault.

    Args:
        part: the as-of date of the list.
        listed: customers on it.
        worked: those of them with a contact or a dismissal since its as-of date.
    """
    if not listed:
        return too_little("list_today", part, "Nothing to do: no customer was worth an offer.")
    step = "Nothing to do: the day is not over." if worked < listed else "Nothing to do: today's list is worked."
    return Measurement("list_today", part, worked / listed, None, None, worked, listed, "good", step)


def _share(name: str, part: str, count: int, of: int, step: str) -> Measurement:
    return Measurement(name, part, count / of, None, None, count, of, "good", step)
