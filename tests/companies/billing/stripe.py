"""The tables of Stripe for made-up subscribers: of Fivetran, of Airbyte, and the file of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.companies.billing.lives import MONTH, TODAY, Spell, Subscriber, bare
from tests.companies.billing.payments import attempts, payments
from tests.companies.billing.tables import Rows, at, flag, unix

PRICES = (1900, 4900, 9900)


def customer_id(number: int) -> str:
    """The ID of a customer."""
    return f"cus_{number:09}K"


def subscription_id(spell: Spell) -> str:
    """The ID of a subscription."""
    return f"sub_1{spell.number:012}"


def status(spell: Spell) -> str:
    """The status of a subscription at the time of the export."""
    if not spell.began:
        return "incomplete_expired"
    if spell.is_over:
        return "canceled"
    return "trialing" if spell.paid_from > TODAY else "active"


def canceled_at(spell: Spell) -> datetime | None:
    """When the customer asked to end, or the last payment failed."""
    return spell.end if spell.cause == "failed_payment" or not spell.began else spell.request


def fivetran(people: list[Subscriber], *, causes: bool = True) -> dict[str, Rows]:
    """Six tables: of subscriptions all versions, with test data and rows that were deleted since."""
    return {
        "customer": [_customer(one) for one in people] + [_customer(one, live=False) for one in people[:5]],
        "subscription_history": [row for one in people for row in _versions(one, causes)] + _test_rows(people, causes),
        "invoice": [row for one in people for spell in one.spells for row in _invoices(one, spell)],
        "charge": [row for one in people for spell in one.spells for row in _charges(one, spell)],
        "plan": [
            {"id": f"plan_{place}", "amount": price, "currency": "usd", "interval": "month", "product_id": "prod_1",
             "nickname": f"Plan {place}", "created": at(datetime(2023, 1, 1)), "livemode": "true"}
            for place, price in enumerate(PRICES)
        ],
        "app_login": [
            {"id": f"{one.number}-{place}", "customer_id": customer_id(one.number), "logged_in_at": at(day)}
            for one in people for place, day in enumerate(one.active_days)
        ],
    }  # fmt: skip


def _customer(one: Subscriber, *, live: bool = True) -> dict[str, Any]:
    late = any(spell.cause == "failed_payment" for spell in one.spells)
    return {
        "id": customer_id(one.number) if live else f"cus_test{one.number:06}",
        "_fivetran_synced": at(TODAY), "address_country": one.country, "balance": 0,
        "created": at(one.spells[0].start - timedelta(minutes=3)), "currency": "usd", "delinquent": flag(late),
        "email": f"user{one.number}@example.com", "is_deleted": "false", "livemode": flag(live),
    }  # fmt: skip


def _row(one: Subscriber, spell: Spell, causes: bool) -> dict[str, Any]:
    asked, ends = spell.request is not None, spell.end if spell.cause == "chosen" else None
    reason = {"chosen": "cancellation_requested", "failed_payment": "payment_failed"}.get(spell.cause or "", "")
    made = {
        "id": subscription_id(spell), "_fivetran_synced": at(TODAY), "_fivetran_active": "true",
        "_fivetran_start": at(spell.start), "_fivetran_end": "9999-12-31T23:59:59Z",
        "billing": "charge_automatically", "billing_cycle_anchor": at(spell.paid_from),
        "cancel_at": at(ends), "cancel_at_period_end": flag(asked and not spell.is_over),
        "canceled_at": at(canceled_at(spell)), "created": at(spell.start),
        "current_period_start": at(spell.renews() - MONTH), "current_period_end": at(spell.renews()),
        "customer_id": customer_id(one.number), "ended_at": at(spell.end if spell.is_over else None),
        "livemode": "true", "quantity": 1 + spell.number % 4, "start_date": at(spell.start), "status": status(spell),
        "trial_start": at(spell.start if spell.trial_end else None), "trial_end": at(spell.trial_end),
        "pause_collection_behavior": "void" if spell.paused else "",
    }  # fmt: skip
    return made | ({"cancellation_details_reason": reason} if causes else {})


def _versions(one: Subscriber, causes: bool) -> Iterator[dict[str, Any]]:
    """The first version is that of the start; a request and an end make the next ones."""
    for spell in one.spells:
        now = _row(one, spell, causes)
        change = (spell.end if spell.is_over else None) or spell.request or spell.paused
        if change is None:
            yield now
            continue
        before = _row(one, bare(spell), causes)
        yield before | {"_fivetran_active": "false", "_fivetran_end": at(change)}
        yield now | {"_fivetran_start": at(change)}


def _test_rows(people: list[Subscriber], causes: bool) -> Rows:
    """Subscriptions that developers made, which customers seem to have."""
    found = []
    for one in people[:20]:
        spell = Spell(900_000 + one.number, one.spells[0].start)
        found.append(_row(one, spell, causes) | {"livemode": "false", "id": f"sub_test{one.number:08}"})
    return found


def _invoices(one: Subscriber, spell: Spell) -> Iterator[dict[str, Any]]:
    for place, (due, paid) in enumerate(payments(spell)):
        price = PRICES[spell.plan]
        yield {
            "id": f"in_{spell.number:08}{place:04}", "_fivetran_synced": at(TODAY), "amount_due": price,
            "amount_paid": price if paid else 0, "attempt_count": 1 if paid else 4, "created": at(due),
            "currency": "usd", "customer_id": customer_id(one.number), "is_deleted": "false", "livemode": "true",
            "paid": flag(paid), "period_start": at(due - MONTH), "period_end": at(due),
            "status": "paid" if paid else "uncollectible", "subscription_id": subscription_id(spell), "total": price,
        }  # fmt: skip


def _charges(one: Subscriber, spell: Spell) -> Iterator[dict[str, Any]]:
    for place, (moment, good) in enumerate(attempts(one, spell)):
        yield {
            "id": f"ch_{spell.number:08}{place:05}", "_fivetran_synced": at(TODAY), "amount": PRICES[spell.plan],
            "amount_refunded": 0, "captured": flag(good), "created": at(moment), "currency": "usd",
            "customer_id": customer_id(one.number), "failure_code": "" if good else "card_declined",
            "livemode": "true", "paid": flag(good), "refunded": "false", "status": "succeeded" if good else "failed",
        }  # fmt: skip


def airbyte(people: list[Subscriber]) -> dict[str, Rows]:
    """The tables of Airbyte: times in seconds since 1970, objects as they are, one row a subscription."""
    rows = []
    for one in people:
        for spell in one.spells:
            reason = {"chosen": "cancellation_requested", "failed_payment": "payment_failed"}.get(spell.cause or "")
            rows.append(
                {
                    "id": subscription_id(spell),
                    "object": "subscription",
                    "customer": customer_id(one.number),
                    "status": status(spell),
                    "livemode": True,
                    "created": unix(spell.start),
                    "updated": unix(spell.end if spell.is_over else spell.start),
                    "start_date": unix(spell.start),
                    "canceled_at": unix(canceled_at(spell)),
                    "cancel_at_period_end": spell.request is not None,
                    "current_period_start": unix(spell.renews() - MONTH),
                    "current_period_end": unix(spell.renews()),
                    "ended_at": unix(spell.end if spell.is_over else None),
                    "trial_end": unix(spell.trial_end),
                    "cancellation_details": {"reason": reason, "comment": None, "feedback": None},
                    "quantity": 1,
                }
            )
    invoices = [
        {
            "id": row["id"], "customer": row["customer_id"], "amount_due": row["amount_due"], "attempted": True,
            "created": unix(datetime.strptime(row["created"], "%Y-%m-%dT%H:%M:%SZ")), "currency": "usd",
            "livemode": True, "status": row["status"], "subscription": row["subscription_id"], "total": row["total"],
        }
        for one in people for spell in one.spells for row in _invoices(one, spell)
    ]  # fmt: skip
    return {"subscriptions": rows, "invoices": invoices}


def dashboard(people: list[Subscriber]) -> dict[str, Rows]:
    """The file of subscriptions of the dashboard, with the names of its columns."""

    def day(moment: datetime | None) -> str:
        return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M")

    return {
        "subscriptions": [
            {
                "id": subscription_id(spell), "Customer ID": customer_id(one.number),
                "Customer Email": f"user{one.number}@example.com", "Plan": f"plan_{spell.plan}", "Quantity": 1,
                "Currency": "usd", "Interval": "month", "Amount": f"{PRICES[spell.plan] / 100:.2f}",
                "Status": status(spell), "Created (UTC)": day(spell.start), "Start (UTC)": day(spell.start),
                "Current Period Start (UTC)": day(spell.renews() - MONTH),
                "Current Period End (UTC)": day(spell.renews()),
                "Trial Start (UTC)": day(spell.start if spell.trial_end else None),
                "Trial End (UTC)": day(spell.trial_end), "Canceled At (UTC)": day(canceled_at(spell)),
                "Cancel At Period End": flag(spell.request is not None and not spell.is_over),
                "Ended At (UTC)": day(spell.end if spell.is_over else None),
            }
            for one in people for spell in one.spells
        ]
    }  # fmt: skip
