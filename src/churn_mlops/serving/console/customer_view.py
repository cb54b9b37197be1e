"""The page of one customer as plain values: what is shown, in which order, and which advice it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from churn_mlops.retention.economics import OFFER
from churn_mlops.store.campaigns.list_work import ListWork
from churn_mlops.store.campaigns.notes import Note
from churn_mlops.store.contacts import Contact
from churn_mlops.store.scoring.browsing import PublishedScore

MOST_REASONS, MOST_MOVES = 3, 3
_WIDEST = 25
"""Points whose bar is full."""

RECENT = timedelta(hours=24)
"""For so long after a contact, the page advises no further one."""

AdviceKey = Literal["done", "listed", "in_campaign", "worth", "no_offer"]


@dataclass(frozen=True)
class ReasonLine:
    """A reason in words.

    Args:
        text: such as "month-to-month contract".
        points: percentage points of probability; None where only words are known.
        width: of its bar, in percent.
    """

    text: str
    points: int | None
    width: int


@dataclass(frozen=True)
class Change:
    """The change of a score since an earlier date.

    Args:
        since: the earlier as-of date.
        score: the earlier score.
        points: by how many percentage points the score grew.
        other_version: the model version of the earlier score, None where it is that of the page.
    """

    since: date
    score: float
    points: int
    other_version: str | None = None


@dataclass(frozen=True)
class Move:
    """A reason whose size changed, in points, since an earlier answer."""

    title: str
    points: int


@dataclass(frozen=True)
class TrendPoint:
    """A published score in the picture of all: its place from 0 (left) to 100, its height from 0 (top) to 100."""

    x: float
    y: float
    as_of: date
    score: float


@dataclass(frozen=True)
class Entry:
    """An entry of the timeline: a contact, or a note.

    Args:
        at: when it was.
        caller: who recorded it.
        contact: None of a note.
        text: of the note, or more of the contact; empty without one.
    """

    at: datetime
    caller: str
    contact: Contact | None
    text: str


@dataclass(frozen=True)
class CustomerFacts:
    """All that is known of a customer besides the answer about their risk.

    Args:
        average: mean score of the newest run, None without one.
        scores: published ones, the latest first.
        contacts: the latest first.
        notes: on them, the latest first.
        offer: that of the campaign of their arm, None without one.
        earlier: an earlier logged answer about them, with its as-of date; None without one.
        next_customer: the next one on the contact list, None behind the last, and for a customer who is not on it.
        rank: their rank in the newest run, None where they are not in it.
        list_version: the model version of that run, None without one.
        work: the work on them, None where no list is published.
        work_state: ``open``, ``taken``, ``snoozed`` or ``done``.
        not_taken: why the list refuses to have them taken now, None if they may be.
    """

    average: float | None = None
    scores: Sequence[PublishedScore] = ()
    contacts: Sequence[Contact] = ()
    notes: Sequence[Note] = ()
    offer: str | None = None
    earlier: tuple[date, Mapping[str, Any]] | None = None
    next_customer: str | None = None
    rank: int | None = None
    list_version: str | None = None
    work: ListWork | None = None
    work_state: str = "open"
    not_taken: str | None = None


@dataclass(frozen=True)
class CustomerView:
    """The page of one customer.

    ``seen`` is the latest contact that the page shows, 0 for none.
    """

    customer: str
    band: str
    score: float
    average: float | None
    times_average: float | None
    reasons: Sequence[ReasonLine]
    has_reasons: bool
    as_of: date
    age_days: int
    is_stale: bool
    is_published: bool
    why_published: str | None
    renews_on: date | None
    renews_in_days: int
    model_version: str
    advice: AdviceKey
    change: Change | None
    moves: Sequence[Move]
    moved_since: date | None
    trend: Sequence[TrendPoint]
    why_not: str | None
    campaign: Mapping[str, Any] | None
    offer: str | None
    seen: int
    last_result: str | None
    timeline: Sequence[Entry]
    next_customer: str | None
    rank: int | None
    list_version: str | None
    work: ListWork | None
    work_state: str
    not_taken: str | None

    @property
    def is_offer(self) -> bool:
        """Whether the advice is to make an offer."""
        return self.advice in ("listed", "in_campaign", "worth")

    @property
    def may_be_taken(self) -> bool:
        """Whether an agent may take them: an offer is to be made, and no other agent has them."""
        return self.is_offer and self.not_taken is None and self.work_state != "taken"

    @property
    def is_done(self) -> bool:
        """Whether they were contacted within the last hours."""
        return self.advice == "done"


def customer_view(
    customer: str, answer: Mapping[str, Any], facts: CustomerFacts, stale_days: int, now: datetime, today: date
) -> CustomerView:
    """The page of a customer.

    Args:
        customer: their ID.
        answer: the fields of ``GET /customers/{id}/risk``.
        facts: what else is known of them.
        stale_days: age of the data, in days, from which the page warns.
        now: the time.
        today: its day, in the time zone of the pages.
    """
    score, as_of = float(answer["churn_probability"]), date.fromisoformat(answer["as_of"])
    age_days, given = max(0, (today - as_of).days), answer["reasons"] or []
    renews_on = _to_come(answer["renews_on"], today)
    earlier = facts.earlier
    if earlier is not None and earlier[1].get("model_version") != answer["model_version"]:
        earlier = None  # reasons of two models are not compared
    moves, moved_since = _moves(given, earlier)
    has_average = facts.average is not None and facts.average > 0
    return CustomerView(
        customer=customer,
        band=answer["risk_band"],
        score=score,
        average=facts.average,
        times_average=score / facts.average if has_average and facts.average is not None else None,
        reasons=[reason_line(one) for one in given if _matters(one)][:MOST_REASONS],
        has_reasons=answer["reasons"] is not None,
        as_of=as_of,
        age_days=age_days,
        is_stale=age_days >= stale_days,
        is_published=answer["origin"] == "published",
        why_published=answer["why_published"],
        renews_on=renews_on,
        renews_in_days=0 if renews_on is None else (renews_on - today).days,
        model_version=answer["model_version"],
        advice=_advice(answer, facts.contacts, now),
        change=_change(score, as_of, facts.scores, answer["model_version"]),
        moves=moves,
        moved_since=moved_since,
        trend=_trend(facts.scores),
        why_not=answer["why_not"],
        campaign=answer["campaign"],
        offer=facts.offer if answer["campaign"] is None else answer["campaign"]["offer"],
        seen=facts.contacts[0].id if facts.contacts else 0,
        last_result=facts.contacts[0].result if facts.contacts else None,
        timeline=_timeline(facts),
        next_customer=facts.next_customer,
        rank=facts.rank,
        list_version=facts.list_version,
        work=facts.work,
        work_state=facts.work_state,
        not_taken=facts.not_taken,
    )


def reason_line(reason: Mapping[str, Any] | str) -> ReasonLine:
    """A reason of a fresh score has its points; that of a published one is words, with the points at their end."""
    words = reason if isinstance(reason, str) else str(reason["text"])
    text, colon, tail = words.rpartition(": ")
    points = _points_in(tail) if isinstance(reason, str) else int(reason["points"])
    if points is None:
        return ReasonLine(words, None, 0)
    width = min(100, round(100 * abs(points) / _WIDEST))
    return ReasonLine(text if colon and _points_in(tail) is not None else words, points, width)


def _advice(answer: Mapping[str, Any], contacts: Sequence[Contact], now: datetime) -> AdviceKey:
    """A recent contact ends the matter; otherwise the decision of the answer stands."""
    if contacts and now - contacts[0].at < RECENT:
        return "done"
    if answer["action"] != OFFER:
        return "no_offer"
    if not answer["on_contact_list"]:
        return "worth"
    return "listed" if answer["worth_an_offer"] else "in_campaign"


def _to_come(day: str | None, today: date) -> date | None:
    """A day that is not over."""
    found = None if day is None else date.fromisoformat(day)
    return None if found is None or found < today else found


def _timeline(facts: CustomerFacts) -> Sequence[Entry]:
    """Contacts and notes, the latest first."""
    entries = [Entry(one.at, one.caller, one, one.note or "") for one in facts.contacts]
    entries += [Entry(one.at, one.author, None, one.text) for one in facts.notes]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _matters(reason: Mapping[str, Any] | str) -> bool:
    return bool(reason) if isinstance(reason, str) else reason.get("points") != 0


def _points_in(text: str) -> int | None:
    """The number of "+21 points"."""
    number, _, unit = text.partition(" ")
    try:
        return int(number) if unit in ("point", "points") else None
    except ValueError:
        return None


def _change(score: float, as_of: date, scores: Sequence[PublishedScore], version: str) -> Change | None:
    earlier = next((one for one in scores if one.as_of < as_of), None)
    if earlier is None:
        return None
    other = None if earlier.model_version == version else earlier.model_version
    return Change(earlier.as_of, earlier.score, round(100 * score) - round(100 * earlier.score), other)


def _moves(
    reasons: Sequence[Any], earlier: tuple[date, Mapping[str, Any]] | None
) -> tuple[Sequence[Move], date | None]:
    """The reasons whose points changed most since an earlier answer of the same features."""
    if earlier is None:
        return (), None
    now = {one["feature"]: one for one in reasons if isinstance(one, Mapping) and "feature" in one}
    then = {one["feature"]: one for one in earlier[1].get("reasons") or () if isinstance(one, Mapping)}
    if not now or now.keys() != then.keys():
        return (), None
    moves = [Move(one["title"], one["points"] - then[name]["points"]) for name, one in now.items()]
    moves = sorted((move for move in moves if move.points), key=lambda move: -abs(move.points))
    return moves[:MOST_MOVES], earlier[0] if moves else None


def _trend(scores: Sequence[PublishedScore]) -> Sequence[TrendPoint]:
    """The published scores from the oldest to the latest, placed by their dates; none for fewer than two."""
    if len(scores) < 2:
        return ()
    ordered = sorted(scores, key=lambda one: one.as_of)
    first, days = ordered[0].as_of, (ordered[-1].as_of - ordered[0].as_of).days
    return [
        TrendPoint(100.0 * (one.as_of - first).days / days, 100.0 * (1.0 - one.score), one.as_of, one.score)
        for one in ordered
    ]
