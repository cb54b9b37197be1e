"""``/models``: the model that is live, what was live when, versions side by side, promotion and rollback."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.deployment import ModelVersion
from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.api.models import VERSION, DecisionRequest, Version
from churn_mlops.serving.console.frame.forms import Form, read_form
from churn_mlops.serving.console.frame.pages import Banner, Pages, redirect
from churn_mlops.serving.console.models.comparison import compare
from churn_mlops.serving.console.models.models_view import METRICS, models_view, version_view
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.model_book import ChampionMovedError, Decision, ModelBook, ModelFacts
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import model_card
from churn_mlops.serving.prediction.service import PredictionService

MODELS = "/models"
ROLLBACK = f"{MODELS}/rollback"


@dataclass(frozen=True)
class ModelsPages:
    """The routes.

    Args:
        pages: makes pages.
        book: reads and changes what is live.
        service: has the model that this server answers with.
    """

    pages: Pages
    book: ModelBook
    service: PredictionService

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get(MODELS, include_in_schema=False)(self.all)
        app.get(f"{MODELS}/compare", include_in_schema=False)(self.compare)
        app.get(ROLLBACK, include_in_schema=False)(self.confirm_rollback)
        app.post(ROLLBACK, include_in_schema=False)(self.roll_back)
        app.get(f"{MODELS}/{{version}}/promote", include_in_schema=False)(self.confirm_promotion)
        app.post(f"{MODELS}/{{version}}/promote", include_in_schema=False)(self.promote)

    async def all(self, request: Request) -> Response:
        """The version that is live, what was live when, and the versions that can be made live."""
        facts, done = await self.book.all(), None
        if facts.champion is not None and request.query_params.get("changed") == facts.champion.version:
            done = Banner("done", self.pages.texts("models.changed", version=facts.champion.version))
        return self._models(request, facts, done)

    async def compare(self, request: Request) -> Response:
        """Two versions side by side; the choice comes back where it is not one of two."""
        asked = [request.query_params.get(name, "") for name in ("first", "second")]
        facts = await self.book.all()
        if asked[0] == asked[1] or not all(re.fullmatch(VERSION, number) for number in asked):
            return self._models(request, facts, Banner("error", self.pages.texts("compare.two")), 422)
        first, second = [version_view(one, facts.history) for one in await self.book.versions(*asked)]
        found = compare(first, second, self.pages.formats)
        return self.pages.page(request, "models_compare", found=found)

    async def confirm_promotion(self, request: Request, version: Version) -> Response:
        """The effect of a promotion, and the form of its reason."""
        return await self._confirm(request, version)

    async def promote(self, request: Request, version: Version) -> Response:
        """Make a version live, with a reason."""
        form = await read_form(request)
        try:
            changed = await self.book.promote(version, _decision(form, principal_of(request).name))
        except RequestError as refused:
            return await self._refused(request, version, form, refused)
        return redirect(f"{MODELS}?changed={changed.version}")

    async def confirm_rollback(self, request: Request) -> Response:
        """The effect of a rollback, and the form of its reason."""
        return await self._confirm(request, None)

    async def roll_back(self, request: Request) -> Response:
        """Make the version before the champion live again, with a reason."""
        form = await read_form(request)
        try:
            changed = await self.book.rollback(_decision(form, principal_of(request).name))
        except RequestError as refused:
            return await self._refused(request, None, form, refused)
        return redirect(f"{MODELS}?changed={changed.version}")

    def _models(self, request: Request, facts: ModelFacts, banner: Banner | None, status: int = 200) -> Response:
        live = self.service.model
        view = models_view(facts, (live.version, live.sha256), self.book.clock())
        card = model_card(live)
        return self.pages.page(request, "models", status=status, banner=banner, view=view, card=card, metrics=METRICS)

    async def _refused(self, request: Request, version: str | None, form: Form, refused: RequestError) -> Response:
        """The confirm page again, by what is live now, with what is wrong.

        A form that was sent twice is no conflict: the second finds its own work done.
        """
        now = refused.champion if isinstance(refused, ChampionMovedError) else None
        by = principal_of(request).name
        if now is not None and (now.sha256, now.deployed_by) == (form.get("expected_bundle"), by):
            return redirect(f"{MODELS}?changed={now.version}")
        if refused.status not in (409, 422):
            raise refused
        return await self._confirm(request, version, form.get("reason", ""), refused)

    async def _confirm(
        self, request: Request, version: str | None, reason: str = "", refused: RequestError | None = None
    ) -> Response:
        facts = await self.book.all()
        other = await self._other(facts, version)
        status = 200 if refused is None else refused.status
        is_live = facts.champion is not None and facts.champion.is_of(other)
        first, second = (version_view(one, facts.history) for one in (facts.live or other, other))
        return self.pages.page(
            request,
            "models_change",
            status=status,
            banner=self._banner(refused),
            problem=dict(refused.problems).get("reason") if refused is not None else None,
            found=compare(first, second, self.pages.formats),
            champion=facts.champion,
            is_rollback=version is None,
            is_live=is_live,
            reason=reason,
        )

    async def _other(self, facts: ModelFacts, version: str | None) -> ModelVersion:
        """The version that would go live: the one that is asked for, or the one before the champion."""
        if version is not None:
            return (await self.book.versions(version))[0]
        if facts.before is None:
            raise RequestError(404, "no other version was live before: there is nothing to roll back to")
        return await self.book.deployed(facts.before)

    def _banner(self, refused: RequestError | None) -> Banner | None:
        if refused is None:
            return None
        now = refused.champion if isinstance(refused, ChampionMovedError) else None
        if now is None:
            return Banner("error", refused.error)
        values = {"version": now.version, "time": self.pages.formats.time(now.since), "reason": now.reason}
        by = (now.deployed_by or self.pages.texts("models.not_known")).removeprefix("person:")
        return Banner("error", self.pages.texts("models.moved", by=by, **values))


def _decision(form: Form, by: str) -> Decision:
    """The decision that a form holds.

    Raises:
        RequestError: 422, the reason is empty or too long, or a field is missing.
    """
    given = {name: value.strip() for name, value in form.items()}
    asked = read_fields(json.dumps(given).encode(), DecisionRequest, "a promotion")
    if asked.expected_champion is None or asked.expected_bundle is None:
        problem = ("expected_champion", "is missing")
        raise RequestError(422, "the form does not say what was live: open the page again", [problem])
    return Decision(asked.reason, by, asked.expected_champion, asked.expected_bundle)
