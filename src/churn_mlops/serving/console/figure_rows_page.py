"""``/dashboard/rows``: the customers that a figure of the dashboard counted, each with how much they count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import Response

from churn_mlops.serving.api.figure_rows import FigureRowsReader, FoundRows, RowsOf
from churn_mlops.serving.console.dashboard_figures import MONEY_COUNTS, figure_text
from churn_mlops.serving.console.frame.formats import Formats
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.http.error_handlers import refuse_repeated_parameters
from churn_mlops.store.figure_rows.arm_rows import ARMS
from churn_mlops.store.figure_rows.figures import OF_RUN
from churn_mlops.store.figure_rows.listed_rows import LISTED
from churn_mlops.store.figure_rows.rows import Order
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
        above: sum of what counts above the line, as it is written; empty where nothing does.
        below: the same below the line.
        has_changed: whether the sums differ from those that were measured.
        orders: address of the page in each order.
        json: address of the same rows by the API.
        previous: address of the page before, None on the first.
        next: address of the page behind, None on the last.
    """

    columns: tuple[str, ...]
    above: str
    below: str
    has_changed: bool
    orders: dict[str, str]
    json: str
    previous: str | None
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
        one_each = [Depends(refuse_repeated_parameters)]
        app.get(PATH, include_in_schema=False, dependencies=one_each)(self.page)

    async def page(self, request: Request, query: Annotated[RowsOf, Query()]) -> Response:
        """A page of the rows behind a figure."""
        found = await self.reader.read(request, query, PAGE_ROWS)
        given: dict[str, Any] = {
            "figure": figure_text(found.figure, self.pages.formats, None),
            "found": found,
            "query": query,
            "view": rows_view(query, found, self.pages.formats),
            "counted": lambda amount: counted(query.name, amount, self.pages.formats),
        }
        return self.pages.page(request, "figure_rows", **given)


def rows_view(query: RowsOf, found: FoundRows, formats: Formats) -> RowsView:
    """The page of rows as plain values.

    Args:
        query: which rows were asked for.
        found: what was found.
        formats: writes numbers.
    """
    rows, figure = found.rows, found.figure
    columns = tuple(one for one in COLUMNS[query.name] if one != "above" or rows.numerator is not None)
    is_same = _is_same(rows.denominator, figure.denominator) and _is_same(rows.numerator, figure.numerator)
    orders = [one for one in get_args(Order) if one != "score" or "score" in columns]
    return RowsView(
        columns=columns,
        above="" if rows.numerator is None else counted(query.name, rows.numerator, formats),
        below=counted(query.name, rows.denominator, formats),
        has_changed=not is_same,
        orders={one: _address(query, order=one, page=1) for one in orders},
        json=f"/api{_address(query)}",
        previous=_address(query, page=query.page - 1) if query.page > 1 else None,
        next=_address(query, page=query.page + 1) if found.has_next else None,
    )


def counted(name: str, amount: float, formats: Formats) -> str:
    """The count of a row, or of all together, in the figure ``name``."""
    if name in MONEY_COUNTS:
        return formats.money(amount)
    return formats.number(amount, 0 if math.isclose(amount, round(amount), abs_tol=1e-6) else 2)


def _is_same(now: float | None, measured: float | None) -> bool:
    return now is None or measured is None or math.isclose(now, measured, rel_tol=1e-6, abs_tol=1e-6)


def _address(query: RowsOf, **changed: str | int) -> str:
    values = query.model_dump(include={"name", "part", "order", "page"}) | changed
    defaults = {"part": "", "order": "counted", "page": 1}
    return f"{PATH}?{urlencode({key: value for key, value in values.items() if defaults.get(key) != value})}"
