"""``churn forget``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from churn_mlops.cli.keys import minute, who
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say

if TYPE_CHECKING:
    from churn_mlops.config import Settings
    from churn_mlops.pipelines.erasure.erase import ErasureReport

FROM_INPUT = "-"
PLACES = {
    "predictions": "predictions deleted",
    "outcomes": "outcomes deleted",
    "outcome_changes": "changes of outcomes deleted",
    "answers": "answers of the server deleted",
    "contacts": "contacts emptied (when, which offer, what came of it and who recorded it stay)",
    "warnings": "remarks on the data that quoted the customer cut",
    "frozen_snapshots": "frozen snapshots (models folder) rewritten without the customer",
    "score_files": "files of scores (scoring.output) rewritten without the customer",
}


def forget(
    context: typer.Context,
    customer: Annotated[
        str | None,
        typer.Argument(
            metavar="CUSTOMER", help="The customer ID, as the source has it; - reads it from standard input."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Remove all erased customers again, as after a restored backup.")
    ] = False,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Rewrite the tables of PostgreSQL too; no one can read them meanwhile.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Erase a customer for good: remove them everywhere, suppress them, and print an erasure report.

    Exit code 1 if something of the customer could not be removed; the report states what, and the remedy.

    Example: `churn forget C000017 --yes`
    """
    from churn_mlops.pipelines.erasure import erase as job

    if (customer is None) == (not again):
        raise typer.BadParameter("give one customer, or --again for all erased customers", param_hint="CUSTOMER")
    settings = settings_of(context)
    if customer is None:
        report = job.forget_all_again(settings, by=who(), rewrite=rewrite)
    else:
        name = _name(customer)
        if not yes:
            _ask(settings, name, from_input=customer == FROM_INPUT)
        report = job.forget_customer(settings, name, by=who(), rewrite=rewrite)
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report, again=again)
    if not report.whole:
        raise typer.Exit(1)


def _name(customer: str) -> str:
    """The list of processes and the shell's history keep an argument; of standard input they know nothing."""
    name = (sys.stdin.readline() if customer == FROM_INPUT else customer).strip()
    if not name:
        raise typer.BadParameter("the name is empty", param_hint="CUSTOMER")
    return name


def _ask(settings: Settings, customer: str, *, from_input: bool) -> None:
    from churn_mlops.pipelines.erasure.erase import held, remarks

    if from_input or not sys.stdin.isatty():
        raise typer.BadParameter(
            "this input cannot be asked whether it is meant: confirm with --yes", param_hint="--yes"
        )
    found = {place: count for place, count in held(settings, customer).items() if count}
    if found:
        rows = ", ".join(f"{count:,} {place.replace('_', ' ')}" for place, count in found.items())
        say(f"The store holds of this customer: {rows}.")
    else:
        say("The store holds nothing under this name: is it spelt as the source has it?")
    for remark in remarks(settings):
        say(f"Before you do: {remark}.")
    if not typer.confirm("Erase this customer for good? It cannot be undone.", err=True):
        say("No customer was erased.")
        raise typer.Exit(1)


def _show(report: ErasureReport, *, again: bool) -> None:
    say(f"Erasure report, {minute(report.at)}")
    _show_who(report, again=again)
    if report.found:
        say("Removed:")
    elif not again:
        say("Nothing of the customer was found; the tombstone suppresses them anyway. Is the ID as the source has it?")
    for place, count in report.removed.items():
        if count:
            say(f"  {PLACES[place]}: {count:,}")
    if report.found:
        say("Kept: the totals of every run, as they were published.")
    say(f"On disk: {report.disk}.")
    say(f"The tombstone, a keyed hash, is in {' and in '.join(report.tombstones)}.")
    for failure in report.failed:
        say(f"Not done: {failure}.")
    for remark in report.remarks:
        say(f"Know that {remark}.")
    say("Not reached from here:")
    for one in report.residual_copies:
        say(f"  - {one.where}: until {one.until}")


def _show_who(report: ErasureReport, *, again: bool) -> None:
    if again:
        count = len(report.hashes)
        came = "No erased customer had come back." if not count else f"{count:,} had come back, by keyed hash:"
        say(came)
    for hash in report.hashes:
        before = f", first erased on {minute(report.before)}" if report.before is not None else ""
        say(f"{'  ' if again else 'Customer, by keyed hash: '}{hash}{before}")
