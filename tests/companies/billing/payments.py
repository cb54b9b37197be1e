"""What a subscriber was to pay, and whether it was paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.companies.billing.lives import MONTH, TODAY, Spell, Subscriber

_RETRIES = (0, 1, 3, 5)  # days after a payment that failed


def payments(spell: Spell) -> Iterator[tuple[datetime, bool]]:
    """When each month was to be paid, and whether it was; the last one of a failed payment was not."""
    last = min(TODAY, spell.end or TODAY)
    due = spell.paid_from
    while spell.began and due < last:
        failed = spell.cause == "failed_payment" and spell.end is not None and due + MONTH > spell.end
        yield due, not failed
        due += MONTH


def attempts(one: Subscriber, spell: Spell) -> Iterator[tuple[datetime, bool]]:
    """Each try to take a payment before the export; some that succeed fail at first."""
    return ((at, paid) for at, paid in _attempts(one, spell) if at < TODAY)


def _attempts(one: Subscriber, spell: Spell) -> Iterator[tuple[datetime, bool]]:
    for place, (due, paid) in enumerate(payments(spell)):
        if not paid:
            yield from ((due + timedelta(days=days), False) for days in _RETRIES)
        elif (one.number + place) % 23 == 0:
            yield from ((due, False), (due + timedelta(days=1), True))
        else:
            yield due, True
