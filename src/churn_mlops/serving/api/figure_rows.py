"""``GET /api/dashboard/rows``: the rows that a figure of the dashboard counted."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.errors import ContractError
from churn_mlops.serving.access.principal import about
from churn_mlops.serving.api.dashboard import DASHBOARD, NONE_MEASURED
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.pagination import PageQuery, limit_field
from churn_mlops.serving.http.whole_number import WholeNumber
from churn_mlops.serving.model.request_models import PLAIN, PLAIN_OR_EMPTY_SCHEMA
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.figure_rows.arm_rows import ARMS, Money
from churn_mlops.store.figure_rows.figures import Asked, FigureRows, Terms, rows_of_figure
from churn_mlops.store.figure_rows.listed_rows import LISTED
from churn_mlops.store.figure_rows.rows import Which
from churn_mlops.store.figure_rows.scored_rows import ACCURACY, Window
from churn_mlops.store.measurements import StoredMeasurement, latest_measurements

_SUMS = ", unless data changed since; of a top decile, that of the tenth of the weight with the highest scores"
_NO_FIGURE = (
    "the newest measurement has no rows of this figure: follow a link of the dashboard, which has those there are"
)
_NO_DATE = "the figure does not count this date: leave as_of out, or take one of its dates"
_NO_CONTRACT = "the rows of this figure need the data contract, which cannot be read: see the setting contract.path"


class CountedRow(BaseModel):
    """A customer that a figure counted."""

    customer_id: str
    as_of: date | None = Field(description="date of the score; null where the figure counts no scores")
    churn_probability: float | None
    left: bool | None = Field(description="whether they left; null where it is not final, or not looked at")
    group: str | None = Field(description="arm or risk band; null where the figure has no groups")
    contacted_at: datetime | None = Field(description="time of the latest contact, where the figure counts contacts")
    contacted_by: str | None
    result: str | None = Field(description="of the contact; the reason where no offer was made")
    above: float | None = Field(description="how much the row counts above the line; null where nothing does")
    below: float = Field(description="how much the row counts below the line")


class CountedRows(BaseModel):
    """A page of the rows behind a figure."""

    name: str
    part: str
    numerator: float | None = Field(description=f"of the figure: the sum of `above`{_SUMS}")
    denominator: float | None = Field(description=f"of the figure: the sum of `below`{_SUMS}")
    dates: list[date] = Field(description="dates that the figure pools; empty for a figure of one date")
    as_of: date | None = Field(description="date whose rows these are; null where the figure is not of a date")
    rows: list[CountedRow]
    next: str | None = Field(description="what to give as `after` for the next page; null after the last")


class RowsOf(PageQuery):
    """Which figure, and which of its rows."""

    name: Annotated[
        str,
        Field(max_length=100, description="of the figure, such as `auc`", json_schema_extra=PLAIN_OR_EMPTY_SCHEMA),
        PLAIN,
    ]
    part: Annotated[
        str,
        Field(
            max_length=500, description="of the figure; empty for the whole", json_schema_extra=PLAIN_OR_EMPTY_SCHEMA
        ),
        PLAIN,
    ] = ""
    which: Which = Field("all", description="all rows, or only those that count above the line")
    as_of: date | None = Field(None, description="date, of a figure that pools several; its last one without")
    after: Annotated[
        str,
        Field(
            max_length=500,
            description="`next` of the page before; empty for the first",
            json_schema_extra=PLAIN_OR_EMPTY_SCHEMA,
        ),
        PLAIN,
    ] = ""


class RowsQuery(RowsOf):
    """The query of the API."""

    limit: WholeNumber = limit_field("rows")


@dataclass(frozen=True)
class FoundRows:
    """A figure, and a page of its rows.

    Args:
        figure: as it was measured.
        rows: as they are now.
        measured_at: when the figure was measured.
    """

    figure: StoredMeasurement
    rows: FigureRows
    measured_at: datetime


@dataclass(frozen=True)
class FigureRowsReader:
    """Reads rows behind figures: the one way for the API and for the page.

    Args:
        store: where measurements are.
        settings: by which figures count.
    """

    store: StoreClient
    settings: Settings

    async def read(self, request: Request, query: RowsOf, limit: int) -> FoundRows:
        """The page that is asked for; the audit log learns which.

        Raises:
            RequestError: 404, there is no such figure or date, or the store has no rows of it; 503, the store is
                unavailable.
        """
        asked: dict[str, int | str | None] = query.model_dump(mode="json", include={"part", "which", "as_of", "after"})
        asked |= {"figure": query.name, "limit": limit}
        about(request, None, **asked)
        found = await self.store.ask(lambda opened: self._read(opened, query, limit))
        asked["as_of"] = None if found.rows.as_of is None else found.rows.as_of.isoformat()
        about(request, None, **asked, measured_at=found.measured_at.isoformat())
        return found

    def _read(self, store: Store, query: RowsOf, limit: int) -> FoundRows:
        day = latest_measurements(store)
        if day is None:
            raise RequestError(404, NONE_MEASURED)
        figure = next((one for one in day.figures if (one.name, one.part) == (query.name, query.part)), None)
        asked = Asked(query.which, query.as_of, _key(query), limit)
        try:
            rows = None if figure is None else rows_of_figure(store, day, figure, self._terms(query.name), asked)
        except ValueError:
            raise RequestError(404, _NO_DATE, [("as_of", "is no date of the figure")]) from None
        if figure is None or rows is None:
            raise RequestError(404, _NO_FIGURE, [("name", "is no figure with rows")])
        return FoundRows(figure, rows, day.measured_at)

    def _terms(self, name: str) -> Terms:
        decision = self.settings.decision
        final_after = self._final_after() if name in ACCURACY else 0
        money = Money(decision.customer_value, decision.contact_cost)
        return Terms(decision.threshold, money, Window(decision.follow_days, final_after))

    def _final_after(self) -> int:
        path = Path(self.settings.contract.path)
        try:
            return _final_after(path, path.stat().st_mtime_ns)
        except (ContractError, OSError):
            raise RequestError(503, _NO_CONTRACT) from None


@lru_cache(maxsize=1)
def _final_after(path: Path, changed: int) -> int:
    """Days until the labels of a date are final, by the contract: 0.1 s to read, so it is read once it ``changed``."""
    contract = load_contract(path)
    return contract.label.final_after if isinstance(contract, HistoryContract) and contract.label else 0


def add_figure_rows(app: FastAPI, reader: FigureRowsReader) -> None:
    """Add the route.

    Args:
        app: the application.
        reader: reads the rows.
    """
    app.get(
        "/api/dashboard/rows",
        summary="Which customers a figure counted",
        tags=[DASHBOARD],
        response_model=CountedRows,
        responses=refusing({404: "There is none"}),
        dependencies=ONE_EACH,
    )(_Rows(reader).rows)


@dataclass(frozen=True)
class _Rows:
    """The route. The name of the method is part of its operation's id."""

    reader: FigureRowsReader

    async def rows(self, request: Request, query: Annotated[RowsQuery, Query()]) -> Response:
        """The customers behind a figure of the newest measurement, each with how much it counts, a page at a time."""
        found = await self.reader.read(request, query, query.limit)
        body = {
            "name": query.name,
            "part": query.part,
            "numerator": found.figure.numerator,
            "denominator": found.figure.denominator,
            "dates": [one.isoformat() for one in found.rows.dates],
            "as_of": None if found.rows.as_of is None else found.rows.as_of.isoformat(),
            "rows": [_row(asdict(one)) for one in found.rows.rows],
            "next": next_key(found.rows),
        }
        return Response(as_json(body), media_type="application/json")


def next_key(rows: FigureRows) -> str | None:
    """The value of ``after`` for the page behind; None on the last."""
    return str(rows.rows[-1].key) if rows.has_next else None


def _key(query: RowsOf) -> int | str | None:
    """The key of ``after``.

    Raises:
        RequestError: 422, it is no key of the figure's rows.
    """
    if not query.after or query.name in (*ARMS, *LISTED):
        return query.after or None
    if not re.fullmatch(r"[0-9]{1,9}", query.after):
        raise RequestError(422, "after is not the `next` of a page", [("after", "is not the `next` of a page")])
    return int(query.after)


_NAMES = {"customer": "customer_id", "score": "churn_probability", "at": "contacted_at", "by": "contacted_by"}


def _row(values: dict[str, Any]) -> dict[str, Any]:
    del values["key"]
    as_text = {key: value.isoformat() if isinstance(value, date) else value for key, value in values.items()}
    return {_NAMES.get(key, key): value for key, value in as_text.items()}
