"""``churn campaign``: make, list, watch and end campaigns."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_mlops.cli.keys import who
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say, table, visible_id

if TYPE_CHECKING:
    from churn_mlops.store.campaigns.campaigns import Campaign

app = typer.Typer(help="Make, list, watch and end campaigns.", no_args_is_help=True)
_Number = Annotated[int, typer.Argument(metavar="ID", help="Number of the campaign, as `churn campaign list` shows.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name; arms are drawn by it, so each campaign has another one.")],
    offer: Annotated[str, typer.Option(help="The offer, such as '20 % off for a year'.")],
    cost: Annotated[float, typer.Option(help="USD for an offer that is taken.", min=0)],
    script: Annotated[str, typer.Option(help="The sentence to say.")],
    starts_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First date of its lists; today, if left out.")
    ] = None,
    ends_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last date of its lists; none, if left out.")
    ] = None,
    min_score: Annotated[
        float, typer.Option(help="Only customers from this churn probability on.", min=0, max=1)
    ] = 0.0,
    risk_band: Annotated[
        str | None, typer.Option(help="Only customers of this risk band and above: medium, high.")
    ] = None,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="Also customers whose expected gain is not above 0.")
    ] = False,
    capacity: Annotated[int | None, typer.Option(help="Most offers on one list; no limit, if left out.", min=0)] = None,
    control_share: Annotated[float, typer.Option(help="Share of the control group.", min=0, max=0.99)] = 0.1,
    explore_share: Annotated[
        float, typer.Option(help="Share of all customers drawn at random, half of them treated.", min=0, max=0.99)
    ] = 0.01,
    as_json: _Json = False,
) -> None:
    """Make a campaign. Its customers get their arms when the next list is made.

    Example: `churn campaign create --name Spring --offer "20 % off" --cost 50 --script "Thank you for two years."`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign

    if risk_band not in (None, "medium", "high"):
        raise typer.BadParameter("give medium or high", param_hint="--risk-band")
    start = starts_on.date() if starts_on else datetime.now(UTC).date()
    if ends_on is not None and ends_on.date() < start:
        raise typer.BadParameter(f"give {start} or a later date", param_hint="--ends-on")
    new = NewCampaign(
        name=name,
        offer=offer,
        offer_cost=cost,
        script=script,
        starts_on=start,
        created_by=who(),
        ends_on=None if ends_on is None else ends_on.date(),
        min_score=min_score,
        risk_band=risk_band,
        only_worth=not everyone,
        capacity=capacity,
        control_share=control_share,
        explore_share=explore_share,
    )
    with open_store(settings_of(context).store.url) as store:
        made = create_campaign(store, new)
    if as_json:
        print_json(_document(made))
        return
    say(f"Campaign {made.id} ({made.name}) is {made.state(datetime.now(UTC).date())}, from {made.starts_on} on.")


@app.command("list")
def list_campaigns(context: typer.Context, as_json: _Json = False) -> None:
    """List all campaigns, the first to start first; ended ones are kept.

    Example: `churn campaign list`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.campaigns.campaigns import campaigns

    with open_store(settings_of(context).store.url) as store:
        found = campaigns(store)
    if as_json:
        print_json([_document(one) for one in found])
        return
    if not found:
        say("There is no campaign yet: make one with `churn campaign create`.")
        return
    today = datetime.now(UTC).date()
    rows = [
        (one.id, one.name, one.state(today), one.offer, f"{one.starts_on}", f"{one.ends_on or 'open'}") for one in found
    ]
    table(None, ("id", "name", "state", "offer", "from", "to"), rows, right=("id",), whole=("id", "from", "to"))


@app.command()
def show(context: typer.Context, campaign_id: _Number, as_json: _Json = False) -> None:
    """Show a campaign: customers in each arm, contacts by result, and who broke an arm.

    Example: `churn campaign show 1`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.campaigns.assignments import overrides_of
    from churn_mlops.store.campaigns.campaigns import campaign_of, counts_of

    with open_store(settings_of(context).store.url) as store:
        found, counts = campaign_of(store, campaign_id), counts_of(store, campaign_id)
        broken = overrides_of(store, campaign_id)
    if as_json:
        overrides = [{**asdict(one), "customer": one.customer or None} for one in broken]
        print_json(_document(found) | asdict(counts) | {"overrides": overrides})
        return
    say(f"Campaign {found.id} ({found.name}) is {found.state(datetime.now(UTC).date())}: {found.offer}.")
    if found.ended_at is not None:
        say(f"{found.ended_by} ended it on {found.ended_at:%Y-%m-%d}: {found.ended_reason}")
    say(f"{counts.treated:,} customers are treated, {counts.control:,} are in the control group.")
    say(f"{counts.explored:,} of them were drawn at random, whatever their score.")
    for result, count in sorted(counts.contacts.items()):
        say(f"  {result.replace('_', ' ')}: {count:,} contacts")
    for one in broken:
        customer = visible_id(one.customer) if one.customer else "an erased customer"
        say(f"{one.caller} contacted {customer} of the control group: {one.reason}")


@app.command()
def end(
    context: typer.Context,
    campaign_id: _Number,
    reason: Annotated[str, typer.Option(help="Why it ends.")],
    as_json: _Json = False,
) -> None:
    """End a campaign, with a reason. Its customers keep their arms, and get no more offers of it.

    Example: `churn campaign end 1 --reason "the budget is spent"`
    """
    from churn_mlops.store import open_store
    from churn_mlops.store.campaigns.campaigns import end_campaign

    with open_store(settings_of(context).store.url) as store:
        ended = end_campaign(store, campaign_id, by=who(), reason=reason)
    if as_json:
        print_json(_document(ended))
    else:
        say(f"Campaign {ended.id} ({ended.name}) is ended.")


def _document(one: Campaign) -> dict[str, Any]:
    return asdict(one) | {"state": one.state(datetime.now(UTC).date())}
