"""``/campaigns``: make a campaign, watch it, end it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response
from pydantic import Field

from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.api.campaigns import CampaignBook, CampaignRequest, EndRequest
from churn_mlops.serving.console.dashboard_figures import FigureText, figure_text
from churn_mlops.serving.console.frame.forms import Form, read_form
from churn_mlops.serving.console.frame.pages import Banner, Pages, redirect
from churn_mlops.serving.http.errors import Problem, RequestError, sentence
from churn_mlops.serving.http.whole_number import WHOLE
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.store.campaigns.campaigns import CONTROL_SHARE, EXPLORE_SHARE
from churn_mlops.store.measurements import latest_measurements

CAMPAIGNS = "/campaigns"
PERCENT = {"control_share": CONTROL_SHARE, "explore_share": EXPLORE_SHARE, "min_score": 0.0}
"""Fields that a person writes in percent."""
_CONFIRMED = "without_control"
"""The field that says that a campaign without a control group is meant."""
_Number = Annotated[Annotated[int, Field(ge=1, le=2**31 - 1), WHOLE], Path()]


@dataclass(frozen=True)
class CampaignPages:
    """The routes.

    Args:
        pages: makes pages.
        book: makes, reads and ends campaigns.
    """

    pages: Pages
    book: CampaignBook

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get(CAMPAIGNS, include_in_schema=False)(self.all)
        app.get(f"{CAMPAIGNS}/new", include_in_schema=False)(self.show_form)
        app.post(CAMPAIGNS, include_in_schema=False)(self.make)
        app.get(f"{CAMPAIGNS}/{{campaign_id}}", include_in_schema=False)(self.one)
        app.post(f"{CAMPAIGNS}/{{campaign_id}}/end", include_in_schema=False)(self.end)

    async def all(self, request: Request) -> Response:
        """All campaigns, the latest to start first."""
        found = list(reversed(await self.book.counted()))
        return self.pages.page(request, "campaigns", campaigns=found, today=self.book.today())

    async def show_form(self, request: Request) -> Response:
        """The form of a new campaign."""
        values = {name: _percent(share) for name, share in PERCENT.items()}
        return self._form(request, values | {"starts_on": self.book.today().isoformat()})

    async def make(self, request: Request) -> Response:
        """Make a campaign, and go on to its page; a form that cannot be taken comes back as it was filled in."""
        form = await read_form(request)
        try:
            asked = _asked(form)
            problems = await self.book.contradictions(asked.name, asked.starts_on or self.book.today(), asked.ends_on)
            if problems or _is_unconfirmed(form):
                return self._form(request, form, RequestError(409, "", problems))
            made = await self.book.make(asked, principal_of(request).name)
        except RequestError as refused:
            if refused.status not in (409, 422):
                raise
            return self._form(request, form, await self._all_of(form, refused))
        return redirect(f"{CAMPAIGNS}/{made.id}?made=yes")

    async def one(self, request: Request, campaign_id: _Number) -> Response:
        """One campaign: its customers, contacts, and who broke an arm."""
        made = Banner("done", self.pages.texts("campaign.made")) if request.query_params.get("made") else None
        return await self._page(request, campaign_id, made)

    async def end(self, request: Request, campaign_id: _Number) -> Response:
        """End a campaign, with a reason."""
        form = await read_form(request)
        try:
            reason = read_fields(json.dumps(dict(form)).encode(), EndRequest, "the end of a campaign").reason
            await self.book.end(campaign_id, reason, principal_of(request).name)
        except RequestError as refused:
            if refused.status not in (409, 422):
                raise
            return await self._page(request, campaign_id, Banner("error", refused.error), refused.status)
        return redirect(f"{CAMPAIGNS}/{campaign_id}")

    async def _page(self, request: Request, campaign_id: int, banner: Banner | None, status: int = 200) -> Response:
        found = await self.book.one(campaign_id)
        state = found.campaign.state(self.book.today())
        effect = await self._effect(campaign_id)
        return self.pages.page(
            request, "campaign", status=status, banner=banner, found=found, state=state, effect=effect
        )

    async def _effect(self, campaign_id: int) -> FigureText | None:
        """The effect of the offer by the newest measurement, None where it was not measured."""
        day = await self.book.store.ask(latest_measurements)
        named = ("success", str(campaign_id))
        found = [one for one in day.figures if (one.name, one.part) == named] if day is not None else []
        return figure_text(found[0], self.pages.formats, None) if found else None

    async def _all_of(self, form: Form, refused: RequestError) -> RequestError:
        """A refusal with all problems of a form: those of single fields, and those of values that contradict."""
        dates = (_day(form.get("starts_on", "")), _day(form.get("ends_on", "")))
        others = await self.book.contradictions(" ".join(form.get("name", "").split()), *dates)
        return RequestError(refused.status, refused.error, [*others, *refused.problems])

    def _form(self, request: Request, values: Form, refused: RequestError | None = None) -> Response:
        found = {} if refused is None else dict(refused.problems)
        texts = self.pages.texts
        problems = {
            name: texts("new_campaign.problem", field=self._label(name), problem=problem)
            for name, problem in found.items()
        }
        wrong = " ".join(problems.values())
        banner = None if refused is None else Banner("error", wrong or refused.error)
        if refused is not None and _is_unconfirmed(values):  # it is made only if that is meant
            asking = texts("new_campaign.ask")
            banner = Banner("error", f"{wrong} {asking}") if wrong else Banner("warning", asking)
        if refused is not None:
            values = _with_answer(values)
        status = 200 if refused is None else refused.status
        return self.pages.page(request, "new_campaign", status=status, banner=banner, values=values, problems=problems)

    def _label(self, name: str) -> str:
        key = f"new_campaign.{name}"
        return self.pages.texts(key, currency=self.pages.formats.currency) if key in self.pages.texts.by_key else name


def _is_unconfirmed(form: Form) -> bool:
    """Whether a form asks for a campaign without a control group, and no page asked about that yet."""
    return _number(form.get("control_share", "")) == 0 and form.get(_CONFIRMED) != "yes"


def _with_answer(form: Form) -> Form:
    """The form as it comes back: sent again, it confirms that there is no control group, if it then asks for none."""
    rest = {name: value for name, value in form.items() if name != _CONFIRMED}
    return {**rest, _CONFIRMED: "yes"} if _number(form.get("control_share", "")) == 0 else rest


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _asked(form: Form) -> CampaignRequest:
    """The campaign that a form describes: empty fields are left out, shares are in percent, a line break is a space.

    Raises:
        RequestError: 422, a field is missing or out of its range.
    """
    filled = {name: " ".join(value.split()) for name, value in form.items() if name != _CONFIRMED}
    given: dict[str, Any] = {name: text for name, text in filled.items() if text}
    problems: list[Problem] = []
    for name in PERCENT:
        share = _number(given[name]) if name in given else 100 * PERCENT[name]
        if share is None:
            problems.append((name, "is no number"))
        given[name] = PERCENT[name] if share is None else share / 100.0
    given["only_worth"] = given.get("only_worth") != "no"
    try:
        asked = read_fields(json.dumps(given).encode(), CampaignRequest, "a campaign")
    except RequestError as refused:
        problems.extend(refused.problems)
    if problems:
        raise RequestError(422, sentence(problems), problems)
    return asked


def _percent(share: float) -> str:
    return f"{100.0 * share:g}"
