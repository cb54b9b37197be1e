"""The tables of Recurly as Fivetran writes them: a row for each change, and none is marked as that of today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.companies.billing.lives import MONTH, TODAY, Spell, Subscriber, bare
from tests.companies.billing.payments import attempts, payments
from tests.companies.billing.tables import Rows, at, flag

PRICES = (19.0, 49.0, 99.0)
REASONS = {"chosen": "canceled", "failed_payment": "nonpayment"}


def account_id(number: int) -> str:
    """The ID of an account."""
    return f"{number:08x}ac0de0000000000000000000"


def fivetran(people: list[Subscriber]) -> dict[str, Rows]:
    """Four tables; of accounts, subscriptions and invoices all versions."""
    spells = [(one, spell) for one in people for spell in one.spells]
    return {
        "account_history": [row for one in people for row in _accounts(one)],
        "subscription_history": [row for one, spell in spells for row in _versions(one, spell)],
        "invoice_history": [row for one, spell in spells for row in _invoices(one, spell)],
        "transaction": [row for one, spell in spells for row in _transactions(one, spell)],
    }


def _accounts(one: Subscriber) -> Iterator[dict[str, Any]]:
    made = one.spells[0].start - timedelta(minutes=5)
    row = {
        "_fivetran_synced": at(TODAY), "id": account_id(one.number), "created_at": at(made), "updated_at": at(made),
        "deleted_at": "", "code": f"code{one.number}", "state": "active", "email": f"user{one.number}@example.com",
        "tax_exempt": "false", "account_country": one.country,
    }  # fmt: skip
    yield row
    if one.number % 3 == 0:
        yield row | {"updated_at": at(made + timedelta(days=20)), "email": f"new{one.number}@example.com"}


def _state(spell: Spell) -> str:
    if not spell.began:
        return "failed"
    if spell.is_over:
        return "expired"
    return "canceled" if spell.request is not None else "active"


def _row(one: Subscriber, spell: Spell) -> dict[str, Any]:
    return {
        "_fivetran_synced": at(TODAY), "id": f"{spell.number:032x}", "created_at": at(spell.start),
        "updated_at": at(spell.start), "activated_at": at(spell.start), "canceled_at": at(spell.request),
        "expires_at": at(spell.end), "account_id": account_id(one.number), "plan_id": f"plan{spell.plan:028}",
        "object": "subscription", "uuid": f"{spell.number:032x}"[::-1], "state": _state(spell),
        "current_period_started_at": at(spell.renews() - MONTH), "current_period_ends_at": at(spell.renews()),
        "current_term_ends_at": at(spell.renews()), "trial_started_at": at(spell.start if spell.trial_end else None),
        "trial_ends_at": at(spell.trial_end), "auto_renew": flag(spell.request is None), "paused_at": at(spell.paused),
        "currency": "USD", "unit_amount": PRICES[spell.plan], "quantity": 1 + spell.number % 3,
        "collection_method": "automatic",
        "expiration_reason": REASONS.get(spell.cause or "", "") if spell.is_over else "",
    }  # fmt: skip


def _versions(one: Subscriber, spell: Spell) -> Iterator[dict[str, Any]]:
    """The first version is that of the start; a request, a pause and an end make the next ones."""
    now = _row(one, spell)
    changes = [moment for moment in (spell.request, spell.paused, spell.end) if moment is not None and moment <= TODAY]
    if not changes:
        yield now
        return
    yield _row(one, bare(spell))
    yield now | {"updated_at": at(max(changes))}


def _invoices(one: Subscriber, spell: Spell) -> Iterator[dict[str, Any]]:
    for place, (due, paid) in enumerate(payments(spell)):
        row = {
            "_fivetran_synced": at(TODAY), "id": f"{spell.number:016x}{place:016x}", "created_at": at(due),
            "updated_at": at(due), "due_at": at(due), "closed_at": "", "account_id": account_id(one.number),
            "type": "charge", "origin": "renewal", "state": "pending", "number": spell.number * 100 + place,
            "currency": "USD", "balance": PRICES[spell.plan], "paid": 0.0, "total": PRICES[spell.plan],
        }  # fmt: skip
        yield row
        done = {"state": "paid", "paid": PRICES[spell.plan], "balance": 0.0} if paid else {"state": "failed"}
        yield row | done | {"updated_at": at(due + timedelta(hours=1)), "closed_at": at(due + timedelta(hours=1))}


def _transactions(one: Subscriber, spell: Spell) -> Iterator[dict[str, Any]]:
    for place, (moment, good) in enumerate(attempts(one, spell)):
        yield {
            "_fivetran_synced": at(TODAY), "id": f"{spell.number:016x}{place:016x}", "created_at": at(moment),
            "account_id": account_id(one.number), "type": "purchase" if place else "verify", "origin": "recurring",
            "currency": "USD", "amount": PRICES[spell.plan] if place else 0.0, "success": flag(good),
            "status": "success" if good else "declined", "refunded": "false", "collection_method": "automatic",
        }  # fmt: skip
