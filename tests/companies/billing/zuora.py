"""The tables of Zuora as Fivetran writes them, for made-up subscribers: each amendment is a subscription of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.companies.billing.lives import MONTH, TODAY, Spell, Subscriber
from tests.companies.billing.payments import attempts, payments
from tests.companies.billing.tables import Rows

PRICES = (19.0, 49.0, 99.0)
REASONS = {"chosen": "too expensive", "failed_payment": "Card declined"}


def account_id(number: int) -> str:
    """The ID of an account."""
    return f"2c92c0f9{number:024x}"


def at(moment: datetime | None) -> str:
    """A time as BigQuery writes it."""
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S.000000 UTC")


def upper(value: bool) -> str:
    """A boolean in capital letters."""
    return "TRUE" if value else "FALSE"


def fivetran(people: list[Subscriber], *, marked: bool = True) -> dict[str, Rows]:
    """Four tables; ``marked`` says whether a column marks the latest version of a subscription."""
    spells = [(one, spell) for one in people for spell in one.spells]
    subscriptions = [row for one, spell in spells for row in _amended(one, spell)]
    if not marked:
        subscriptions = [
            {name: text for name, text in row.items() if name != "is_latest_version"} for row in subscriptions
        ]
    return {
        "account": [
            {
                "id": account_id(one.number), "_fivetran_deleted": "FALSE", "_fivetran_synced": at(TODAY),
                "account_number": f"A{one.number:08}", "bill_cycle_day": 1 + one.number % 28, "currency": "USD",
                "created_date": at(one.spells[0].start - timedelta(days=2)), "name": f"Company {one.number}",
                "payment_term": "Due Upon Receipt", "status": "Active", "batch": "Batch1",
            }
            for one in people
        ],
        "subscription": subscriptions,
        "invoice": [
            {
                "id": f"in{spell.number:014x}{place:04}", "_fivetran_deleted": "FALSE", "_fivetran_synced": at(TODAY),
                "account_id": account_id(one.number), "amount": PRICES[spell.plan], "balance": 0,
                "created_date": at(due), "invoice_date": at(due), "invoice_number": f"INV{spell.number:06}{place:02}",
                "status": "Posted", "transaction_currency": "USD",
            }
            for one, spell in spells for place, (due, _) in enumerate(payments(spell))
        ],
        "payment": [
            {
                "id": f"pa{spell.number:014x}{place:04}", "_fivetran_deleted": "FALSE", "_fivetran_synced": at(TODAY),
                "account_id": account_id(one.number), "amount": PRICES[spell.plan], "created_date": at(moment),
                "currency": "USD", "effective_date": moment.strftime("%Y-%m-%d"),
                "payment_number": f"P-{spell.number}{place}", "status": "Processed" if good else "Error",
            }
            for one, spell in spells for place, (moment, good) in enumerate(attempts(one, spell))
        ],
    }  # fmt: skip


def _row(one: Subscriber, spell: Spell, version: int, made: datetime, latest: bool) -> dict[str, Any]:
    evergreen = spell.number % 3 == 0
    term = None if evergreen and spell.end is None else spell.end or spell.renews()
    return {
        "id": f"{spell.number:016x}{version:016x}", "_fivetran_deleted": "FALSE", "_fivetran_synced": at(TODAY),
        "account_id": account_id(one.number), "auto_renew": upper(spell.end is None), "cancelled_date": at(spell.end),
        "contract_effective_date": at(spell.start), "created_date": at(made), "name": f"A-S{spell.number:08}",
        "original_created_date": at(spell.start), "original_id": f"{spell.number:016x}{1:016x}",
        "previous_subscription_id": f"{spell.number:016x}{version - 1:016x}" if version > 1 else "",
        "status": _status(spell, latest), "subscription_end_date": at(term), "subscription_start_date": at(spell.start),
        "term_start_date": at(spell.renews() - MONTH), "term_end_date": at(None if evergreen else spell.renews()),
        "term_type": "EVERGREEN" if evergreen else "TERMED", "initial_term": 12, "version": version,
        "is_latest_version": upper(latest), "cancel_reason": REASONS.get(spell.cause or "", ""),
    }  # fmt: skip


def _status(spell: Spell, latest: bool) -> str:
    if not spell.began:
        return "Draft"
    if not latest:
        return "Expired"
    return "Cancelled" if spell.end is not None else "Suspended" if spell.paused is not None else "Active"


def _amended(one: Subscriber, spell: Spell) -> Iterator[dict[str, Any]]:
    """The versions of a subscription: a change of its terms after two months, a cancellation, and the deleted ones."""
    changes = [spell.start + 2 * MONTH] if spell.start + 2 * MONTH < (spell.end or TODAY) else []
    asked = spell.request or (spell.end if spell.cause else None)
    changes += [asked] if asked is not None else []
    for place, made in enumerate([spell.start, *changes]):
        latest = place == len(changes)
        yield _row(
            one, spell if latest else Spell(spell.number, spell.start, began=spell.began), place + 1, made, latest
        )
    if spell.number % 40 == 0:
        gone = _row(one, Spell(700_000 + spell.number, spell.start), 1, spell.start, latest=True)
        yield gone | {"_fivetran_deleted": "TRUE", "is_latest_version": ""}
