"""``/api/campaigns``: make a campaign, watch it, end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.api.request_bodies import Day, LongText, ShortText, described_body
from churn_mlops.serving.http.errors import Problem, RequestError, sentence
from churn_mlops.serving.http.whole_number import NUMBER, WHOLE
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.campaigns.assignments import Override, overrides_of
from churn_mlops.store.campaigns.campaigns import (
    CONTROL_SHARE,
    EXPLORE_SHARE,
    Campaign,
    CampaignCounts,
    CampaignEndedError,
    CampaignExistsError,
    NewCampaign,
    UnknownCampaignError,
    campaign_of,
    campaigns,
    counts_by_campaign,
    counts_of,
    create_campaign,
    end_campaign,
)
from churn_mlops.store.database.clock import Clock, utc_now

CAMPAIGNS = "Campaigns"
Found = TypeVar("Found")
_TAKEN = "is the name of another campaign"
_Number = Annotated[Annotated[int, Field(ge=1, le=2**31 - 1), WHOLE], Path()]


class CampaignRequest(BaseModel):
    """A campaign that is to be made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ShortText = Field(description="each campaign has another one; arms are drawn by it")
    offer: ShortText = Field(description="what customers are offered")
    offer_cost: Annotated[float, NUMBER] = Field(
        ge=0, le=1e9, allow_inf_nan=False, description="cost of an offer that is taken, USD"
    )
    script: LongText = Field(description="the sentence to say")
    starts_on: Day | None = Field(None, description="the first date of its lists; today when left out")
    ends_on: Day | None = Field(None, description="the last date of its lists; none when left out")
    min_score: Annotated[float, NUMBER] = Field(0.0, ge=0, le=1, description="customers from this churn probability on")
    risk_band: Literal["medium", "high"] | None = Field(None, description="customers of this risk band and above")
    only_worth: bool = Field(True, description="only customers with an expected gain above 0")
    capacity: Annotated[int, Field(ge=0, le=2**31 - 1), NUMBER] | None = Field(
        None, description="most offers on one list"
    )
    control_share: Annotated[float, NUMBER] = Field(CONTROL_SHARE, ge=0, lt=1, description="share of the control group")
    explore_share: Annotated[float, NUMBER] = Field(
        EXPLORE_SHARE, ge=0, lt=1, description="share drawn at random, half of them treated"
    )


class EndRequest(BaseModel):
    """The end of a campaign."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: LongText = Field(description="why it ends")


class StoredCampaign(CampaignRequest):
    """A campaign."""

    id: int
    starts_on: date
    state: Literal["planned", "running", "ended"]
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None
    ended_reason: str | None


class StoredCampaigns(BaseModel):
    """All campaigns, the first to start first."""

    campaigns: list[StoredCampaign]


class BrokenArm(BaseModel):
    """A contact with a customer of the control group."""

    contact_id: int
    customer_id: str | None = Field(description="null where the customer was erased since")
    at: datetime
    caller: str = Field(description="who recorded it")
    reason: str


class WatchedCampaign(StoredCampaign):
    """A campaign with its counts."""

    treated: int = Field(description="customers who get the offer")
    control: int = Field(description="customers who get none")
    explored: int = Field(description="customers of both arms who were drawn at random")
    contacts: dict[str, int] = Field(description="recorded contacts by result")
    contacts_of_control: dict[str, int] = Field(description="those of them with customers of the control group")
    overrides: list[BrokenArm] = Field(description="who broke an arm, and why")


def add_campaigns(app: FastAPI, book: CampaignBook) -> None:
    """Add the routes.

    Args:
        app: the application.
        book: makes, reads and ends campaigns.
    """
    routes = _Campaigns(book)
    unknown = {404: "There is none"}
    app.get("/api/campaigns", summary="All campaigns", tags=[CAMPAIGNS], response_model=StoredCampaigns)(routes.all)
    app.post(
        "/api/campaigns",
        summary="Make a campaign",
        tags=[CAMPAIGNS],
        status_code=201,
        response_model=StoredCampaign,
        responses=refusing({409: "Another campaign has this name, or it would end before its start"}),
        openapi_extra=described_body(CampaignRequest, _EXAMPLE),
    )(routes.make)
    app.get(
        "/api/campaigns/{campaign_id}",
        summary="One campaign with its counts",
        tags=[CAMPAIGNS],
        response_model=WatchedCampaign,
        responses=refusing(unknown),
    )(routes.one)
    app.post(
        "/api/campaigns/{campaign_id}/end",
        summary="End a campaign",
        tags=[CAMPAIGNS],
        response_model=StoredCampaign,
        responses=refusing(unknown | {409: "It was ended before"}),
        openapi_extra=described_body(EndRequest, {"reason": "the budget is spent"}),
    )(routes.end)


@dataclass(frozen=True)
class WatchedFacts:
    """A campaign, its counts, and who broke an arm."""

    campaign: Campaign
    counts: CampaignCounts
    overrides: list[Override]


@dataclass(frozen=True)
class CampaignBook:
    """Makes, reads and ends campaigns: the one way for the API and for the pages.

    Args:
        store: where campaigns are.
        clock: gives the time.
    """

    store: StoreClient
    clock: Clock = utc_now

    def today(self) -> date:
        """The day by which a campaign is planned, running or ended."""
        return self.clock().date()

    async def all(self) -> list[Campaign]:
        """All campaigns, the first to start first; ended ones are kept."""
        return await self.store.ask(campaigns)

    async def counted(self) -> list[tuple[Campaign, CampaignCounts]]:
        """All campaigns with their counts."""

        def counted(opened: Store) -> list[tuple[Campaign, CampaignCounts]]:
            counts = counts_by_campaign(opened)
            return [(one, counts.get(one.id, CampaignCounts())) for one in campaigns(opened)]

        return await self.store.ask(counted)

    async def make(self, asked: CampaignRequest, by: str) -> Campaign:
        """Make a campaign. Its customers get their arms when the next list is made.

        Raises:
            RequestError: 409, another campaign has the name, or it would end before its start; 503, the store is
                unavailable.
        """
        values = asked.model_dump() | {"starts_on": asked.starts_on or self.today()}
        if problems := await self.contradictions(asked.name, values["starts_on"], asked.ends_on):
            raise RequestError(409, sentence(problems), problems)
        return await self._ask(lambda opened: create_campaign(opened, NewCampaign(**values, created_by=by)))

    async def contradictions(self, name: str, starts_on: date | None, ends_on: date | None) -> list[Problem]:
        """The values of a campaign to be made that contradict: each is right alone, so that no schema refuses them.

        Args:
            name: that it would have.
            starts_on: None where it is not known.
            ends_on: None where there is none, or it is not known.
        """
        problems: list[Problem] = []
        if any(one.name == name for one in await self.all()):
            problems.append(("name", _TAKEN))
        if starts_on is not None and ends_on is not None and ends_on < starts_on:
            problems.append(("ends_on", "lies before the start"))
        return problems

    async def one(self, campaign_id: int) -> WatchedFacts:
        """One campaign.

        Raises:
            RequestError: 404, there is none; 503, the store is unavailable.
        """
        return await self._ask(
            lambda opened: WatchedFacts(
                campaign_of(opened, campaign_id), counts_of(opened, campaign_id), overrides_of(opened, campaign_id)
            )
        )

    async def end(self, campaign_id: int, reason: str, by: str) -> Campaign:
        """End a campaign. Its customers keep their arms, and get no more offers of it.

        Raises:
            RequestError: 404, there is none; 409, it was ended before; 503, the store is unavailable.
        """
        return await self._ask(lambda opened: end_campaign(opened, campaign_id, by=by, reason=reason))

    async def _ask(self, do: Callable[[Store], Found]) -> Found:
        try:
            return await self.store.ask(do)
        except UnknownCampaignError:
            raise RequestError(404, "there is no such campaign", [("campaign_id", "is no campaign")]) from None
        except CampaignExistsError as error:
            raise RequestError(409, str(error), [("name", _TAKEN)]) from None
        except CampaignEndedError as error:
            raise RequestError(409, str(error), [("campaign_id", "was ended before")]) from None


@dataclass(frozen=True)
class _Campaigns:
    """The routes. The name of a method is part of its operation's id."""

    book: CampaignBook

    async def all(self) -> Response:
        """All campaigns, the first to start first; ended ones are kept."""
        return self._answer({"campaigns": [self._to_json(one) for one in await self.book.all()]})

    async def make(self, request: Request) -> Response:
        """Make a campaign. Its customers get their arms when the next list is made."""
        asked = read_fields(await request.body(), CampaignRequest, "a campaign")
        return self._answer(self._to_json(await self.book.make(asked, principal_of(request).name)), 201)

    async def one(self, campaign_id: _Number) -> Response:
        """One campaign: how many customers are in each arm, contacts by result, and who broke an arm."""
        found = await self.book.one(campaign_id)
        overrides = [_override(one) for one in found.overrides]
        return self._answer(self._to_json(found.campaign) | asdict(found.counts) | {"overrides": overrides})

    async def end(self, request: Request, campaign_id: _Number) -> Response:
        """End a campaign, with a reason. Its customers keep their arms, and get no more offers of it."""
        reason = read_fields(await request.body(), EndRequest, "the end of a campaign").reason
        return self._answer(self._to_json(await self.book.end(campaign_id, reason, principal_of(request).name)))

    def _to_json(self, one: Campaign) -> dict[str, Any]:
        stated = {key: _plain(value) for key, value in asdict(one).items()}
        return stated | {"state": one.state(self.book.today())}

    def _answer(self, body: dict[str, Any], status: int = 200) -> Response:
        return Response(as_json(body), status, media_type="application/json")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _override(one: Override) -> dict[str, Any]:
    return {
        "contact_id": one.contact_id,
        "customer_id": one.customer or None,
        "at": one.at.isoformat(),
        "caller": one.caller,
        "reason": one.reason,
    }


_EXAMPLE = {
    "name": "Spring 2027",
    "offer": "20 % off for a year",
    "offer_cost": 50,
    "script": "You have been with us for two years: we would like to thank you with 20 % off for a year.",
    "risk_band": "high",
    "capacity": 300,
}
