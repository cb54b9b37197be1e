"""``/list``: today's list, best first, and the same as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse

from churn_mlops.serving.access.principal import about
from churn_mlops.serving.console.csv_export import header, lines_of
from churn_mlops.serving.console.customer_facts import StoreFacts, newest_run
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.console.list_view import BANDS, ROWS, ListQuery, list_view
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.prediction.suppression import SuppressionCheck
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import ListWork, work_on
from churn_mlops.store.contacts import Contact, last_contact_of_each
from churn_mlops.store.scoring.browsing import Selection, Slice, read_slice
from churn_mlops.store.scoring.predictions import OFFER, Prediction
from churn_mlops.store.scoring.runs import Run

EXPORT_ROWS = 2000


@dataclass(frozen=True)
class ListPage:
    """The routes.

    Args:
        pages: makes pages.
        facts: reads the store.
        suppression: knows whether erased customers can be recognized.
    """

    pages: Pages
    facts: StoreFacts
    suppression: SuppressionCheck

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get("/list", include_in_schema=False)(self.page)
        app.get("/list.csv", include_in_schema=False)(self.export)

    async def page(self, request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        """A page of the list."""
        self.suppression.check_key()
        found = await self.facts.ask(lambda opened: self._read(opened, query))
        if found is None:
            about(request, None)
            return self.pages.page(request, "list", view=None)
        run, slice, contacts, work = found
        about(
            request, None, as_of=run.as_of.isoformat(), part=query.part, first=slice.items[0].rank if slice.items else 0
        )
        view = list_view(run, query, slice, contacts, work)
        return self.pages.page(request, "list", view=view, bands=BANDS)

    async def export(self, request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        """All customers of a selection as CSV."""
        self.suppression.check_key()
        run = await self.facts.ask(newest_run)
        if run is None:
            raise RequestError(404, "no list is published: `churn score` publishes the first")
        about(request, None, as_of=run.as_of.isoformat(), part=query.part)
        name = f"churn-{query.part}-{run.as_of.isoformat()}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        # It ends with an error, and not as a shorter file, if the date is published again meanwhile.
        return StreamingResponse(self._lines(run, query.selection()), media_type="text/csv", headers=headers)

    def _read(
        self, store: Store, query: ListQuery
    ) -> tuple[Run, Slice, Mapping[str, Contact], Mapping[str, ListWork]] | None:
        run = newest_run(store)
        if run is None:
            return None
        after, before = query.place(query.after), query.place(query.before)
        found = read_slice(store, run, query.selection(), ROWS, after=after, before=before)
        now = self.facts.offers.now(store, found.items)
        customers = [one.customer for one in now]
        return run, replace(found, items=now), last_contact_of_each(store, customers), work_on(store, customers)

    def _part(
        self, store: Store, run: Run, selection: Selection, after: int | str | None
    ) -> tuple[list[Prediction], Prediction | None]:
        """The next rows of the file, and the last row that was read; None where there are no more.

        The contact list has no customer who gets no offer by now.
        """
        present = newest_run(store)
        if present is None or (present.id, present.finished_at) != (run.id, run.finished_at):
            raise RequestError(503, "the list was published again: export it again")
        found = read_slice(store, run, selection, EXPORT_ROWS, after=after)
        now = self.facts.offers.now(store, found.items)
        listed = [one for one in now if selection.part != "contact" or one.action == OFFER]
        return listed, found.items[-1] if found.has_after else None

    async def _lines(self, run: Run, selection: Selection) -> AsyncIterator[str]:
        yield header()
        after: int | str | None = None
        while True:
            found = await self.facts.ask(partial(self._part, run=run, selection=selection, after=after))
            listed, last = found
            yield lines_of(listed)
            if last is None:
                return
            after = last.rank if selection.order == "rank" else last.customer
