"""``churn contacts``: contacts that were made elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from churn_mlops.cli.keys import who
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say
from churn_mlops.errors import SourceError

app = typer.Typer(help="Record contacts that were made elsewhere.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `import` a command of its own, though it is the only one."""


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: customer_id, offer, result, at, and more.")],
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Record contacts with customers who are in no published run too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Record the contacts of a CSV file; all are checked first, and a file that is imported again changes nothing.

    Example: `churn contacts import contacts.csv`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.audit_log import record_event
    from churn_mlops.store.contact_import import import_contacts, read_contacts
    from churn_mlops.store.contacts import ContactRules

    settings, now = settings_of(context), datetime.now(UTC)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise SourceError(f"cannot read {file}: {why}") from None
    new = read_contacts(text, caller=who(), now=now)
    follow_since = now.date() - timedelta(days=settings.decision.follow_days)
    rules = ContactRules(now.date(), follow_since, settings.store.customer_hash_key)
    with open_store(settings.store.url) as store:
        done = import_contacts(store, new, rules, allow_unknown=allow_unknown)
        record_event(store, who(), "contacts.imported", details=asdict(done))
    if as_json:
        print_json(asdict(done))
        return
    say(f"Contacts recorded: {done.recorded:,}; recorded before: {done.repeated:,}.")
    if done.erased:
        say(f"Rows of erased customers, left out: {done.erased:,}.")
    if done.unknown:
        say(f"Recorded with customers who are in no published run: {done.unknown:,}.")
