"""Subscribers with a known truth: who began, paused, asked to end, could not pay, left, came back."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import numpy as np

TODAY = datetime(2026, 6, 30, 6)
"""The time of the export."""
_FIRST = datetime(2023, 7, 1)
MONTH = timedelta(days=30)
Cause = Literal["chosen", "failed_payment"]


@dataclass(frozen=True)
class Spell:
    """One subscription.

    Attributes:
        number: its place among all.
        start: when it was made; a trial may stand before the first payment.
        trial_end: the end of the trial.
        request: when the customer asked to end; None for failed payments.
        end: when the service ended, or will end.
        cause: why it ends.
        began: whether the first payment was made.
        paused: since when it is paused, up to today.
        plan: place of its plan.
        asks: when the customer asks to end; after :data:`TODAY` it is a request that is not in the export yet.
    """

    number: int
    start: datetime
    trial_end: datetime | None = None
    request: datetime | None = None
    end: datetime | None = None
    cause: Cause | None = None
    began: bool = True
    paused: datetime | None = None
    plan: int = 0
    asks: datetime | None = None

    @property
    def paid_from(self) -> datetime:
        """When the customer begins."""
        return max(self.start, self.trial_end or self.start)

    @property
    def is_over(self) -> bool:
        """Whether it has ended by the time of the export."""
        return self.end is not None and self.end <= TODAY

    def renews(self) -> datetime:
        """The end of the present period."""
        periods = (min(TODAY, self.end or TODAY) - self.start) // MONTH
        return self.start + (max(periods, 0) + 1) * MONTH


@dataclass(frozen=True)
class Subscriber:
    """A customer with their subscriptions, and the days on which they used the product."""

    number: int
    country: str
    spells: tuple[Spell, ...]
    active_days: tuple[datetime, ...] = field(default=())


def subscribers(customers: int, seed: int = 11) -> list[Subscriber]:
    """Subscribers of two years and more, of all kinds."""
    rng = np.random.default_rng(seed)
    found, numbers = [], iter(range(10 * customers))
    for number in range(customers):
        start = _FIRST + timedelta(hours=int(rng.integers(0, 24 * 1000)))
        spells = [_spell(next(numbers), start, rng)]
        last = spells[0]
        back = last.is_over and last.cause == "chosen" and rng.random() < 0.15
        if back and last.end is not None and last.end + 2 * MONTH < TODAY:
            spells.append(Spell(next(numbers), last.end + timedelta(days=int(rng.integers(20, 60))), plan=last.plan))
        days = tuple(day for spell in spells for day in _days_of_use(spell, rng))
        found.append(Subscriber(number, str(rng.choice(["DE", "FR", "US"])), tuple(spells), days))
    return found


def _spell(number: int, start: datetime, rng: np.random.Generator) -> Spell:
    kind, plan = rng.random(), int(rng.integers(0, 3))
    trial = start + timedelta(days=14) if rng.random() < 0.3 else None
    months = 1 + int(rng.geometric(0.06))
    if kind < 0.04:
        return Spell(number, start, end=start + timedelta(hours=23), began=False, plan=plan)
    if kind < 0.09:  # ends with the trial
        trial = start + timedelta(days=14)
        asked = start + timedelta(days=int(rng.integers(1, 13)))
        return Spell(number, start, trial, request=asked, end=trial, cause="chosen", plan=plan, asks=asked)
    end = start + months * MONTH
    if kind < 0.17 and end <= TODAY:
        return Spell(number, start, trial, end=end + timedelta(days=9), cause="failed_payment", plan=plan)
    asked = end - timedelta(days=int(rng.integers(2, 26)), hours=3)
    if kind < 0.75 and asked <= TODAY:
        return Spell(number, start, trial, request=asked, end=end, cause="chosen", plan=plan, asks=asked)
    paused = TODAY - timedelta(days=int(rng.integers(5, 60))) if rng.random() < 0.15 else None
    paused = paused if paused is None or paused > start + MONTH else None
    return Spell(number, start, trial, paused=paused, plan=plan, asks=asked if kind < 0.75 else None)


def _days_of_use(spell: Spell, rng: np.random.Generator) -> list[datetime]:
    """Use is rare in the last six weeks before a customer asks to end."""
    if not spell.began:
        return []
    last = min(TODAY, spell.end or TODAY)
    days = np.arange((last - spell.start).days)
    decline = (spell.asks - spell.start).days - 45 if spell.asks is not None else 10**6
    often = np.where(days < decline, 0.35, 0.08)
    return [spell.start + timedelta(days=int(day), hours=1) for day in days[rng.random(days.size) < often]]


def bare(spell: Spell) -> Spell:
    """A subscription as it was at first: nothing had happened to it yet."""
    return Spell(spell.number, spell.start, spell.trial_end, began=spell.began, plan=spell.plan)


def without_causes(people: list[Subscriber]) -> list[Subscriber]:
    """The subscribers as an export without reasons shows them: every end is one that the customer chose."""
    return [
        replace(
            one, spells=tuple(replace(spell, cause=None if spell.cause is None else "chosen") for spell in one.spells)
        )
        for one in people
    ]


def without_trials(people: list[Subscriber]) -> list[Subscriber]:
    """The subscribers as a system without trials has them: a customer begins on the first day."""
    return [replace(one, spells=tuple(replace(spell, trial_end=None) for spell in one.spells)) for one in people]


def end_of_day(day: date) -> datetime:
    """Midnight after ``day``."""
    return datetime.combine(day + timedelta(days=1), time())


def active(people: list[Subscriber], day: date) -> set[int]:
    """The numbers of the customers of that day: they have paid, and their service has not ended."""
    return {
        one.number
        for one in people
        for spell in one.spells
        if spell.began and spell.paid_from < end_of_day(day) and not (spell.end and spell.end < end_of_day(day))
    }


def labels(people: list[Subscriber], day: date, horizon: int) -> dict[int, str | None]:
    """Of each active customer whether they leave within the horizon; None where they cannot pay any more."""
    until, there, found = end_of_day(day + timedelta(days=horizon)), active(people, day), {}
    for one in people:
        spells = [spell for spell in one.spells if spell.began and spell.start < until]
        if one.number in there:
            open_ = any(spell.end is None or spell.end >= until for spell in spells)
            last = max((spell for spell in spells if spell.end), key=lambda spell: spell.end or TODAY, default=None)
            gone = None if last is not None and last.cause == "failed_payment" else "yes"
            found[one.number] = "no" if open_ else gone
    return found


def write_truth(people: list[Subscriber], file: Path) -> None:
    """The truth of each subscription as a CSV file."""
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["customer", "subscription", "began", "start", "trial_end", "request", "end", "cause", "paused"])
        for one in people:
            for spell in one.spells:
                times = (spell.start, spell.trial_end, spell.request, spell.end)
                rows.writerow([one.number, spell.number, spell.began, *times, spell.cause, spell.paused])
