"""``churn people``: who may sign in with a password."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from churn_mlops.cli.keys import minute, who
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say, table

app = typer.Typer(help="Add, list and disable the people who sign in.", no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name to sign in with, such as anna.")],
    role: Annotated[str, typer.Option(help="The role: agent, analyst or admin.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Give a known user this password and role; their sessions end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Add a user, who may then sign in; the password is asked for, or read from standard input.

    Example: `churn people add anna --role agent < password.txt`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.access.users import add_user

    settings = settings_of(context)
    password = _password()
    with open_store(settings.store.url) as store:
        person = add_user(store, name, password, role, by=who(), replace=replace)
    if as_json:
        print_json(asdict(person))
    else:
        say(f"{person.name} may sign in as {person.role}.")


@app.command()
def disable(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As `churn people list` shows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Disable a user, who may then no longer sign in; their sessions end within 5 seconds.

    Example: `churn people disable anna`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.access.users import disable_user

    with open_store(settings_of(context).store.url) as store:
        person = disable_user(store, name, by=who())
    if as_json:
        print_json(asdict(person))
    else:
        say(f"{person.name} may not sign in any more.")


@app.command("list")
def list_people(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """List all users, with those that are disabled.

    Example: `churn people list`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.access.users import list_users

    with open_store(settings_of(context).store.url) as store:
        found = list_users(store)
    if as_json:
        print_json([asdict(person) for person in found])
        return
    if not found:
        say("No user signs in with a password yet: add one with `churn people add`.")
        return
    rows = [
        (one.name, one.role, "disabled" if one.disabled_at else "may sign in", minute(one.created_at)) for one in found
    ]
    table(None, ("name", "role", "state", "added"), rows, whole=("name",))


def _password() -> str:
    """Never an argument: the list of processes shows those to all users of the machine."""
    if sys.stdin.isatty():
        given: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return given
    return sys.stdin.readline().rstrip("\r\n")
