"""``churn backup`` and ``churn restore``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from churn_mlops.cli.keys import minute
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import complain, print_json, remark, say


def backup(
    context: typer.Context,
    new_key: Annotated[
        Path | None, typer.Option("--new-key", help="Make a pair of keys instead: the private one goes into this file.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--not-encrypted", help="Write a file that everyone can read who gets hold of it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Write the store, its tombstones and the settings into one encrypted file of `backup.folder`.

    Servers and jobs go on meanwhile: the file holds the store as it was at one instant. The newest `backup.keep` files
    stay. Secrets that are not in the settings file, and MLflow's runs, are not in it.

    Example: `churn backup`
    """
    if new_key is not None:
        _make_key(new_key, as_json=as_json)
        return
    from churn_mlops.pipelines.backup.make_backup import make_backup

    made = make_backup(settings_of(context), context.obj, plain=plain)
    if as_json:
        print_json(asdict(made))
        return
    rows = sum(made.rows.values())
    say(f"{made.path}: {made.bytes / 1e6:,.1f} MB, {rows:,} rows, as of {minute(made.made_at)}.")
    if not made.is_encrypted:
        remark("warning", "it is not encrypted: anyone who can read the file reads every customer in it")
    if made.deleted:
        say(f"{len(made.deleted)} older made way: backup.keep is {settings_of(context).backup.keep}.")


def restore(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The backup; the newest of `backup.folder`, if left out.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="File of the private key that opens it.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in place of all that the store holds; newer rows are lost.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Bring the store back to what it was when a backup was made, on this machine or another, SQLite or PostgreSQL.

    All of it is restored or nothing. Settings and contract are written where there are none. Customers who were erased
    since stay erased, and revoked keys stay revoked, as far as the present store and the file of tombstones know it.

    Example: `churn restore backups/churn-20261129T060000.000000Z.churn.age --key backup.key`
    """
    from churn_mlops.pipelines.backup.make_backup import newest_backup
    from churn_mlops.pipelines.backup.restore_backup import restore_backup

    backup = file or newest_backup(settings_of(context).backup.folder)
    done = restore_backup(backup, context.obj, key_file=key, replace=replace)
    if as_json:
        print_json(asdict(done))
        return
    say(f"Restored {sum(done.rows.values()):,} rows of {backup}, as of {minute(done.made_at)}. Users sign in again.")
    if done.erased_again:
        say(f"{done.erased_again} customers of the backup were erased since, and are not in the store.")
    if done.revoked_again:
        say(f"{done.revoked_again} keys and users of the backup were revoked or disabled since, and stay so.")
    if done.wishes_again:
        say(f"{done.wishes_again} customers of the backup said since whether they may be contacted, and that holds.")
    for path in done.written:
        say(f"{path} is written.")
    for path in done.kept:
        say(f"{path} was there, and stays as it is.")
    remark(
        "warning",
        f"if the present store was lost, keys that were revoked after {minute(done.made_at)} are valid again: look "
        "through `churn keys list` and `churn people list`",
    )


def _make_key(file: Path, *, as_json: bool) -> None:
    from churn_mlops.pipelines.backup.encryption import new_key

    private, public = new_key()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        complain(f"the private key cannot be written to {file} ({error.strerror}): name a new file")
        raise typer.Exit(1) from None
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(f"# public key: {public}\n{private}\n")
    if as_json:
        print_json({"public_key": public, "private_key_file": str(file)})
        return
    say(public)
    say(
        f"This is the public key: put it into backup.recipients. {file} holds the private key, without which no backup "
        "can be opened: keep it elsewhere, not beside the backups."
    )
