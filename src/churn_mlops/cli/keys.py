"""``churn keys``: the API keys that let programs in."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say, table

app = typer.Typer(help="Make, list and revoke the API keys of the server.", no_args_is_help=True)


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The use of the key, such as crm; stands in the audit log.")],
    role: Annotated[str, typer.Option(help="Its role: agent, analyst, service or admin.")],
    expires_days: Annotated[int | None, typer.Option(help="Days until it expires; never, if left out.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Make a key and print it, this once; only its hash is kept.

    Example: `churn keys create --name crm --role service --expires-days 365`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.access.api_keys import make_key

    expires_at = None if expires_days is None else datetime.now(UTC) + timedelta(days=expires_days)
    with open_store(settings_of(context).store.url) as store:
        secret, key = make_key(store, name, role, by=who(), expires_at=expires_at)
    if as_json:
        print_json({"key": secret, **asdict(key)})
        return
    say(secret)
    say(f"This is key {key.id} ({key.name}, {key.role}). It is shown this once: keep it where its user finds it.")


@app.command("list")
def list_keys(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """List all keys, the oldest first; none shows the key itself.

    Example: `churn keys list`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.access.api_keys import list_keys

    with open_store(settings_of(context).store.url) as store:
        found = list_keys(store)
    if as_json:
        print_json([asdict(key) for key in found])
        return
    if not found:
        say("There is no key yet: make one with `churn keys create`. Until then the server answers this machine only.")
        return
    now = datetime.now(UTC)
    rows = [
        (
            key.id,
            key.name,
            key.role,
            "valid" if key.is_valid(now) else "revoked" if key.revoked_at else "expired",
            minute(key.created_at),
            minute(key.expires_at) if key.expires_at else "never",
        )
        for key in found
    ]
    table(None, ("id", "name", "role", "state", "made", "expires"), rows, whole=("id", "name"))


@app.command()
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as `churn keys list` shows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Revoke a key: within 5 seconds no server takes it any more.

    Example: `churn keys revoke 1f6a0c3e`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.access.api_keys import revoke_key

    with open_store(settings_of(context).store.url) as store:
        key = revoke_key(store, key_id, by=who())
    if as_json:
        print_json(asdict(key))
    else:
        say(f"Key {key.id} ({key.name}, {key.role}) is revoked.")


def who() -> str:
    """The user who runs the command, as the audit log names them."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user may have no name
        return "cli"


def minute(time: datetime) -> str:
    """Such as ``2026-11-23 12:45 UTC``."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
