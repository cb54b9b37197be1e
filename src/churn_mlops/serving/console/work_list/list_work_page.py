"""``/list/work``: the work on customers of the list that are ticked, or on all that match the filter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.access.principal import about, principal_of
from churn_mlops.serving.api.work_list.list_desk import ListDesk
from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.frame.forms import Form, add_form
from churn_mlops.serving.console.frame.pages import Pages, redirect
from churn_mlops.serving.console.work_list.list_change import ListChange, Outcome
from churn_mlops.serving.console.work_list.list_forms import ListWorkForm, needed, read_list_work
from churn_mlops.serving.console.work_list.list_query import ME
from churn_mlops.serving.console.work_list.list_view import published
from churn_mlops.serving.console.work_list.resending import again, confirm
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import WorkAction
from churn_mlops.store.scoring.browsing import count_selected
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import list_times

_ACTION = "/list/work"


@dataclass(frozen=True)
class ListWorkPage:
    """The route.

    Args:
        pages: makes pages.
        facts: asks the store.
        desk: changes the work.
    """

    pages: Pages
    facts: StoreFacts
    desk: ListDesk

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        add_form(app, _ACTION, self.change)

    async def change(self, request: Request, form: Form) -> Response:
        """Change the work on customers of the list, and show the list again, or who was skipped and why."""
        asked, by = read_list_work(form), principal_of(request).name
        self.desk.suppression.check_key()
        if not asked.every and not asked.rows:
            about(request, None)
            return redirect(asked.query.address(after=asked.query.after, before=asked.query.before, did="nothing"))
        to, until = needed(asked.fields)
        if until is not None:
            self.desk.check_snooze(until)
        ranks = None if asked.every else ",".join(map(str, asked.rows))
        about(request, None, do=asked.fields.do, ranks=ranks, part=asked.query.part, state=asked.query.state or None)
        try:
            run = await self.facts.ask(lambda opened: self._run(opened, asked, to))
            if asked.every and not asked.is_confirmed:
                return await self._asked(request, form, asked, run, by)
            outcome = await self._do(ListChange(self.desk, asked, run, _action(asked, run), by))
        except StoreUnavailableError as error:
            return again(self.pages, request, form, _ACTION, error)
        return self._answer(request, asked, outcome)

    def _run(self, store: Store, asked: ListWorkForm, to: str | None) -> Run:
        """The run that the form is about.

        Raises:
            RequestError: 404, no list is published; 409, it was published again; 422, no one may get the customers.
        """
        run = self.desk.run(store)
        if run is None:
            raise RequestError(404, "no list is published: `churn score` publishes the first")
        if asked.published != published(run):
            raise RequestError(409, "the list was published again since this page was made: nothing was changed")
        if to is not None:
            self.desk.check_agent(store, to)
        return run

    async def _asked(self, request: Request, form: Form, asked: ListWorkForm, run: Run, by: str) -> Response:
        def count(store: Store) -> int:
            return count_selected(store, run, asked.query.selection(list_times(store, run, self.desk.clock()), by))

        found, texts = await self.facts.ask(count), self.pages.texts
        question = texts.count(f"list_ask.{asked.fields.do}", found, self.pages.formats.number(found))
        return confirm(self.pages, request, form, _ACTION, question, asked.query.here())

    async def _do(self, change: ListChange) -> Outcome:
        if not change.asked.every:
            await self.facts.ask(change.rows)
            return change.outcome
        if change.action is None:
            raise RequestError(422, "a note is for customers that are ticked, not for all", [("all", "takes no note")])
        after: int | str | None = None
        while True:
            found = await self.facts.ask(partial(change.portion, action=change.action, after=after))
            if not found.has_after:
                return change.outcome
            last = found.items[-1]
            after = last.customer if change.asked.query.order == "customer" else last.rank

    def _answer(self, request: Request, asked: ListWorkForm, outcome: Outcome) -> Response:
        query, did = asked.query, asked.fields.do
        if not outcome.counts:
            place = f"#r{next(iter(asked.rows))}" if asked.rows and not asked.every else ""
            address = query.address(after=query.after, before=query.before, did=did, count=str(outcome.done))
            return redirect(address + place)
        status = 409 if not outcome.done and not asked.every else 200
        return self.pages.page(request, "list_result", status=status, did=did, outcome=outcome, back=query.here())


def _action(asked: ListWorkForm, run: Run) -> WorkAction | None:
    """The action on the work, None for a note alone.

    The owner that the filter names was seen: their customers may be released or handed on all together.
    """
    to, until = needed(asked.fields)
    seen = asked.query.owner if asked.every and asked.query.owner not in ("", ME) else None
    if asked.fields.do == "note":
        return None
    return WorkAction(asked.fields.do, to, run.as_of if asked.fields.do == "done" else until, seen)
