"""``/dashboard/rows``: the customers that a figure of the dashboard counted, each with how much they count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response

from churn_mlops.serving.api.figure_rows import FigureRowsReader, FoundRows, RowsOf, next_key
from churn_mlops.serving.console.dashboard_figures import MONEY_COUNTS, figure_text
from churn_mlops.serving.console.dashboard_view import OF_CAMPAIGN
from churn_mlops.serving.console.frame.formats import Formats
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.store.campaigns.campaigns import campaigns
from churn_mlops.store.figure_rows.arm_rows import ARMS
from churn_mlops.store.figure_rows.figures import OF_RUN
from churn_mlops.store.figure_rows.listed_rows import LISTED
from churn_mlops.store.figure_rows.rows import Which
from churn_mlops.store.figure_rows.scored_rows import ACCURACY

PATH = "/dashboard/rows"
PAGE_ROWS = 25
COLUMNS = {
    **dict.fromkeys(ACCURACY, ("as_of", "score", "outcome", "above", "below")),
    **dict.fromkeys(OF_RUN, ("score", "above")),
    **dict.fromkeys(LISTED, ("contact", "above")),
    **dict.fromkeys(ARMS, ("group", "outcome", "above")),
    "churn_by_band": ("score", "outcome", "above"),
    "score_drift": ("score",),
    "revenue_at_risk": ("score", "above", "below"),
    "success": ("group", "outcome", "above", "below"),
    "roi": ("group", "outcome", "above", "below"),
}
"""The columns of each figure beside the customer; where none says how much a row counts below the line, it is one."""


@dataclass(frozen=True)
class RowsView:
    """The page as plain values.

    Args:
        columns: keys of the columns beside the customer.
        choices: address of all rows, and of those that count above the line; empty where nothing does.
        dates: address of each date that the figure pools.
        json: address of the same rows by the API.
        first: address of the first page, None on it.
        next: address of the page behind, None on the last.
    """

    columns: tuple[str, ...]
    choices: dict[str, str]
    dates: dict[date, str]
    json: str
    first: str | None
    next: str | None


@dataclass(frozen=True)
class FigureRowsPage:
    """The route.

    Args:
        pages: makes pages.
        reader: reads the rows.
    """

    pages: Pages
    reader: FigureRowsReader

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        app.get(PATH, include_in_schema=False, dependencies=ONE_EACH)(self.page)

    async def page(self, request: Request, query: Annotated[RowsOf, Query()]) -> Response:
        """A page of the rows behind a figure."""
        found = await self.reader.read(request, query, PAGE_ROWS)
        given: dict[str, Any] = {
            "campaign": await self._campaign(query),
            "figure": figure_text(found.figure, self.pages.formats, None),
            "found": found,
            "query": query,
            "view": rows_view(query, found),
            "counted": lambda amount: counted(query.name, amount, self.pages.formats),
        }
        return self.pages.page(request, "figure_rows", **given)

    async def _campaign(self, query: RowsOf) -> str | None:
        """The name of the campaign that a figure is about, None for other figures."""
        if query.name not in OF_CAMPAIGN:
            return None
        found = await self.reader.store.ask(campaigns)
        return next((one.name for one in found if str(one.id) == query.part), query.part)


def rows_view(query: RowsOf, found: FoundRows) -> RowsView:
    """The page of rows as plain values.

    Args:
        query: which rows were asked for.
        found: what was found.
    """
    rows, has_above = found.rows, found.figure.numerator is not None
    following = next_key(rows)
    columns = COLUMNS[query.name]
    return RowsView(
        columns=columns if has_above else tuple(one for one in columns if one != "above"),
        choices={one: _address(query, which=one, after="") for one in get_args(Which)} if has_above else {},
        dates={one: _address(query, as_of=one, after="") for one in rows.dates},
        json=f"/api{_address(query)}",
        first=_address(query, after="") if query.after else None,
        next=None if following is None else _address(query, after=following),
    )


def counted(name: str, amount: float, formats: Formats) -> str:
    """The count of a row, or of all together, in the figure ``name``."""
    if name in MONEY_COUNTS:
        return formats.money(amount)
    return formats.number(amount, 0 if math.isclose(amount, round(amount), abs_tol=1e-6) else 2)


def _address(query: RowsOf, **changed: str | date) -> str:
    values = query.model_dump(include={"name", "part", "which", "as_of", "after"}) | changed
    defaults = {"part": "", "which": "all", "as_of": None, "after": ""}
    return f"{PATH}?{urlencode({key: value for key, value in values.items() if defaults.get(key) != value})}"
