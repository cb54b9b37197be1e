"""The tables of Chargebee as Airbyte writes them, for made-up subscribers: times in seconds since 1970."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.companies.billing.lives import MONTH, TODAY, Spell, Subscriber, bare
from tests.companies.billing.payments import attempts, payments
from tests.companies.billing.tables import Rows, unix

PRICES = (1900, 4900, 9900)


def customer_id(number: int) -> str:
    """The ID of a customer."""
    return f"AzqK{number:08}Xy"


def airbyte(people: list[Subscriber], *, appended: bool = False) -> dict[str, Rows]:
    """Four tables; if ``appended``, a change writes its row again, as in Airbyte's append mode."""
    spells = [(one, spell) for one in people for spell in one.spells]
    rows = [_row(one, spell) for one, spell in spells]
    before = [_row(one, bare(spell)) | {"resource_version": 1} for one, spell in spells if spell.request or spell.end]
    return {
        "customer": [
            {
                "id": customer_id(one.number), "email": f"user{one.number}@example.com", "object": "customer",
                "auto_collection": "on", "created_at": unix(one.spells[0].start - timedelta(minutes=4)),
                "net_term_days": 0, "taxability": "taxable", "preferred_currency_code": "USD", "deleted": False,
            }
            for one in people
        ],
        "subscription": [*before, *rows, *_deleted(people)] if appended else [*rows, *_deleted(people)],
        "invoice": [
            {
                "id": str(spell.number * 100 + place), "customer_id": customer_id(one.number),
                "subscription_id": f"sub{spell.number:012}", "status": "paid" if paid else "not_paid",
                "date": unix(due), "total": PRICES[spell.plan], "amount_paid": PRICES[spell.plan] if paid else 0,
                "currency_code": "USD", "recurring": True, "deleted": False,
            }
            for one, spell in spells for place, (due, paid) in enumerate(payments(spell))
        ],
        "transaction": [
            {
                "id": f"txn{spell.number:08}{place:04}", "customer_id": customer_id(one.number), "type": "payment",
                "subscription_id": f"sub{spell.number:012}", "date": unix(moment), "amount": PRICES[spell.plan],
                "status": "success" if good else "failure", "currency_code": "USD", "deleted": False,
            }
            for one, spell in spells for place, (moment, good) in enumerate(attempts(one, spell))
        ],
    }  # fmt: skip


def _status(spell: Spell) -> str:
    if not spell.began:
        return "future"
    if spell.is_over:
        return "cancelled"
    if spell.request is not None:
        return "non_renewing"
    return "paused" if spell.paused is not None else "in_trial" if spell.paid_from > TODAY else "active"


def _row(one: Subscriber, spell: Spell) -> dict[str, Any]:
    runs = spell.began and not spell.is_over and spell.request is None
    return {
        "id": f"sub{spell.number:012}", "customer_id": customer_id(one.number), "status": _status(spell),
        "currency_code": "USD", "plan_id": f"plan-{spell.plan}", "plan_quantity": 1, "object": "subscription",
        "created_at": unix(spell.start), "started_at": unix(spell.start) if spell.began else None,
        "activated_at": unix(spell.paid_from) if spell.began and spell.paid_from <= TODAY else None,
        "trial_start": unix(spell.start) if spell.trial_end else None, "trial_end": unix(spell.trial_end),
        "current_term_start": unix(spell.renews() - MONTH), "current_term_end": unix(spell.renews()),
        "next_billing_at": unix(spell.renews()) if runs else None, "cancelled_at": unix(spell.end),
        "cancel_schedule_created_at": unix(spell.request), "pause_date": unix(spell.paused),
        "cancel_reason": "not_paid" if spell.cause == "failed_payment" else None,
        "resource_version": 2, "updated_at": unix(min(spell.end or TODAY, TODAY)), "deleted": False,
    }  # fmt: skip


def _deleted(people: list[Subscriber]) -> Rows:
    """Subscriptions that were made by mistake, and deleted."""
    return [_row(one, Spell(800_000 + one.number, one.spells[0].start)) | {"deleted": True} for one in people[:15]]
