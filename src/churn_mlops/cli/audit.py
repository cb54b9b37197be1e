"""``churn audit``: who read what of a customer, and who changed what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from churn_mlops.cli.keys import minute, who
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say, table

if TYPE_CHECKING:
    from churn_mlops.store.audit_log import AuditEvent

_SHOWN_OF_A_HASH = 12


def audit(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option(help="Only what is about this customer.")] = None,
    caller: Annotated[str | None, typer.Option(help="Only what this caller did, such as key:crm.")] = None,
    event: Annotated[str | None, typer.Option(help="Only events of this name, such as customer.read.")] = None,
    before: Annotated[
        int | None, typer.Option(help="Only events of a smaller id: the next page.", min=1, max=2**63 - 1)
    ] = None,
    limit: Annotated[int, typer.Option(help="Most events that are shown.", min=1, max=100_000)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Show who read what of a customer and who changed what, the newest first. This reading is noted too.

    Example: `churn audit --customer C0000017`
    """
    from churn_mlops.keyed_hash import customer_hash
    from churn_mlops.store import open_store
    from churn_mlops.store.audit_log import audit_events, record_event

    settings = settings_of(context)
    about = None if customer is None else customer_hash(settings.store.customer_hash_key, customer)
    with open_store(settings.store.url) as store:
        found = audit_events(store, before=before, limit=limit, about=about, caller=caller, event=event)
        record_event(store, who(), "audit.read", customer_hash=about, details={"command": "churn audit"})
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        say("Nothing of this kind is noted." if customer or caller or event or before else "Nothing is noted yet.")
        return
    rows = [(one.id, f"{minute(one.at)}\n{one.caller}", "\n".join(_lines(one))) for one in found]
    table(None, ("id", "at, caller", "event"), rows, right=("id",), whole=("id",))
    if len(found) == limit:
        say(f"Older ones: add --before {found[-1].id}.")


def _lines(one: AuditEvent) -> Iterator[str]:
    """The event, the customer that it is about, and its details: below each other, so that 80 columns hold them."""
    yield one.event
    if one.customer_hash:
        yield f"customer {one.customer_hash[:_SHOWN_OF_A_HASH]}"
    if details := _details(one):
        yield details


def _details(one: AuditEvent) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in one.details.items() if value not in (None, False))


def _shown(value: object) -> str:
    """Counts by name, without those that are zero."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items() if count) or "nothing"
    return str(value)
