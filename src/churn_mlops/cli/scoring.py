"""``churn score`` and ``churn mature``."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, progress_bar, say, table, visible_id
from churn_mlops.config import check_as_of

if TYPE_CHECKING:
    from churn_mlops.config import Settings
    from churn_mlops.pipelines.scoring.score import Scored

TOP = 10
_OLD_DAYS = 365


def score(
    context: typer.Context,
    from_address: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Score all customers of this file, not of the source.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write all scored customers, best first, to this .csv, .parquet or .json.")
    ] = None,
    exact_ids: Annotated[
        bool,
        typer.Option("--exact-ids", help="In a .csv, add no apostrophe to customer IDs such as =7: for other systems."),
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="As-of date, instead of source.as_of; a past one is scored as it was."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Score every date from --as-of to this one, each published by itself."),
    ] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Send the list, of --until the last, to the webhook once it is published.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Score every active customer, publish the scores to the store, and print who is likely to churn, best first.

    Example: `churn score --out list.csv`
    """
    from churn_mlops.pipelines.delivery.send_list import send_list
    from churn_mlops.pipelines.delivery.webhook import RetryClock, checked
    from churn_mlops.pipelines.scoring import publish as daily
    from churn_mlops.pipelines.scoring import score as job
    from churn_mlops.pipelines.scoring.export import WRITERS, export

    _check_dates(as_of, until)
    if from_address is not None and (as_of or send):
        raise typer.BadParameter("a file has no dates, and nothing is published", param_hint="--from")
    if out is not None and out.suffix.lower() not in WRITERS:
        raise typer.BadParameter(f"{out}: the ending says the format, one of {', '.join(WRITERS)}", param_hint="--out")
    settings = settings_of(context)
    if send:
        checked(settings.webhook)
    if as_of is not None and until is not None:
        scored = _each_day(settings, as_of.date(), until.date(), quiet=as_json)
    else:
        with progress_bar("Scoring") as progress:
            if from_address is not None:
                scored = _of_file(settings, job.score(settings, from_address=from_address, progress=progress))
            else:
                scored = daily.run_day(settings, as_of.date() if as_of else None, progress=progress).scored
    if out is not None:
        export(scored.customers, out, exact=scored.customer_column if exact_ids else None)
    delivered = send_list(settings, scored.as_of, RetryClock(Event().wait)) if send else None
    if as_json:
        print_json(_document(scored))
        return
    show(scored, settings, from_address)
    _show_age(scored, latest=(from_address or as_of) is None and settings.source.as_of == "latest")
    if out is not None:
        _show_export(scored, out, exact_ids)
    if delivered is not None:
        say(f"Sent {delivered.customers:,} customers to the webhook.")


def mature(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Record what became of the customers of every published date whose days are over.

    Example: `churn mature`
    """
    from churn_mlops.pipelines.outcomes import record_outcomes as job

    found = job.record_outcomes(settings_of(context))
    if as_json:
        print_json([{"as_of": one.as_of.isoformat(), **asdict(one.recorded)} for one in found])
        return
    if not found:
        say("No published date has new final labels since the last time.")
    for one in found:
        recorded = one.recorded
        say(
            f"{one.as_of}: {recorded.new:,} outcomes are new, {recorded.unchanged:,} as they were, "
            f"{recorded.changed:,} changed since."
        )
        for change in recorded.examples:
            say(f"  {visible_id(change.customer)}: {_outcome(change.was)} before, {_outcome(change.became)} now")


def _of_file(settings: Settings, scored: Scored) -> Scored:
    """The list of a file, with what the store says of its customers, if there is a store."""
    from churn_mlops.pipelines.scoring.contact_list import without_campaigns
    from churn_mlops.store import open_store
    from churn_mlops.store.database.database import is_made

    if not is_made(settings.store.url):
        return scored
    with open_store(settings.store.url) as store:
        return without_campaigns(settings, store, scored, datetime.now(UTC))


def _each_day(settings: Settings, first: date, last: date, *, quiet: bool) -> Scored:
    """Score and publish every date, with a line for each; return what the last run scored."""
    from churn_mlops.pipelines.scoring import publish as daily

    days = []
    for day in daily.backfill(settings, first, last):
        days = [day.scored]  # the lists of the other dates are in the store
        if not quiet:
            say(f"{day.run.as_of}: {_numbers(day.scored)} Published.")
    return days[-1]


def _check_dates(as_of: datetime | None, until: datetime | None) -> None:
    for option, day in (("--as-of", as_of), ("--until", until)):
        if day is not None:
            try:
                check_as_of(day.date())
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint=option) from None
    if until is not None and (as_of is None or until < as_of):
        raise typer.BadParameter("give the first date with --as-of, and a later one here", param_hint="--until")


def _show_age(scored: Scored, *, latest: bool) -> None:
    """Warn if loading of the source seems to have stopped; for another date than the latest, the validation warns.

    A database that ended a year ago or earlier is read as it was: its loading has not just stopped.
    """
    from churn_mlops.pipelines.inputs.as_of import STALE_DAYS

    days = (datetime.now(UTC).date() - scored.as_of).days - 1
    if latest and days > STALE_DAYS:
        what = ": has its loading stopped?" if days <= _OLD_DAYS else f", and the list is as of {scored.as_of}."
        say(f"Warning: the newest row of the source is {days:,} days old{what}")


def _show_export(scored: Scored, out: Path, exact_ids: bool) -> None:
    from churn_mlops.pipelines.scoring.export import with_apostrophe

    say(f"Wrote {len(scored.customers):,} customers to {out}.")
    changed = 0 if exact_ids else with_apostrophe(scored.customers, scored.customer_column, out)
    if changed:
        say(
            f"{changed:,} of their IDs begin with a sign such as = or -, and have an apostrophe in front for "
            "spreadsheets. For another system that joins the IDs, add --exact-ids."
        )
    if scored.total > len(scored.active):
        say("They are the first of the list: the store has all of it, scoring.output the scores of everyone.")


def _outcome(left: bool | None) -> str:
    return "not known" if left is None else "left" if left else "stayed"


def show(scored: Scored, settings: Settings, from_address: str | None = None) -> None:
    """Print the two totals of the list and its top, and the amounts of money behind it that no one set.

    Args:
        scored: the run.
        settings: of the run.
        from_address: the scored file, None for the source.
    """
    from churn_mlops.pipelines.inputs.renewal import UNREAD

    say(f"{_numbers(scored)} (model version {scored.version}, as of {scored.as_of})")
    _show_defaults(settings)
    if scored.left:
        _show_left(scored)
    if scored.out_of_fold:
        say("Every customer has a label, so the scores are out of fold: each by a model fitted without that customer.")
    warnings = len(scored.report.problems)
    if warnings:
        command = "churn validate" + (f" --from {shlex.quote(from_address)}" if from_address is not None else "")
        them = "1 warning: `{}` shows it" if warnings == 1 else f"{warnings} warnings: `{{}}` shows them"
        say(f"The data raised {them.format(command)}. Scores use the contract as it was at training.")
    for problem in scored.report.problems:
        if problem.rule == UNREAD:
            say(f"Renewal: {problem.advice}.")
    name = scored.customer_column
    rows = [
        (
            row["rank"],
            visible_id(str(row[name])),
            f"{row['risk_band'].capitalize()} ({100 * row['score']:.0f} %)",
            "\n".join(reason for reason in (row["reason_1"], row.get("reason_2")) if reason),
            row["action"].replace("_", " "),
        )
        for row in scored.active.slice(0, TOP).to_pylist()
    ]
    table(None, ("", name.replace("_", " "), "risk", "linked with", "action"), rows, right=("",))


def _show_defaults(settings: Settings) -> None:
    decision = settings.decision
    amounts = [f"decision.{name} {getattr(decision, name):g} USD" for name in decision.default_amounts]
    if amounts:
        say(f"The offers follow from defaults, not set by you: {', '.join(amounts)}.")


def _show_left(scored: Scored) -> None:
    """Say how many have left already; the label that says so is named."""
    label = scored.champion.bundle.contract.label
    where = "" if label is None else f" ({label.column} is {label.positive})"
    say(
        f"{scored.left:,} more have left already{where}: they stand last in an exported list, marked in the column "
        "left, and get no offer."
    )


def _numbers(scored: Scored) -> str:
    likely, listed = (("is" if count == 1 else "are") for count in (scored.likely, scored.worth_an_offer))
    return (
        f"{scored.likely:,} of {scored.total:,} customers {likely} likely to churn; "
        f"{scored.worth_an_offer:,} {listed} on the contact list."
    )


def _document(scored: Scored) -> dict[str, Any]:
    return {
        "as_of": scored.as_of.isoformat(),
        "model_version": scored.version,
        "customers": scored.total + scored.left,
        "likely_to_churn": scored.likely,
        "worth_an_offer": scored.worth_an_offer,
        "left": scored.left,
        "out_of_fold": scored.out_of_fold,
        "list": [row for row in scored.customers.to_pylist() if row["will_churn"]],
        "warnings": scored.report.to_dict()["problems"],
    }
