"""``/list.csv`` and ``/list.xlsx``: all customers of a selection as a file."""

from __future__ import annotations

import re
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from churn_mlops.serving.access.principal import about, principal_of
from churn_mlops.serving.console.customer_facts import StoreFacts, newest_run
from churn_mlops.serving.console.work_list.csv_export import FileRow, file_row, header, lines_of
from churn_mlops.serving.console.work_list.list_query import ME, ListQuery
from churn_mlops.serving.console.work_list.xlsx_export import MOST_ROWS, Sheet, remove_left_folders
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.prediction.suppression import SuppressionCheck
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import ListWork, work_on
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.scoring.browsing import Selection, count_selected, read_slice
from churn_mlops.store.scoring.predictions import OFFER, Prediction
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import contacts_by_list, list_times

EXPORT_ROWS = 2000
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST_PART = 40
"""Characters of a part of the file's name."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class ListExport:
    """The routes.

    Args:
        facts: asks the store.
        suppression: knows whether erased customers can be recognized.
    """

    facts: StoreFacts
    suppression: SuppressionCheck

    def add_to(self, app: FastAPI) -> None:
        """Add the routes, and remove what a server left that was killed while it exported."""
        remove_left_folders()
        app.get("/list.csv", include_in_schema=False, dependencies=ONE_EACH)(self.as_csv)
        app.get("/list.xlsx", include_in_schema=False, dependencies=ONE_EACH)(self.as_xlsx)

    async def as_csv(self, request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        """All customers of a selection as CSV."""
        run, selection = await self._selected(request, query)
        # It ends with an error, and not as a shorter file, if the date is published again meanwhile.
        headers = _named(query, run, principal_of(request).name, "csv")
        return StreamingResponse(self._lines(run, selection), media_type="text/csv", headers=headers)

    async def as_xlsx(self, request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        """The same as a spreadsheet, whose texts stay texts.

        Raises:
            RequestError: 422, there are too many customers for it.
        """
        run, selection = await self._selected(request, query)
        count = await self.facts.ask(lambda store: count_selected(store, run, selection))
        if count > MOST_ROWS:
            raise RequestError(422, f"{count:,} customers: more than {MOST_ROWS:,} rows, export CSV")
        sheet = await run_in_threadpool(Sheet)
        try:
            async for part in self._parts(run, selection):
                await run_in_threadpool(sheet.add, part)
            await run_in_threadpool(sheet.finish)
        except BaseException:
            get_running_loop().run_in_executor(None, sheet.close)  # not awaited: the request may be cancelled
            raise
        headers = _named(query, run, principal_of(request).name, "xlsx") | {"Content-Length": str(sheet.size)}
        return StreamingResponse(sheet.content(), media_type=XLSX, headers=headers)

    async def _selected(self, request: Request, query: ListQuery) -> tuple[Run, Selection]:
        self.suppression.check_key()
        me = principal_of(request).name

        def read(store: Store) -> tuple[Run, Selection] | None:
            run = newest_run(store)
            return None if run is None else (run, query.selection(list_times(store, run, utc_now()), me))

        found = await self.facts.ask(read)
        if found is None:
            raise RequestError(404, "no list is published: `churn score` publishes the first")
        about(request, None, as_of=found[0].as_of.isoformat(), part=query.part)
        return found

    async def _lines(self, run: Run, selection: Selection) -> AsyncIterator[str]:
        yield header()
        async for part in self._parts(run, selection):
            yield lines_of(part)

    async def _parts(self, run: Run, selection: Selection) -> AsyncIterator[list[FileRow]]:
        after: int | str | None = None
        while True:
            listed, last = await self.facts.ask(partial(self._part, run=run, selection=selection, after=after))
            yield listed
            if last is None:
                return
            after = last.customer if selection.order == "customer" else last.rank

    def _part(
        self, store: Store, run: Run, selection: Selection, after: int | str | None
    ) -> tuple[list[FileRow], Prediction | None]:
        """The next rows of the file, and the last row that was read; None where there are no more.

        They are the rows that the page shows, each with the action of now. In the contact list, customers are left out
        who get no offer by now and were not contacted since it was made: a control group, or who must not be contacted.
        """
        present = newest_run(store)
        if present is None or (present.id, present.finished_at) != (run.id, run.finished_at):
            raise RequestError(503, "the list was published again: export it again")
        found = read_slice(store, run, selection, EXPORT_ROWS, after=after)
        now = self.facts.offers.now(store, found.items)
        listed = {one.customer for one in found.items if one.action == OFFER}
        is_of_list = selection.part == "contact"
        return self._rows(store, run, now, listed, is_of_list), found.items[-1] if found.has_after else None

    def _rows(
        self, store: Store, run: Run, now: Sequence[Prediction], listed: Set[str], is_of_list: bool
    ) -> list[FileRow]:
        times, names = list_times(store, run, utc_now()), [one.customer for one in now if one.customer in listed]
        works, contacted = work_on(store, names), contacts_by_list(store, times, names)
        rows = []
        for one in now:
            if is_of_list and one.action != OFFER and one.customer not in contacted:
                continue
            work = works.get(one.customer, ListWork(one.customer))
            state = work.state(run.as_of, times.today, contacted.get(one.customer))
            rows.append(file_row(one, work, state) if one.customer in listed else FileRow(one))
        return rows


def _named(query: ListQuery, run: Run, me: str, ending: str) -> dict[str, str]:
    """The header with the name of the file: the part, the filter and the date of the list."""
    owner = (me if query.owner == ME else query.owner).partition(":")[2]
    chosen = [_UNSAFE.sub("_", one)[:_LONGEST_PART] for one in (query.band, query.state, owner, query.q.strip())]
    name = "-".join(["churn", query.part, *filter(None, chosen), run.as_of.isoformat()])
    return {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
