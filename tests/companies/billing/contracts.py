"""Accounts with contracts and a known truth: who signed, renewed in time or late, let it end, stopped, came back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np

from tests.companies.billing.lives import TODAY, Spell, Subscriber

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
_FIRST = datetime(2022, 7, 1)
_MIDNIGHT = TODAY.replace(hour=0)
Status = Literal["Activated", "Expired", "Terminated", "Draft"]


@dataclass(frozen=True)
class Contract:
    """One contract.

    Attributes:
        number: its place among all.
        start: its first day.
        last: its last day; None if it has no term.
        status: its status of today.
        is_deleted: whether it was deleted.
    """

    number: int
    start: datetime
    last: datetime | None
    status: Status = "Activated"
    is_deleted: bool = False

    @property
    def counts(self) -> bool:
        """Whether it was in force at any time."""
        return self.status != "Draft" and not self.is_deleted


@dataclass(frozen=True)
class Account:
    """A company with its contracts; one without any is a prospect."""

    number: int
    made: datetime
    contracts: tuple[Contract, ...]


def accounts(customers: int, seed: int = 5) -> list[Account]:
    """Accounts of four years, some of them prospects."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(customers):
        start = _FIRST + timedelta(days=int(rng.integers(0, 1250)))
        made = start - timedelta(days=int(rng.integers(5, 90)))
        contracts = [] if rng.random() < 0.12 else _contracts(number, start, rng)
        found.append(Account(number, made, tuple(contracts)))
    return found


def _contracts(number: int, start: datetime, rng: np.random.Generator) -> list[Contract]:
    if rng.random() < 0.06:  # no term: it runs until someone ends it
        return [Contract(10 * number, start, None)]
    found: list[Contract] = []
    while start <= _MIDNIGHT:
        last = start + YEAR * (1 if rng.random() < 0.7 else 0.5) - DAY
        last = last.replace(hour=0)
        kind = rng.random()
        if kind < 0.05 and last > start + 120 * DAY:  # stopped early, and its term was made shorter
            found.append(_ended(number, len(found), start, start + 100 * DAY, "Terminated"))
            break
        found.append(_ended(number, len(found), start, last, "Expired"))
        gap = _pause(rng)
        if gap is None:
            found.append(Contract(10 * number + len(found), last + DAY, last + YEAR, "Draft"))
            break
        start = last + gap
    if rng.random() < 0.1:  # one more beside the first
        first = found[0]
        found.append(_ended(number, len(found), first.start + 40 * DAY, first.start + 220 * DAY, "Expired"))
    if rng.random() < 0.08:
        found.append(replace(found[0], number=10 * number + 9, last=None, is_deleted=True))
    return found


def _pause(rng: np.random.Generator) -> timedelta | None:
    """The time from the last day to the first day of the next contract; None for no other contract."""
    kind = rng.random()
    if kind < 0.62:
        return DAY
    if kind < 0.72:
        return int(rng.integers(3, 28)) * DAY
    return int(rng.integers(70, 200)) * DAY if kind < 0.78 else None


def _ended(number: int, place: int, start: datetime, last: datetime | None, status: Status = "Expired") -> Contract:
    is_over = last is not None and last <= _MIDNIGHT
    return Contract(10 * number + place, start, last, status if is_over else "Activated")


def as_subscribers(people: list[Account], late_days: int) -> list[Subscriber]:
    """The accounts as customers: a contract that begins up to ``late_days`` after another one goes on with it."""
    return [
        Subscriber(one.number, "", tuple(_spells(one, late_days * DAY)))
        for one in people
        if any(contract.counts for contract in one.contracts)
    ]


def signed(people: list[Account]) -> dict[int, list[date]]:
    """The days on which each account signed its contracts."""
    found = {
        one.number: [signed_on(contract).date() for contract in one.contracts if contract.counts] for one in people
    }
    return {number: days for number, days in found.items() if days}


def signed_on(contract: Contract) -> datetime:
    """When a contract was signed."""
    return contract.start - 9 * DAY


def extended(people: list[Account], late_days: int) -> list[Account]:
    """The accounts of a company that writes a later end into a contract, in place of a contract for each renewal."""
    found = []
    for one in people:
        spells = _spells(one, late_days * DAY)
        rows = [_ended(one.number, place, spell.start, spell.end) for place, spell in enumerate(spells)]
        others = tuple(contract for contract in one.contracts if not contract.counts)
        found.append(replace(one, contracts=(*rows, *others)))
    return found


def _spells(one: Account, late: timedelta) -> list[Spell]:
    far = datetime(2200, 1, 1)
    runs = sorted((contract.start, contract.last or far) for contract in one.contracts if contract.counts)
    found: list[tuple[datetime, datetime]] = []
    for start, last in runs:
        if found and start <= found[-1][1] + late:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((start, last))
    return [
        Spell(10 * one.number + place, start, end=None if last == far else last, cause="chosen")
        for place, (start, last) in enumerate(found)
    ]
